# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Jobs and CronJobs run to their end, and are closed from their first packet on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.node import addresses
from tests.cluster.waiting import until
from tests.node.scene import DECLARED, PARTNER, REGULAR, UNDECLARED, WARD
from tests.node.streams import RATE, last_count
from tests.node.workflows import LABEL, container, workflow

if TYPE_CHECKING:
    from tests.cluster.node.cluster import NodeCluster
    from tests.cluster.node.installation import PodInstallation
    from tests.node.proof import Proof
    from tests.node.scene import Scene

pytestmark = [pytest.mark.cluster("netpol"), pytest.mark.timeout(300)]

LENGTH = 6
"""Seconds that a pod sends from its first instruction on."""


def ended(
    node: NodeCluster, namespace: str, name: str, before: frozenset[str] = frozenset()
) -> str:
    """The name of a pod of the workflow, none of those before, that has ended with 0."""
    for pod in node.items("pods", namespace, f"{LABEL}={name}"):
        if pod["metadata"]["name"] in before:
            continue
        if pod["status"]["phase"] == "Succeeded":
            return str(pod["metadata"]["name"])
        assert pod["status"]["phase"] != "Failed", pod["status"]
    return ""


def test_a_job_is_closed_from_its_first_packet_on_and_runs_to_its_end(
    node: NodeCluster, operator: PodInstallation, namespace: str, proof: Proof
) -> None:
    assert operator.leader()
    send = ("stream", f"--rate={RATE}", f"--length={LENGTH}")
    containers = [
        container(node, *send, UNDECLARED, name="undeclared"),
        container(node, *send, DECLARED, name="declared"),
    ]
    endpoint = {**PARTNER, "cidrs": [f"{addresses.PARTNER}/32"]}
    job = {"kind": "Job", "containers": containers}
    node.apply(workflow(namespace, "newborn", job, endpoints=[endpoint]))
    pod = until(lambda: ended(node, namespace, "newborn"), "the job has ended", seconds=90)
    undeclared, declared = (
        last_count(node.kubectl("logs", pod, "-n", namespace, "-c", name))
        for name in ("undeclared", "declared")
    )
    until(
        lambda: (node.get("job", "newborn", namespace) or {})["status"].get("succeeded") == 1,
        "the Job has succeeded",
    )
    proof.note("runs", "Job", "succeeded", "succeeded")
    assert declared.made > RATE
    proof.note(
        "upheaval",
        "first start, from a pod's first instruction on: undeclared connections that are made",
        "0",
        str(undeclared.made),
        measured=f"{undeclared}; of the declared ones {declared}",
    )


def test_a_cron_job_runs_when_it_is_due(scene: Scene, node: NodeCluster, proof: Proof) -> None:
    assert scene.declared
    there = node.items("pods", WARD, f"{LABEL}={REGULAR}")
    before = frozenset(one["metadata"]["name"] for one in there)  # while nobody enforced, perhaps
    pod = until(lambda: ended(node, WARD, REGULAR, before), "a run has ended", seconds=120)
    log = node.kubectl("logs", pod, "-n", WARD)
    assert f'"{DECLARED}": "answered"' in log
    assert f'"{UNDECLARED}": "answered"' not in log
    proof.note("runs", "CronJob", "succeeded", "succeeded")
