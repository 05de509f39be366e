# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What Helm installed is tried by what it brings along: `helm test`, in a pod of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cluster.node.installation import PodInstallation
    from tests.node.proof import Proof

pytestmark = [pytest.mark.cluster("netpol"), pytest.mark.timeout(300)]


def test_helm_test_finds_everything_as_promised(operator: PodInstallation, proof: Proof) -> None:
    told = operator.helm("test", "wardkeeper", "--timeout=110s")
    phases = {line.split()[-1] for line in told.splitlines() if line.startswith("Phase:")}
    proof.note("operator", "`helm test`", "Succeeded", ", ".join(sorted(phases)))
