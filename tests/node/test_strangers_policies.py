# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A policy of somebody else lets packets in, and the condition says so as long as it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.node.probe import ANSWERED
from tests.cluster.waiting import until
from tests.component.policies import LEAVING_OUT, policy
from tests.node.pods import ask
from tests.node.proof import PASSES, STOPPED
from tests.node.scene import SUBJECT, WARD
from tests.node.workflows import KIND, condition, until_ready

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.node.cluster import NodeCluster
    from tests.node.proof import Proof
    from tests.node.scene import Scene

pytestmark = [pytest.mark.cluster("netpol"), pytest.mark.timeout(300)]

ALLOW_ALL = "allow-all"
WHO = "a pod of the same namespace, to a second port"
CLOSED, OPENED = "True, PoliciesEnforced", "False, OpenedByOthers"


@pytest.fixture
def no_policy_is_left(node: NodeCluster) -> Iterator[None]:
    """The policy of somebody else goes, however the test ends."""
    yield
    node.kubectl("delete", "networkpolicy", ALLOW_ALL, "-n", WARD, "--ignore-not-found")
    until_ready(node, WARD, SUBJECT)


@pytest.mark.usefixtures("no_policy_is_left")
def test_what_a_policy_of_somebody_else_lets_in_is_told(
    scene: Scene, node: NodeCluster, proof: Proof
) -> None:
    place = f"tcp/{scene.subject_address}/8081"

    def told() -> str:
        found = condition(node.get(KIND, SUBJECT, WARD) or {}, "NetworkClosed")
        return f"{found.get('status')}, {found.get('reason')}"

    def answers() -> bool:
        return ask(node, WARD, "stranger", [place])[place] == ANSWERED

    def note(when: str, packets: str, network: str) -> None:
        until(lambda: told() == network, f"NetworkClosed is {network} {when}", seconds=90)
        seen = ask(node, WARD, "stranger", [place])
        proof.packets("in", {f"{WHO}, {when}": place}, packets, seen, scene.from_node([place]))
        proof.note("operator", f"NetworkClosed of a workflow, {when}", network, told())

    note("before somebody else writes a policy", STOPPED, CLOSED)
    node.apply(policy(ALLOW_ALL, WARD))
    until(answers, "the policy of somebody else is in force", seconds=60)
    note("while the policy of somebody else selects every pod", PASSES, OPENED)
    node.apply(policy(ALLOW_ALL, WARD, LEAVING_OUT))
    until(lambda: not answers(), "the policy of somebody else leaves the workflow out", seconds=60)
    note("while that policy leaves workflows out", STOPPED, CLOSED)
