# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A real API server keeps what the operator relies on, and so what the fake one promises."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.cluster.waiting import until
from tests.component.apiserver import contract
from wardkeeper.kube.access import from_kubeconfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.cluster.access import ClusterAccess
    from tests.cluster.pool import Clusters

CRD = Path(__file__).parents[2] / "crds" / "wardkeeper.io_healthcareworkflows.yaml"


@pytest.fixture(scope="module")
def definition(clusters: Clusters) -> None:
    """The kind HealthcareWorkflow, served."""
    cluster = clusters.at("controllers")
    crd = yaml.safe_load(CRD.read_text())
    cluster.apply(crd)
    until(lambda: cluster.serves(crd["metadata"]["name"]), "the kind is served")


@pytest.mark.cluster("controllers")
@pytest.mark.usefixtures("definition")
class TestARealApiServer(contract.Contract):
    @pytest.fixture
    async def api(self, cluster: ClusterAccess, namespace: str) -> AsyncIterator[contract.Api]:
        async with contract.opened(from_kubeconfig(cluster.kubeconfig()), namespace) as api:
            yield api
