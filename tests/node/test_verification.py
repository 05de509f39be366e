# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The condition NetworkClosed says what the canary finds: whether policies are enforced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.waiting import until
from tests.node.scene import SUBJECT, WARD
from tests.node.workflows import KIND, condition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.node.cluster import NodeCluster
    from tests.node.proof import Proof
    from tests.node.scene import Scene

pytestmark = [pytest.mark.cluster("netpol"), pytest.mark.timeout(300)]

ENFORCED = "True, PoliciesEnforced"
NOT_ENFORCED = "False, PoliciesNotEnforced"


@pytest.fixture
def unenforced(node: NodeCluster) -> Iterator[None]:
    """Nobody enforces policies, and no rule of his is left; afterwards all is as it was."""
    router = node.processes["kube-router"]
    router.stop()
    node.sandbox.call("iptables", "--table=filter", "--flush")
    yield
    router.start()


def told(node: NodeCluster) -> str:
    """What NetworkClosed of the subject says: status and reason."""
    found: dict[str, Any] = condition(node.get(KIND, SUBJECT, WARD) or {}, "NetworkClosed")
    return f"{found.get('status')}, {found.get('reason')}"


def note(node: NodeCluster, proof: Proof, what: str, expected: str) -> None:
    """Wait until NetworkClosed says what it should, and write down what it said."""
    seen = ""

    def look() -> bool:
        nonlocal seen
        seen = told(node)
        return seen == expected

    until(look, f"NetworkClosed is {expected}", seconds=90)
    proof.note("operator", f"NetworkClosed of a workflow, {what}", expected, seen)


def test_where_policies_are_enforced_it_is_true(
    scene: Scene, node: NodeCluster, proof: Proof
) -> None:
    assert scene.subject
    note(node, proof, "while policies are enforced", ENFORCED)


@pytest.mark.usefixtures("unenforced")
def test_where_nobody_enforces_them_it_is_false(
    scene: Scene, node: NodeCluster, proof: Proof
) -> None:
    until(lambda: len(scene.leaks()) == len(scene.undeclared), "everything is open", seconds=60)
    note(node, proof, "while nobody enforces them", NOT_ENFORCED)


def test_where_they_are_enforced_again_it_is_true_again(
    scene: Scene, node: NodeCluster, proof: Proof
) -> None:
    until(lambda: not scene.leaks(), "the network is closed", seconds=60)
    note(node, proof, "when they are enforced again", ENFORCED)
