# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`helm test` on a real node: its pod really runs, and so does the workflow that it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.installation import NAMESPACE
from tests.cluster.waiting import until

if TYPE_CHECKING:
    from tests.cluster.node.cluster import NodeCluster
    from tests.cluster.node.installation import PodInstallation
    from tests.node.proof import Proof

SCRATCH = "wardkeeper-selftest"
TESTER = f"system:serviceaccount:{NAMESPACE}:wardkeeper-selftest"


def written(node: NodeCluster) -> set[tuple[str, str, int]]:
    """What the test wrote, or tried to: verb, resource, code; the API server's own record."""
    return {
        (one["verb"], one["objectRef"]["resource"], one["responseStatus"]["code"])
        for one in node.writes(TESTER)
    }


@pytest.mark.cluster("netpol")
@pytest.mark.timeout(300)
def test_helm_test_makes_attacks_and_removes_a_workflow_and_says_so(
    node: NodeCluster, operator: PodInstallation, proof: Proof
) -> None:
    said = operator.helm("test", "wardkeeper", "--timeout=100s", "--logs")
    assert "Phase:          Succeeded" in said, said
    asked = said.count("POD LOGS: wardkeeper-selftest")
    assert asked >= 1, said
    assert said.count("nobody else can use its identity") == asked + 1  # once without being asked
    assert written(node) == {
        ("create", "healthcareworkflows", 201),
        ("patch", "pods", 403),
        ("delete", "networkpolicies", 403),
        ("delete", "healthcareworkflows", 200),
    }
    proof.note("operator", "`helm test`", "Succeeded", "Succeeded")
    until(lambda: node.get("namespace", SCRATCH) is None, "the scratch namespace is gone")
    assert node.get("serviceaccount", SCRATCH, NAMESPACE) is None

    ended = node.get("pod", SCRATCH, NAMESPACE)
    assert ended
    assert ended["status"]["phase"] == "Succeeded"
