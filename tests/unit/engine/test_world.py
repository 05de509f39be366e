# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What is believed of news that come in any order."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.engine.objects import KEY, NAME, SPACE, UID, child, owner, workflow
from wardkeeper.engine.gone import Gone
from wardkeeper.engine.seen import Key
from wardkeeper.engine.world import World
from wardkeeper.kube.resource import Ref

ROLE = Ref("Role", SPACE, NAME)


@pytest.fixture
def world() -> World:
    world = World()
    world.observe_workflow(workflow())
    return world


def remains(kind: str = "Role", name: str = NAME) -> dict[str, Any]:
    """What a list tells of a child that is gone."""
    return {"apiVersion": "v1", "kind": kind, "metadata": {"namespace": SPACE, "name": name}}


def test_a_new_workflow_wants_a_pass_and_its_repetition_none() -> None:
    world = World()
    assert world.observe_workflow(workflow())
    assert not world.observe_workflow(workflow())
    assert len(world) == 1
    assert world.exists(SPACE, NAME)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"generation": 2}, True),
        ({"status": {"observedGeneration": 1}}, False),
        ({"metadata": {"labels": {"team": "x"}}}, False),
        ({"metadata": {"annotations": {"example.org/x": "y"}}}, False),
        ({"metadata": {"annotations": {"wardkeeper.io/reconcile-at": "1"}}}, True),
        ({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}, True),
        ({"metadata": {"finalizers": ["wardkeeper.io/cleanup"]}}, False),
    ],
)
def test_only_changes_that_matter_want_a_pass(
    world: World, change: dict[str, Any], wanted: bool
) -> None:
    assert world.observe_workflow(workflow(version=6, **change)) is wanted


@pytest.mark.parametrize("uid", [UID, "uid-of-its-predecessor"])
def test_older_news_of_a_workflow_are_ignored_whoever_bears_the_name(
    world: World, uid: str
) -> None:
    assert not world.observe_workflow(workflow(version=4, uid=uid, generation=9))
    seen = world.workflow(KEY)
    assert seen is not None
    assert (seen.uid, seen.generation) == (UID, 1)


def test_a_successor_takes_the_place_and_the_end_of_its_predecessor_does_not_matter(
    world: World,
) -> None:
    assert world.observe_workflow(workflow(version=9, uid="uid-2"))
    assert not world.forget_workflow(KEY, UID)
    assert world.exists(SPACE, NAME)


def test_a_workflow_that_is_gone_is_not_revived_by_a_late_answer(world: World) -> None:
    assert world.forget_workflow(KEY, UID)
    assert not world.observe_workflow(workflow(version=99))
    assert world.workflow(KEY) is None
    assert len(world) == 0


def test_a_workflow_that_is_being_deleted_does_not_exist_for_its_peers(world: World) -> None:
    world.observe_workflow(
        workflow(version=6, metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})
    )
    assert not world.exists(SPACE, NAME)
    assert world.workflow(KEY) is not None


def test_what_annotations_say_is_kept_as_long_as_status_can_repeat_it(world: World) -> None:
    annotations = {"wardkeeper.io/reconcile-at": "x" * 999, "example.org/huge": "y"}
    world.observe_workflow(workflow(version=6, metadata={"annotations": annotations}))
    seen = world.workflow(KEY)
    assert seen is not None
    assert seen.annotations == {"wardkeeper.io/reconcile-at": "x" * 256}


def test_the_echo_of_our_own_write_wants_no_pass(world: World) -> None:
    world.wrote(child(version=10), good_for=7)
    assert world.observe_child(child(version=10)) is None
    assert world.pending(KEY) == frozenset()


def test_an_echo_that_comes_before_the_answer_is_settled_by_it(world: World) -> None:
    assert world.observe_child(child(version=10)) == KEY
    assert world.pending(KEY) == {(ROLE, 10)}
    world.wrote(child(version=10), good_for=7)
    assert world.pending(KEY) == frozenset()


def test_an_edit_that_came_before_the_answer_to_our_write_stays_to_be_looked_at(
    world: World,
) -> None:
    assert world.observe_child(child(version=11)) == KEY
    world.wrote(child(version=10), good_for=7)
    assert world.pending(KEY) == {(ROLE, 11)}


def test_an_edit_after_our_write_wants_a_pass(world: World) -> None:
    world.wrote(child(version=10), good_for=7)
    assert world.observe_child(child(version=11)) == KEY
    assert world.pending(KEY) == {(ROLE, 11)}


def test_what_our_own_write_led_to_is_no_news_though_it_is_not_as_wanted(world: World) -> None:
    world.wrote(child(version=10), good_for=0)
    assert world.pending(KEY) == frozenset()
    assert world.observe_child(child(version=10)) is None
    assert world.children(KEY)[ROLE].unread is not None


@pytest.mark.parametrize("uid", ["", "uid-of-a-former-role"])
def test_older_news_of_a_child_are_ignored_whoever_bears_the_name(world: World, uid: str) -> None:
    world.wrote(child(version=10), good_for=7)
    assert world.observe_child(child(version=9, uid=uid)) is None
    assert world.children(KEY)[ROLE].version == 10


def test_a_child_that_was_compared_is_not_kept_in_full(world: World) -> None:
    world.observe_child(child(version=10))
    world.compared(KEY, ROLE, 10, good_for=7)
    assert world.children(KEY)[ROLE].unread is None
    assert world.pending(KEY) == frozenset()


def test_a_child_that_changed_since_is_not_taken_for_compared(world: World) -> None:
    world.observe_child(child(version=11))
    world.compared(KEY, ROLE, 10, good_for=7)
    assert world.pending(KEY) == {(ROLE, 11)}


def test_a_child_that_vanished_is_lost_until_it_is_back(world: World) -> None:
    world.wrote(child(), good_for=7)
    assert world.forget_child(child(version=11)) == KEY
    assert world.lost(KEY) == {ROLE}
    assert world.pending(KEY) == {(ROLE, "uid-of-Role-router")}
    world.wrote(child(version=12, uid="uid-2"), good_for=7)
    assert world.lost(KEY) == frozenset()


def test_a_child_lost_twice_is_news_twice(world: World) -> None:
    world.wrote(child(uid="one"), good_for=7)
    world.forget_child(child(version=11, uid="one"))
    before = world.pending(KEY)
    world.wrote(child(version=12, uid="two"), good_for=7)
    world.forget_child(child(version=13, uid="two"))
    assert world.pending(KEY) - before


def test_a_child_that_vanished_unwatched_is_lost_too(world: World) -> None:
    world.wrote(child(), good_for=7)
    assert world.forget_child(remains()) == KEY
    assert world.lost(KEY) == {ROLE}
    assert world.forget_child(remains("Role", "nobody-knows")) is None


def test_a_child_thought_gone_by_a_list_may_come_back_as_it_was(world: World) -> None:
    world.wrote(child(), good_for=7)
    world.forget_child(remains())
    assert world.observe_child(child(version=10)) == KEY
    assert ROLE in world.children(KEY)
    assert world.lost(KEY) == frozenset()


def test_a_child_that_we_delete_is_not_lost(world: World) -> None:
    world.wrote(child(), good_for=7)
    world.leaving("uid-of-Role-router")
    assert world.forget_child(child(version=11)) == KEY
    assert world.lost(KEY) == frozenset()


@pytest.mark.parametrize("told", ["before", "after"])
def test_nothing_is_kept_of_a_child_that_we_replace(world: World, told: str) -> None:
    world.wrote(child(uid="old"), good_for=7)
    world.leaving("old")
    if told == "before":
        world.forget_child(child(version=11, uid="old"))
    world.wrote(child(version=12, uid="new"), good_for=7)
    if told == "after":
        world.forget_child(child(version=11, uid="old"))
    assert world.lost(KEY) == frozenset()
    assert world._leaving == set()


def test_children_of_a_workflow_that_goes_are_not_lost(world: World) -> None:
    world.wrote(child(), good_for=7)
    world.observe_workflow(
        workflow(version=6, metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})
    )
    world.forget_child(child(version=11))
    assert world.lost(KEY) == frozenset()


def test_a_workflow_that_is_gone_misses_nothing_and_nothing_is_left_of_it(world: World) -> None:
    world.wrote(child(), good_for=7)
    world.wrote(child("Service"), good_for=7)
    world.forget_child(child(version=11))
    world.forget_workflow(KEY, UID)
    assert world.lost(KEY) == frozenset()
    assert world.forget_child(child("Service", version=12)) is None
    assert KEY not in world._families
    assert world._homes == {}


def test_an_answer_that_comes_after_the_deletion_makes_no_child(world: World) -> None:
    world.observe_child(child(version=10))
    world.forget_child(child(version=11))
    world.wrote(child(version=10), good_for=7)
    assert ROLE not in world.children(KEY)
    assert world.lost(KEY) == {ROLE}


def test_an_answer_that_comes_after_a_deletion_never_seen_before_is_news(world: World) -> None:
    assert world.forget_child(child(version=11)) is None
    before = world.pending(KEY)
    world.wrote(child(version=10), good_for=7)
    assert ROLE not in world.children(KEY)
    assert world.pending(KEY) - before


def test_a_child_that_lost_our_label_and_gets_it_back_is_there_again(world: World) -> None:
    """A watch with a label selector tells of a lost label as of a deletion."""
    world.wrote(child(version=10), good_for=7)
    world.forget_child(child(version=11))
    assert world.lost(KEY) == {ROLE}
    world.wrote(child(version=12), good_for=7)
    assert world.children(KEY)[ROLE].version == 12
    assert world.lost(KEY) == frozenset()


def test_a_name_that_is_taken_back_belongs_to_one_workflow_alone(world: World) -> None:
    """Somebody gave a child to another workflow, which deletes it while its own makes it anew."""
    given = child(version=11, uid="one")
    given["metadata"]["ownerReferences"] = [owner("uid-x", "other")]
    world.wrote(child(uid="one"), good_for=7)
    assert world.observe_child(given) == Key(SPACE, "other")
    world.leaving("one")
    world.wrote(child(version=13, uid="two"), good_for=7)
    assert (
        world.forget_child({**given, "metadata": {**given["metadata"], "resourceVersion": "12"}})
        is None
    )
    assert world.children(Key(SPACE, "other")) == {}
    assert world.children(KEY)[ROLE].uid == "two"
    assert world._leaving == set()


def test_late_deletion_of_a_former_child_does_not_touch_the_new_one(world: World) -> None:
    world.wrote(child(version=20, uid="two"), good_for=7)
    assert world.forget_child(child(version=15, uid="one")) is None
    assert world.children(KEY)[ROLE].uid == "two"


@pytest.mark.parametrize("labelled", [True, False])
def test_a_child_without_owner_reference_is_still_the_one_it_was(
    world: World, labelled: bool
) -> None:
    world.wrote(child(), good_for=7)
    assert world.observe_child(child(version=11, owned=False, labelled=labelled)) == KEY
    assert world.children(KEY)[ROLE].owner == UID
    assert world.forget_child(child(version=12, owned=False, labelled=labelled)) == KEY
    assert world.lost(KEY) == {ROLE}


def test_an_object_that_never_had_an_owner_has_none(world: World) -> None:
    assert world.observe_child(child(owned=False)) == KEY
    assert world.children(KEY)[ROLE].owner == ""
    assert world.forget_child(child(version=11, owned=False)) == KEY
    assert world.lost(KEY) == frozenset()


def test_an_object_that_says_nothing_of_a_workflow_is_not_kept(world: World) -> None:
    assert world.observe_child(child(owned=False, labelled=False)) is None
    assert world.children(KEY) == {}


def test_the_controller_says_more_than_the_label(world: World) -> None:
    other = child(name="other")
    other["metadata"]["ownerReferences"] = [owner("uid-x", "other")]
    assert world.observe_child(other) == Key(SPACE, "other")


def test_children_come_before_their_workflow_and_wait_for_it() -> None:
    world = World()
    assert world.observe_child(child()) == KEY
    assert world.observe_workflow(workflow())
    assert world.pending(KEY) == {(ROLE, 10)}


def test_a_standby_keeps_no_contents_and_reads_them_anew(world: World) -> None:
    world.wrote(child(), good_for=7)
    world.observe_child(child("Service"))
    world.drop_contents()
    world.observe_child(child("Secret", "router-db"))
    assert all(one.unread is None for one in world.children(KEY).values())
    assert all(not one.good_for for one in world.children(KEY).values())
    world.keeps_contents = True
    for kind, name in (("Role", NAME), ("Service", NAME), ("Secret", "router-db")):
        assert world.observe_child(child(kind, name)) == KEY
    assert all(one.unread is not None for one in world.children(KEY).values())


def test_what_nobody_wants_is_neither_missed_nor_kept_in_full(world: World) -> None:
    world.wrote(child(), good_for=7)
    world.forget_child(child(version=11))
    world.observe_child(child("Service"))
    world.leaving("uid-of-Service-router")
    world.observe_child(child("ServiceAccount", owned=False))
    world.settle(KEY, {Ref("Deployment", SPACE, NAME)})
    assert world.pending(KEY) == frozenset()


def test_what_nobody_wants_and_came_to_belong_to_a_workflow_meanwhile_is_news(world: World) -> None:
    world.observe_child(child("NetworkPolicy", "archive-deny"))
    world.settle(KEY, {ROLE})
    assert world.pending(KEY) == {(Ref("NetworkPolicy", SPACE, "archive-deny"), 10)}


def test_known_children_are_told_by_kind(world: World) -> None:
    world.observe_child(child())
    world.observe_child(child("NetworkPolicy", "router-deny"))
    world.observe_child(child("NetworkPolicy", "router-allow"))
    assert set(world.known("NetworkPolicy")) == {(SPACE, "router-deny"), (SPACE, "router-allow")}
    world.forget_child(child("NetworkPolicy", "router-deny", version=11))
    assert list(world.known("NetworkPolicy")) == [(SPACE, "router-allow")]


def test_the_memory_of_what_is_gone_is_bounded() -> None:
    gone = Gone(most=3)
    for uid in "abcd":
        gone.add(uid)
    assert [gone.holds(uid, 1) for uid in "abcd"] == [False, True, True, True]


def test_children_that_a_predecessor_lost_are_not_missed_in_its_successor(world: World) -> None:
    world.observe_child(child())
    world.forget_child(child(version=11))
    assert world.lost(KEY) == {ROLE}
    world.observe_workflow(workflow(version=20, uid="uid-2"))
    assert world.lost(KEY) == frozenset()


def test_a_child_that_was_written_again_before_it_is_told_to_have_left_the_watch_stays(
    world: World,
) -> None:
    """Somebody took its label off, and we put it back before the watch told of that."""
    world.observe_child(child(version=10))
    world.wrote(child(version=12), good_for=7)
    assert world.forget_child(child(version=11)) is None
    assert set(world.children(KEY)) == {ROLE}
    assert world.lost(KEY) == frozenset()
