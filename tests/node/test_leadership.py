# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Two replicas, of which one leads; when it is killed, the other one takes over."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.cluster.installation import NAMESPACE
from tests.cluster.node.installation import LEASE
from tests.cluster.waiting import until

if TYPE_CHECKING:
    from tests.cluster.node.cluster import NodeCluster
    from tests.cluster.node.installation import PodInstallation
    from tests.node.proof import Proof

pytestmark = [pytest.mark.cluster("netpol"), pytest.mark.timeout(300)]

TAKEN_OVER = 20.0
"""Seconds from the death of the leader until another one leads."""


def test_when_the_leader_is_killed_another_one_leads_within_twenty_seconds(
    node: NodeCluster, operator: PodInstallation, proof: Proof
) -> None:
    killed = operator.leader()
    assert len(operator.pods()) == 2
    pod = node.get("pod", killed, NAMESPACE) or {}
    began = datetime.now(UTC)
    node.kill(pod["metadata"]["uid"])
    node.kubectl("delete", "pod", killed, "-n", NAMESPACE, "--grace-period=0", "--force")
    until(lambda: operator.leader() not in ("", killed), "another replica leads", seconds=60)
    lease = node.get("lease", LEASE, NAMESPACE) or {}
    took = (datetime.fromisoformat(lease["spec"]["acquireTime"]) - began).total_seconds()
    proof.note(
        "operator",
        "all processes of the leader's pod killed, the pod deleted: another replica leads",
        f"within {TAKEN_OVER:.0f} s",
        f"within {TAKEN_OVER:.0f} s" if took < TAKEN_OVER else "too late",
        measured=f"after {took:.1f} s",
    )
    until(lambda: len(operator.pods()) == 2, "there are two replicas again", seconds=90)
