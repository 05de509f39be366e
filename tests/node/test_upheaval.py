# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A closed network stays closed while things change around it, and closes again when opened."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.cluster.installation import NAMESPACE
from tests.cluster.node import addresses
from tests.cluster.waiting import until
from tests.node.pods import ask
from tests.node.proof import PASSES, STOPPED, verdict
from tests.node.scene import SUBJECT, WARD
from tests.node.streams import RATE, Count, from_pod, from_world
from tests.node.workflows import pod_of, until_ready

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.node.cluster import NodeCluster
    from tests.cluster.node.installation import PodInstallation
    from tests.node.proof import Proof
    from tests.node.scene import Scene
    from tests.node.streams import Stream

pytestmark = [pytest.mark.cluster("netpol"), pytest.mark.timeout(300)]

POLICIES = (f"{SUBJECT}-deny", f"{SUBJECT}-allow")


@pytest.fixture(autouse=True)
def calm(scene: Scene) -> None:
    """Every story begins with a closed network."""
    until(lambda: not scene.leaks() and not scene.cut(), "the network is as declared", seconds=60)


@contextmanager
def incoming(scene: Scene, folder: Path) -> Iterator[tuple[Stream, Stream]]:
    """Streams to the subject: from who may come in, and from who may not."""
    place = f"tcp/{scene.subject_address}/8080"
    with (
        from_world(scene.node, addresses.PARTNER, place, folder / "declared.log") as declared,
        from_world(scene.node, addresses.STRANGER, place, folder / "undeclared.log") as undeclared,
    ):
        yield declared, undeclared


def uids(node: NodeCluster) -> list[str]:
    """The uids of the subject's policies, of those that are there."""
    found = [node.get("networkpolicy", name, WARD) for name in POLICIES]
    return [str(one["metadata"]["uid"]) for one in found if one]


def note(proof: Proof, what: str, declared: Count, undeclared: Count) -> None:
    """Write down that nothing undeclared came through; how much of the declared did is measured."""
    proof.note(
        "upheaval",
        f"{what}: undeclared connections that are made",
        "0",
        str(undeclared.made),
        measured=f"{undeclared}; of the declared ones {declared}",
    )


def test_while_pods_are_replaced(
    scene: Scene, node: NodeCluster, proof: Proof, tmp_path: Path
) -> None:
    service = (node.get("service", SUBJECT, WARD) or {})["spec"]["clusterIP"]
    place = f"tcp/{service}/8080"
    before = pod_of(node, WARD, SUBJECT)["metadata"]["uid"]
    found = node.get("healthcareworkflow", SUBJECT, WARD) or {}
    workload = found["spec"]["workload"]
    workload["containers"][0]["env"] = [{"name": "RELEASE", "value": "2"}]
    with (
        from_pod(node, WARD, "friend", place, tmp_path / "declared.log") as declared,
        from_pod(node, WARD, "stranger", place, tmp_path / "undeclared.log") as undeclared,
    ):
        node.patch("healthcareworkflow", SUBJECT, WARD, {"spec": {"workload": workload}})
        until_ready(node, WARD, SUBJECT)
        until(lambda: pod_of(node, WARD, SUBJECT)["metadata"]["uid"] != before, "another pod runs")
        undeclared.goes_on()
    note(proof, "rolling update, to the Service", declared.total, undeclared.total)
    assert declared.total.made
    proof.note(
        "upheaval", "rolling update: undeclared places reached afterwards", "0", leaks(scene)
    )


@pytest.mark.parametrize("name", POLICIES)
def test_while_one_of_its_policies_is_deleted(
    scene: Scene, node: NodeCluster, proof: Proof, tmp_path: Path, name: str
) -> None:
    before = uids(node)
    with incoming(scene, tmp_path) as (declared, undeclared):
        node.kubectl("delete", "networkpolicy", name, "-n", WARD)
        until(lambda: len(uids(node)) == 2 and uids(node) != before, "the policy is back")
        undeclared.goes_on(3 * RATE)
    note(proof, f"policy ...{name.removeprefix(SUBJECT)} deleted", declared.total, undeclared.total)


def test_when_all_of_its_policies_are_deleted(
    scene: Scene, node: NodeCluster, proof: Proof, tmp_path: Path
) -> None:
    before = uids(node)
    place = f"tcp/{addresses.STRANGER}/443"
    with (
        incoming(scene, tmp_path) as (declared, undeclared),
        from_pod(node, WARD, scene.subject, place, tmp_path / "outgoing.log") as outgoing,
    ):
        node.kubectl("delete", "networkpolicy", *POLICIES, "-n", WARD)
        until(lambda: len(uids(node)) == 2 and not set(uids(node)) & set(before), "both are back")
        closed = until_shut(undeclared, outgoing)
        later = undeclared.goes_on(2 * RATE).made, outgoing.now().made
    proof.note(
        "upheaval",
        "both policies deleted: undeclared connections, in and out, made once they are back",
        "0, 0",
        f"{later[0] - closed[0]}, {later[1] - closed[1]}",
        measured=f"{closed[0]} in, {closed[1]} out until then; of declared ones {declared.total}",
    )


def test_while_no_operator_runs(
    scene: Scene, node: NodeCluster, operator: PodInstallation, proof: Proof, tmp_path: Path
) -> None:
    scale = ("scale", "deployment", "wardkeeper", "-n", NAMESPACE)
    with incoming(scene, tmp_path) as (declared, undeclared):
        node.kubectl(*scale, "--replicas=0")
        until(lambda: not operator.pods(), "no operator runs", seconds=60)
        undeclared.goes_on()
    note(proof, "operator taken away", declared.total, undeclared.total)
    proof.note("upheaval", "no operator runs: undeclared places reached", "0", leaks(scene))
    proof.note("upheaval", "no operator runs: declared places out of reach", "0", cut(scene))
    with incoming(scene, tmp_path) as (declared, undeclared):
        node.kubectl("delete", "networkpolicy", *POLICIES, "-n", WARD)
        until(lambda: undeclared.now().made, "the network is open: nobody puts it right")
        began = time.monotonic()
        node.kubectl(*scale, "--replicas=2")
        until(lambda: len(uids(node)) == 2, "both policies are back", seconds=90)
        took = time.monotonic() - began
        closed = until_shut(undeclared)
        later = undeclared.goes_on(2 * RATE)
    proof.note(
        "upheaval",
        "both policies deleted while no operator runs: undeclared connections that are made once "
        "it is back",
        "0",
        str(later.made - closed[0]),
        measured=f"policies back {took:.1f} s after it was started again",
    )
    operator.start()


@pytest.mark.parametrize("name", ["kubelet", "kube-router"])
def test_while_the_node_is_tended(
    scene: Scene, node: NodeCluster, proof: Proof, tmp_path: Path, name: str
) -> None:
    before = pod_of(node, WARD, SUBJECT)["metadata"]["uid"]
    process = node.processes[name]
    with incoming(scene, tmp_path) as (declared, undeclared):
        process.kill()
        undeclared.goes_on(2 * RATE)
        process.start()
        undeclared.goes_on(4 * RATE)
    note(proof, f"{name} killed and started again", declared.total, undeclared.total)
    assert declared.total.made == declared.total.asked
    until(lambda: not scene.cut(), f"{name} works again", seconds=60)
    proof.note("upheaval", f"{name} is back: undeclared places reached", "0", leaks(scene))
    assert pod_of(node, WARD, SUBJECT)["metadata"]["uid"] == before


def test_a_pod_that_starts_while_nobody_enforces_is_open_until_somebody_does(
    scene: Scene, node: NodeCluster, proof: Proof
) -> None:
    router = node.processes["kube-router"]
    router.kill()
    try:
        before = pod_of(node, WARD, SUBJECT)["metadata"]
        node.kubectl("delete", "pod", before["name"], "-n", WARD, "--wait=false")
        until(
            lambda: pod_of(node, WARD, SUBJECT)["metadata"]["uid"] != before["uid"],
            "another pod runs",
            seconds=60,
        )
        place = f"tcp/{scene.subject_address}/8080"
        seen = verdict(ask(node, WARD, "stranger", [place])[place])
        what = "a pod that starts while kube-router is away: an undeclared connection to it"
        proof.note("upheaval", what, PASSES, seen, measured="until it is back")
    finally:
        router.start()
    until(lambda: not scene.leaks() and not scene.cut(), "its network is as declared", seconds=60)
    seen = verdict(ask(node, WARD, "stranger", [place])[place])
    proof.note("upheaval", "the same connection when kube-router is back", STOPPED, seen)


def until_shut(undeclared: Stream, *others: Stream) -> tuple[int, ...]:
    """Wait until the policies that are back are enforced, too; what had been made until then."""
    streams = (undeclared, *others)

    def shut() -> tuple[int, ...]:
        before = tuple(one.now().made for one in streams)
        after = tuple(one.goes_on().made for one in streams)
        return after if after == before else ()

    return until(shut, "nothing undeclared passes any more", seconds=60)


def leaks(scene: Scene) -> str:
    """How many undeclared places the subject reaches; their names where there are any."""
    return ", ".join(scene.leaks()) or "0"


def cut(scene: Scene) -> str:
    """How many declared places the subject does not reach; their names where there are any."""
    return ", ".join(scene.cut()) or "0"
