# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A real API server keeps what the operator relies on, and so what the fake one promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.component.apiserver import contract
from wardkeeper.kube.access import from_kubeconfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.cluster.access import ClusterAccess


@pytest.mark.cluster("controllers")
class TestARealApiServer(contract.Contract):
    @pytest.fixture
    async def api(self, cluster: ClusterAccess, namespace: str) -> AsyncIterator[contract.Api]:
        async with contract.opened(from_kubeconfig(cluster.kubeconfig()), namespace) as api:
            yield api
