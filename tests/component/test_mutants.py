# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Each guard is taken away once, and the check that should miss it does.

A check that cannot fail is a defect. So each story here is told without its guard and must come
out wrong; that it comes out right with the guard is its own test, here or in the module named.
"""

from __future__ import annotations

import asyncio
import copy
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.component import (
    test_converge,
    test_drift,
    test_guards,
    test_kept_from_going,
    test_lifecycle,
    test_opened_by_others,
    test_vault,
)
from tests.component.apiserver.faults import Hold, Refuse
from tests.component.mutation import mutate
from tests.component.operator_fixture import SPACE, Core, condition, story, written
from tests.component.workflows import OTHER_IMAGE, secret, workflow
from wardkeeper.api.workflow import KIND
from wardkeeper.engine import (
    beyond_apply,
    compare,
    finalizer,
    gather,
    holding,
    ownership,
    plan,
    removal,
    report,
    rollout,
    teardown,
)
from wardkeeper.engine.converge import _Convergence
from wardkeeper.engine.gone import Gone
from wardkeeper.engine.reconcile import Reconciler
from wardkeeper.engine.strangers import Strangers
from wardkeeper.engine.workers import Workers
from wardkeeper.engine.world import World
from wardkeeper.engine.writer import Writer
from wardkeeper.kube import requests
from wardkeeper.kube.exchange import Exchange
from wardkeeper.shell import following
from wardkeeper.shell.observe import Observer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.component.apiserver.call import ApiCall
    from tests.component.apiserver.server import ApiServer


def a_stranger_takes_the_name(verb: str, kind: str, cause: Callable[[ApiServer], object]) -> None:
    """Between looking and writing, a child is replaced by an object of somebody else."""

    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            ours = copy.deepcopy(server.get(kind, SPACE, "router"))
            assert ours is not None
            hold = Hold()

            def meant(call: ApiCall) -> bool:
                return (call.verb, call.kind.name) == (verb, kind) and call.agent == "wardkeeper"

            server.faults.next(match=meant, fault=hold)
            cause(server)
            await core.until(lambda: not server.faults.pending)
            server.delete(kind, SPACE, "router")
            theirs = {key: part for key, part in ours.items() if key not in ("metadata", "status")}
            if kind == "Deployment":
                theirs["spec"]["template"]["spec"]["hostNetwork"] = True
            server.put({**theirs, "metadata": {"namespace": SPACE, "name": "router"}})
            await core.pass_time(1)
            stranger = copy.deepcopy(server.get(kind, SPACE, "router"))
            hold.release.set()
            await core.quiet(1)
            assert server.get(kind, SPACE, "router") == stranger

    story(tell)


def a_delete_meets_a_stranger() -> None:
    a_stranger_takes_the_name("delete", "Role", lambda server: server.put(workflow(access={})))


def a_repair_meets_a_stranger() -> None:
    a_stranger_takes_the_name(
        "apply",
        "Role",
        lambda server: server.edit("Role", SPACE, "router", lambda obj: obj["rules"].clear()),
    )


def a_removal_meets_a_stranger() -> None:
    def edit(obj: dict[str, Any]) -> None:
        obj["spec"]["template"]["spec"]["hostNetwork"] = True

    a_stranger_takes_the_name(
        "patch", "Deployment", lambda server: server.edit("Deployment", SPACE, "router", edit)
    )


def old_news_come_again(kind: str) -> None:
    """A watch tells of a version that was seen long ago."""

    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            old = copy.deepcopy(server.get(kind, SPACE, "router"))
            changed = workflow(access={})
            changed["spec"]["workload"]["containers"][0]["image"] = OTHER_IMAGE
            server.put(changed)
            await core.ready()
            before = len(server.seen)
            for stream in server.streams:
                if stream.call.kind.name == kind:
                    assert old is not None
                    stream._watcher.queue.put_nowait(("MODIFIED", old))
            await core.quiet(1)
            assert written(server, before) == []

    story(tell)


def an_echo_is_no_news() -> None:
    """A pass that wrote everything is followed by none but the one for the rollout."""

    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.until(lambda: condition(server, "Ready"))
            await core.quiet(1)
            assert len(core.meter.passes) == 1

    story(tell, rolling_out=False)


def an_edit_meets_a_running_pass() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            hold = Hold()
            server.faults.next(match=lambda call: call.subresource == "status", fault=hold)
            server.put(workflow())
            await core.until(lambda: not server.faults.pending)
            server.edit("Role", SPACE, "router", lambda obj: obj["rules"].clear())
            await core.pass_time(1)
            hold.release.set()
            await core.quiet(1)
            role = server.get("Role", SPACE, "router")
            assert role is not None
            assert role["rules"]

    story(tell, rolling_out=False)


def finalizers_are_added_by_two() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            hold = Hold()
            server.faults.next(
                match=lambda call: (call.verb, call.kind.name) == ("patch", KIND), fault=hold
            )
            server.put(workflow(secrets=[secret()]))
            await core.until(lambda: not server.faults.pending)
            keep = {"finalizers": ["example.org/keep"]}
            server.edit(KIND, SPACE, "router", lambda obj: obj["metadata"].update(keep))
            hold.release.set()
            await core.until(lambda: "wardkeeper.io/cleanup" in _finalizers(server))
            assert "example.org/keep" in _finalizers(server)

    story(tell)


def no_secret_no_workload() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow(secrets=[secret()]))
            await core.until(lambda: condition(server, "Ready"))
            await core.quiet(1)
            assert condition(server, "Ready")["reason"] == "VaultNotConfigured"
            assert server.get("NetworkPolicy", SPACE, "router-deny") is not None
            assert server.get("Deployment", SPACE, "router") is None

    story(tell)


def on_stage(tell: Callable[[test_vault.Stage], Awaitable[None]]) -> Callable[[], None]:
    """A story with Vault, which needs threads and so real time."""

    async def told() -> None:
        async with test_vault.staged() as stage:
            await tell(stage)

    return lambda: asyncio.run(told())


def _finalizers(server: ApiServer) -> list[str]:
    found = server.get(KIND, SPACE, "router")
    return list(found["metadata"].get("finalizers", ())) if found else []


def _edit_of(field: str) -> Callable[[], None]:
    edit = next(one for one in test_drift.EDITS if one[2] == field)
    return lambda: test_drift.test_an_edit_is_undone_and_told(*edit)


def _stranger(*, labelled: bool) -> None:
    test_guards.test_an_object_of_a_stranger_stays_as_it_is("Role", "router", labelled)


class Mutant(NamedTuple):
    """A guard and the story that needs it.

    Attributes:
        guard: what the guard is for.
        owner: class or module of the function that holds it.
        function: its name.
        changes: what its text becomes.
        tell: the story.
        also: a second guard for the same thing, which has to go as well.
    """

    guard: str
    owner: Any
    function: str
    changes: tuple[tuple[str, str], ...]
    tell: Callable[[], None]
    also: tuple[Any, str, tuple[tuple[str, str], ...]] | None = None


STORIES: dict[str, Callable[[], None]] = {
    "a delete meets a stranger": a_delete_meets_a_stranger,
    "a repair meets a stranger": a_repair_meets_a_stranger,
    "a removal meets a stranger": a_removal_meets_a_stranger,
    "an old workflow comes again": lambda: old_news_come_again(KIND),
    "an old child comes again": lambda: old_news_come_again("Deployment"),
    "an echo is no news": an_echo_is_no_news,
    "an edit meets a running pass": an_edit_meets_a_running_pass,
    "finalizers are added by two": finalizers_are_added_by_two,
    "no secret, no workload": no_secret_no_workload,
}

MUTANTS = [
    Mutant(
        "a deletion means one uid",
        requests,
        "delete_object",
        (('"preconditions": {"uid": uid},', ""),),
        a_delete_meets_a_stranger,
    ),
    Mutant(
        "a creation takes over nothing",
        Writer,
        "_create",
        (('"resourceVersion": NO_SUCH_VERSION', ""),),
        lambda: _stranger(labelled=False),
    ),
    Mutant(
        "a taken name is not applied to",
        Writer,
        "_create",
        (("if live.owner != controller_of(desired):", "if False:"),),
        lambda: _stranger(labelled=False),
    ),
    Mutant(
        "a repair means one uid",
        beyond_apply,
        "meant",
        ((', "uid": uid', ""),),
        a_repair_meets_a_stranger,
    ),
    Mutant(
        "a removal means one uid",
        removal,
        "removal",
        (("*tests,", ""),),
        a_removal_meets_a_stranger,
    ),
    Mutant(
        "what is not ours is never in a plan",
        plan,
        "_step",
        (("if live.owner != owner:", "if False:"),),
        lambda: _stranger(labelled=True),
    ),
    Mutant(
        "a Secret of somebody else is not published to",
        Writer,
        "_publish",
        (("if owner != controller_of(secret):", "if False:"),),
        on_stage(test_vault.test_a_stranger_with_our_label_keeps_its_secret),
    ),
    Mutant(
        "what the server made of a write is looked at",
        Writer,
        "_believe",
        (
            ("0 if left else fingerprint(desired)", "fingerprint(desired)"),
            ("if left:", "if False:"),
        ),
        test_drift.test_a_policy_that_is_put_back_by_a_webhook_is_never_called_ready,
    ),
    Mutant(
        "guards come first",
        _Convergence,
        "run",
        (
            ("await self._guards(todo)", ""),
            ("await self._carrier.carry_out(todo.obsolete)", "await self._guards(todo)"),
        ),
        lambda: test_guards.test_guards_come_before_the_workload_at_every_revision(workflow()),
    ),
    Mutant(
        "without a guard no workload",
        _Convergence,
        "_guards",
        (("        raise\n", "        pass\n"),),
        lambda: test_guards.test_a_guard_that_cannot_be_made_keeps_the_workload_away(
            ("NetworkPolicy", "router-deny"), Refuse(500)
        ),
    ),
    Mutant(
        "a running workload is repaired whatever becomes of a guard",
        _Convergence,
        "_guards",
        (("if self._settled and", "if False and"),),
        test_guards.test_a_running_workload_is_repaired_though_a_guard_is_gone_to_a_stranger,
    ),
    Mutant(
        "without its secrets no workload",
        _Convergence,
        "_workload",
        (("if any(one.version is None for one in outcomes) and not exists:", "if False:"),),
        no_secret_no_workload,
    ),
    Mutant(
        "Audit writes nothing",
        _Convergence,
        "run",
        (("if self._workflow.spec.mode is Mode.AUDIT:", "if False:"),),
        test_guards.test_mode_audit_writes_its_status_and_nothing_else,
    ),
    Mutant(
        "no write without the Lease",
        Exchange,
        "_once",
        (("if request.write and not self._may_write():", "if False:"),),
        lambda: test_lifecycle.test_not_one_write_is_sent_once_the_lease_is_lost(3),
    ),
    Mutant(
        "a status of an older generation says nothing",
        rollout,
        "_deployment",
        (
            (
                'if status.get("observedGeneration", 0) < live["metadata"].get("generation", 0):',
                "if False:",
            ),
        ),
        test_guards.test_ready_is_never_true_for_a_generation_that_has_not_rolled_out,
    ),
    Mutant(
        "additions by others are found",
        ownership,
        "undesired",
        (("if wanted is _MISSING:", "if False:"),),
        _edit_of("spec.template.spec.containers[eve]"),
    ),
    Mutant(
        "values set as a whole are compared as a whole",
        ownership,
        "overwritten",
        (("elif wanted != live_value:", "elif False:"),),
        _edit_of("spec.podSelector"),
    ),
    Mutant(
        "a wiped record hides nobody",
        compare,
        "compare",
        (("if not ours:", "if False:"),),
        lambda: test_drift.test_wiping_the_record_of_field_owners_hides_no_edit(
            "Deployment", "router", False
        ),
    ),
    Mutant(
        "what is gone stays gone, a child",
        Gone,
        "holds",
        (("return version <= self._uids.get(uid, -1)", "return False"),),
        lambda: test_lifecycle.test_a_child_deleted_while_it_is_made_comes_back("Role", "router"),
    ),
    Mutant(
        "what is gone stays gone, a workflow",
        Gone,
        "holds",
        (("return version <= self._uids.get(uid, -1)", "return False"),),
        test_lifecycle.test_a_workflow_deleted_while_its_status_is_written_is_not_revived,
    ),
    Mutant(
        "older news of a workflow are dropped",
        World,
        "observe_workflow",
        (("late = before is not None and version <= before.version", "late = False"),),
        lambda: old_news_come_again(KIND),
    ),
    Mutant(
        "older news of a child are dropped",
        World,
        "observe_child",
        (("if known and child.version < known.version:", "if False:"),),
        lambda: old_news_come_again("Deployment"),
    ),
    Mutant(
        "an echo wants no pass",
        World,
        "observe_child",
        (("if child.version == known.version and compared:", "if False:"),),
        an_echo_is_no_news,
    ),
    Mutant(
        "a child lost twice is news twice",
        World,
        "pending",
        (("set(family.lost.items())", '{(ref, "") for ref in family.lost}'),),
        test_lifecycle.test_a_child_deleted_twice_during_one_pass_comes_back_twice,
        (Observer, "_ask", (("and not gone:", "and True:"),)),
    ),
    Mutant(
        "a change during a pass gets another one",
        Workers,
        "_serve",
        (("if self._world.pending(key) - before:", "if False:"),),
        an_edit_meets_a_running_pass,
    ),
    Mutant(
        "a deleted workflow gets no children",
        Reconciler,
        "__call__",
        (
            (
                "if self._tools.world.lost(key) and not await self._still_there(key, seen):",
                "if False:",
            ),
        ),
        test_drift.test_children_of_a_deleted_workflow_are_not_made_again,
    ),
    Mutant(
        "what ran is kept in force",
        Reconciler,
        "_go_on",
        (("if before is None:", "if True:"),),
        test_guards.test_a_spec_that_cannot_be_carried_out_leaves_what_ran_in_force,
    ),
    Mutant(
        "a status that tells nothing new is not written",
        report.Reporter,
        "report",
        ((" != seen.stands:", ":"),),
        test_converge.test_a_restart_writes_nothing,
    ),
    Mutant(
        "what was listed is not read again",
        gather,
        "_unknown",
        (("return child.unread is None and", "return child.unread is not None or"),),
        test_converge.test_a_restart_reads_no_child_but_in_lists,
    ),
    Mutant(
        "peers hear of each other",
        Observer,
        "workflow",
        (("if existed != self._world.exists(*key):", "if False:"),),
        lambda: test_guards.test_a_peer_that_is_missing_keeps_closed_and_opens_when_it_comes(
            "endpoints"
        ),
    ),
    Mutant(
        "every policy of a namespace is followed",
        following,
        "follow",
        (('return Followed("", ', "return Followed(SELECTOR, "),),
        test_opened_by_others.test_what_happened_while_no_operator_ran_is_told_at_its_start,
    ),
    Mutant(
        "a policy that opens a workflow has it looked at",
        Observer,
        "policy",
        (("if opening.selector.may_select(any_labels_of(key.name)):", "if False:"),),
        test_opened_by_others.test_a_policy_that_moves_heals_one_workflow_and_opens_another,
    ),
    Mutant(
        "only who is selected is told to be open",
        Strangers,
        "openers",
        (("if one.opening.selector.may_select(labels)", "if True"),),
        test_opened_by_others.test_a_policy_that_moves_heals_one_workflow_and_opens_another,
    ),
    Mutant(
        "what is told of an open network is not told again",
        report,
        "_opened",
        (("for one in before.conditions", "for one in ()"),),
        test_opened_by_others.test_one_event_tells_of_it_however_many_passes_and_policies_follow,
    ),
    Mutant(
        "a policy that went while nobody watched is missed",
        following,
        "follow",
        (("{*children(), *world.strangers.names()}", "set(children())"),),
        test_opened_by_others.test_a_policy_that_went_unseen_is_missed_in_the_next_list,
    ),
    Mutant(
        "who bears the name of an own policy is not taken for it in a quarantine",
        Strangers,
        "openers",
        (("(guarded or one.home == home)", "True"),),
        test_opened_by_others.test_who_takes_the_place_of_a_removed_policy_is_told,
    ),
    Mutant(
        "finalizers of others are not lost",
        finalizer,
        "_patch",
        (('{"op": "test", **listed},', ""),),
        finalizers_are_added_by_two,
    ),
    Mutant(
        "a workflow that somebody keeps is taken down",
        teardown,
        "teardown",
        (("if not finalized and (seen.orphaning or is_audited(seen)):", "if not finalized:"),),
        test_kept_from_going.test_a_workflow_that_somebody_keeps_is_taken_down_in_reverse_and_once,
    ),
    Mutant(
        "children that are to stay without their workflow stay",
        teardown,
        "teardown",
        (("seen.orphaning or", ""),),
        test_kept_from_going.test_what_is_to_stay_without_its_workflow_stays,
    ),
    Mutant(
        "the network of pods that go stays closed",
        holding,
        "hold_guards",
        (("one.action is not Action.CREATE or one.ref == ref_of(deny)", "False"),),
        lambda: (
            test_kept_from_going.test_of_guards_that_somebody_deletes_only_what_closes_is_made_anew(
                True
            )
        ),
    ),
    Mutant(
        "nothing that opens is made anew for pods that go",
        holding,
        "hold_guards",
        (
            ("if ref_of(one) in carrier.children", ""),
            ("one.action is not Action.CREATE or one.ref == ref_of(deny)", "True"),
        ),
        lambda: (
            test_kept_from_going.test_of_guards_that_somebody_deletes_only_what_closes_is_made_anew(
                True
            )
        ),
    ),
    Mutant(
        "a workflow that was let go is taken down once",
        teardown,
        "_let_go",
        (('"DELETED" if last else "MODIFIED"', '"MODIFIED"'),),
        on_stage(test_vault.test_a_deleted_workflow_leaves_nothing_in_vault_and_goes_in_reverse),
    ),
]


@pytest.mark.parametrize("tell", STORIES.values(), ids=STORIES)
def test_with_all_guards_the_story_comes_out_right(tell: Callable[[], None]) -> None:
    tell()


@pytest.mark.parametrize("mutant", MUTANTS, ids=[one.guard for one in MUTANTS])
def test_without_its_guard_the_story_comes_out_wrong(
    mutant: Mutant, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutate(monkeypatch, mutant.owner, mutant.function, *mutant.changes)
    if mutant.also:
        owner, function, changes = mutant.also
        mutate(monkeypatch, owner, function, *changes)
    with pytest.raises((AssertionError, TimeoutError)):
        mutant.tell()
