# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A workflow reaches what it declares and nothing else, and so is it reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.node import addresses
from tests.cluster.node.probe import ANSWERED
from tests.cluster.waiting import until
from tests.node.pods import ask
from tests.node.proof import PASSES, STOPPED, verdict
from tests.node.scene import ANNEX, PEER, SUBJECT, WARD, endpoints
from tests.node.workflows import pod_of, until_ready

if TYPE_CHECKING:
    from tests.cluster.node.cluster import NodeCluster
    from tests.node.proof import Proof
    from tests.node.scene import Scene

pytestmark = [pytest.mark.cluster("netpol"), pytest.mark.timeout(300)]


def control(scene: Scene) -> dict[str, str]:
    """What answers a pod that no policy selects; the node asks where a policy closes that pod."""
    places = {**scene.declared, **scene.undeclared}
    peer = pod_of(scene.node, WARD, PEER)["status"]["podIP"]
    closed = [at for name, at in places.items() if peer in at or "by its Service" in name]
    closed.remove("tcp/10.96.0.1/443")
    seen = ask(scene.node, WARD, "stranger", places.values())
    return seen | scene.from_node(closed)


def test_what_is_declared_is_reached(scene: Scene, proof: Proof) -> None:
    seen = scene.from_subject(scene.declared.values())
    proof.packets("out", scene.declared, PASSES, seen, control(scene))


def test_what_is_not_declared_is_not_reached(scene: Scene, proof: Proof) -> None:
    undeclared = scene.undeclared
    assert "the operator" in undeclared
    seen = scene.from_subject(undeclared.values())
    proof.packets("out", undeclared, STOPPED, seen, control(scene))


def test_the_api_server_is_reached_by_a_workflow_that_has_rights_there(
    scene: Scene, node: NodeCluster, proof: Proof
) -> None:
    name = "the API server, by its Service"
    place = scene.undeclared[name]
    pod = pod_of(node, WARD, PEER)["metadata"]["name"]
    seen, by_control = ask(node, WARD, pod, [place]), ask(node, WARD, "stranger", [place])
    places = {f"{name}, by a workflow with access.rules": place}
    proof.packets("out", places, PASSES, seen, by_control)


def test_an_endpoint_that_is_no_longer_declared_is_no_longer_reached(
    scene: Scene, node: NodeCluster, proof: Proof
) -> None:
    former = {"a host outside, while it is declared": scene.former}
    seen = scene.from_subject([scene.former])
    by_control = ask(node, WARD, "stranger", [scene.former])
    proof.packets("out", former, PASSES, seen, by_control)
    patch = {"spec": {"endpoints": endpoints()}}
    node.patch("healthcareworkflow", SUBJECT, WARD, patch)
    until_ready(node, WARD, SUBJECT)
    until(
        lambda: scene.from_subject([scene.former])[scene.former] != ANSWERED,
        "the former partner is out of reach",
    )
    seen = scene.from_subject([scene.former])
    by_control = ask(node, WARD, "stranger", [scene.former])
    former = {"the same host, after it was taken out": scene.former}
    proof.packets("out", former, STOPPED, seen, by_control)
    assert not scene.cut()


def test_only_who_is_declared_comes_in(scene: Scene, node: NodeCluster, proof: Proof) -> None:
    address = scene.subject_address
    declared = f"tcp/{address}/8080"
    ports = {"its port": declared, "a second port": f"tcp/{address}/8081"}
    ports["UDP at its port"] = f"udp/{address}/8080"
    by_node = scene.from_node(ports.values())
    callers = {
        "a declared pod": (ask(node, WARD, "friend", ports.values()), True),
        "a declared address outside": (scene.from_world(addresses.PARTNER, ports.values()), True),
        "a pod of the same namespace": (ask(node, WARD, "stranger", ports.values()), False),
        "a pod with the declared labels in another namespace": (
            ask(node, ANNEX, "outsider", ports.values()),
            False,
        ),
        "another workflow": (
            ask(node, WARD, pod_of(node, WARD, PEER)["metadata"]["name"], ports.values()),
            False,
        ),
        "another address outside": (
            scene.from_world(addresses.FORMER_PARTNER, ports.values()),
            False,
        ),
    }
    for who, (seen, may) in callers.items():
        for what, place in ports.items():
            expected = PASSES if may and place == declared else STOPPED
            proof.packets("in", {f"{who}, to {what}": place}, expected, seen, by_node)
    assert {verdict(one) for one in by_node.values()} == {PASSES}
