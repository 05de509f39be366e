# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Which policies are kept, which are a workflow's own, and whom a change matters to."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.engine.objects import KEY, NAME, SPACE, UID, owner, workflow
from wardkeeper.engine.pod_labels import any_labels_of
from wardkeeper.engine.seen import Key
from wardkeeper.engine.world import World

EVERYBODY: dict[str, Any] = {}
ITS_PODS = {"matchLabels": {"wardkeeper.io/workflow": NAME}}
OTHERS = {"matchLabels": {"wardkeeper.io/workflow": "other"}}


def policy(name: str = "web", selector: dict[str, Any] = EVERYBODY, **parts: Any) -> dict[str, Any]:
    """A policy that lets something in, if `parts` do not say otherwise."""
    spec = {"podSelector": selector, "policyTypes": ["Ingress"], "ingress": [{}], **parts}
    return {"kind": "NetworkPolicy", "metadata": {"namespace": SPACE, "name": name}, "spec": spec}


def owned(made: dict[str, Any], *, uid: str = UID, name: str = NAME) -> dict[str, Any]:
    made["metadata"]["ownerReferences"] = [owner(uid, name)]
    return made


def told(world: World, key: Key = KEY, *, uid: str = UID, guarded: bool = True) -> list[str]:
    openers = world.strangers.openers(key, uid, any_labels_of(key.name), guarded=guarded)
    return [one.name for one in openers]


@pytest.fixture
def world() -> World:
    world = World()
    world.observe_workflow(workflow())
    return world


def test_who_opens_a_workflow_is_told_in_the_order_of_names(world: World) -> None:
    world.strangers.observe(policy("web"))
    world.strangers.observe(policy("all", policyTypes=["Ingress", "Egress"], egress=[{}]))
    world.strangers.observe(policy("elsewhere", {"matchLabels": {"app": "elsewhere"}}))
    labels = any_labels_of(NAME)
    openers = world.strangers.openers(KEY, UID, labels, guarded=True)
    assert [str(one) for one in openers] == ["all (ingress, egress)", "web (ingress)"]


def test_a_policy_of_another_namespace_opens_nothing_here(world: World) -> None:
    made = policy()
    made["metadata"]["namespace"] = "cardiology"
    world.strangers.observe(made)
    assert told(world) == []
    assert told(world, Key("cardiology", NAME)) == ["web"]


@pytest.mark.parametrize("parts", [{"ingress": []}, {"policyTypes": ["Egress"]}])
def test_nothing_is_kept_of_a_policy_that_opens_nothing(
    world: World, parts: dict[str, Any]
) -> None:
    assert world.strangers.observe(policy(**parts)) == ()
    assert len(world.strangers) == 0
    world.strangers.observe(policy())
    assert list(world.strangers.names()) == [(SPACE, "web")]
    assert len(world.strangers.observe(policy(**parts))) == 1
    assert len(world.strangers) == 0


def test_only_a_change_of_what_is_opened_is_news(world: World) -> None:
    assert len(world.strangers.observe(policy())) == 1
    assert world.strangers.observe(policy()) == ()
    assert world.strangers.observe(policy(ingress=[{}, {"ports": [{"port": 80}]}])) == ()
    assert len(world.strangers.observe(policy("web", OTHERS))) == 2
    assert len(world.strangers.forget(policy("web"))) == 1
    assert world.strangers.forget(policy("web")) == ()


def test_the_policies_of_a_workflow_are_no_strangers(world: World) -> None:
    assert world.strangers.observe(owned(policy(f"{NAME}-allow", ITS_PODS))) == ()
    assert len(world.strangers) == 0


def test_those_seen_before_their_workflow_are_none_once_it_is_there() -> None:
    world = World()
    world.strangers.observe(owned(policy(f"{NAME}-allow", ITS_PODS)))
    world.strangers.observe(owned(policy(f"{NAME}-deny", EVERYBODY)))
    assert len(world.strangers) == 2
    world.observe_workflow(workflow())
    assert [name for _, name in world.strangers.names()] == [f"{NAME}-deny"]


@pytest.mark.parametrize(
    "made",
    [
        policy(f"{NAME}-allow", ITS_PODS),
        owned(policy(f"{NAME}-allow", ITS_PODS), uid="somebody"),
        owned(policy(f"{NAME}-allow", ITS_PODS), name="other"),
    ],
    ids=["without owner", "of another uid", "of another workflow"],
)
def test_a_policy_that_only_bears_the_name_is_told_where_no_pass_sees_to_it(
    world: World, made: dict[str, Any]
) -> None:
    world.strangers.observe(made)
    assert told(world, guarded=True) == []
    assert told(world, guarded=False) == [f"{NAME}-allow"]


def test_an_own_policy_that_reaches_beyond_its_pods_is_told_to_the_others(world: World) -> None:
    world.strangers.observe(owned(policy(f"{NAME}-allow", EVERYBODY)))
    assert told(world, guarded=False) == []
    assert told(world, Key(SPACE, "other"), uid="uid-of-other") == [f"{NAME}-allow"]


def test_an_own_policy_of_another_name_is_told(world: World) -> None:
    world.strangers.observe(owned(policy("extra", ITS_PODS)))
    assert told(world) == ["extra"]


def test_a_reference_that_controls_nothing_makes_nobody_an_owner(world: World) -> None:
    made = owned(policy(f"{NAME}-allow", ITS_PODS))
    made["metadata"]["ownerReferences"][0]["controller"] = False
    world.strangers.observe(made)
    assert told(world, guarded=False) == [f"{NAME}-allow"]
