# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest

from tests.unit.rotation.samples import (
    FIRST_ID,
    HOUR,
    NOW,
    SECOND_ID,
    facts,
    in_use,
    intended,
    issued,
    wish,
)
from wardkeeper.api.credential import Engine
from wardkeeper.rotation.credential import Credential, Handle
from wardkeeper.rotation.facts import Cause, Phase, Roll, Rolling, Source, Step, Wish
from wardkeeper.rotation.identity import rotation_id
from wardkeeper.rotation.machine import decide
from wardkeeper.rotation.standing import standing
from wardkeeper.rotation.windows import Window

ALTERNATING = Engine.DATABASE_ALTERNATING
STATIC = Engine.DATABASE_STATIC
TRANSIT = Engine.TRANSIT
NOON = (Window(frozenset(range(7)), time(11), time(14), "UTC"),)
ASKED = wish(request="now")
"""A wish whose request nobody has answered yet."""


def old(**changes: Any) -> Credential:
    """A credential that was replaced, in its overlap."""
    known = {"intended_at": NOW - 9 * HOUR, "issued_at": NOW - 9 * HOUR, "proven_at": NOW}
    return in_use(rotation_id("uid-1", "other"), **{**known, "revoke_after": NOW + HOUR, **changes})


def rejected(**changes: Any) -> Credential:
    """A successor that did not work."""
    return issued(**{"rejected_at": NOW, **changes})


def past_due(**changes: Any) -> Credential:
    made = NOW - 250 * HOUR
    return in_use(**{"issued_at": made, "intended_at": made, **changes})


# Nothing in use.


def test_the_first_credential_is_intended_with_the_id_it_always_had() -> None:
    decision = decide(wish(), facts())
    assert (decision.step, decision.cause) == (Step.INTEND, Cause.FIRST)
    assert decision.rotation_id == FIRST_ID


def test_what_is_delivered_and_unknown_to_the_ledger_is_adopted() -> None:
    decision = decide(wish(), facts(shown=in_use(SECOND_ID)))
    assert (decision.step, decision.cause) == (Step.INTEND, Cause.ADOPTED)
    assert decision.rotation_id == SECOND_ID


def test_a_forged_rotation_id_is_not_adopted() -> None:
    decision = decide(wish(), facts(shown=in_use("../../forged")))
    assert (decision.cause, decision.rotation_id) == (Cause.FIRST, FIRST_ID)


def test_a_first_credential_that_did_not_work_is_followed_by_another_after_a_pause() -> None:
    failed = rejected(rotation=FIRST_ID)
    waiting = decide(wish(), facts(failed))
    assert (waiting.step, waiting.phase) == (Step.WAIT, Phase.FAILED)
    assert waiting.next_look == NOW + timedelta(seconds=60)
    again = decide(wish(), facts(failed, now=NOW + timedelta(seconds=60)))
    assert (again.step, again.rotation_id) == (Step.INTEND, SECOND_ID)
    asked_otherwise = decide(wish(source="else"), facts(failed))
    assert asked_otherwise.step is Step.INTEND


# Why a credential is replaced.


@pytest.mark.parametrize(
    ("wished", "current", "known", "cause"),
    [
        (wish(source="else"), in_use(), {}, Cause.SOURCE_CHANGED),
        (ASKED, in_use(), {}, Cause.REQUESTED),
        (wish(), in_use(doomed=True), {}, Cause.REVOKED),
        (wish(), past_due(), {}, Cause.DUE),
        (wish(), in_use(expires_at=NOW), {}, Cause.ENDED),
        (wish(engine=STATIC), in_use(), {"source": Source("2")}, Cause.SOURCE_MOVED),
        (wish(engine=Engine.KV_SYNCED), in_use(), {"source": Source("2")}, Cause.SOURCE_MOVED),
        (wish(), in_use(issued_at=NOW + timedelta(minutes=6)), {}, Cause.MADE_IN_THE_FUTURE),
    ],
)
def test_a_credential_is_replaced_for_a_reason(
    wished: Wish, current: Credential, known: dict[str, Any], cause: Cause
) -> None:
    decision = decide(wished, facts(current, shown=current, wished=wished, **known))
    assert (decision.step, decision.cause) == (Step.INTEND, cause)
    assert decision.rotation_id == SECOND_ID
    assert decision.current == current


@pytest.mark.parametrize(
    ("wished", "current"),
    [
        (wish(), in_use()),
        (wish(request="now"), in_use(request="now")),
        (wish(request="now", handled="now"), in_use()),
        (wish(), in_use(issued_at=NOW + timedelta(minutes=4))),
        (wish(engine=Engine.TRANSIT), in_use()),
    ],
)
def test_a_credential_without_a_reason_against_it_is_kept(
    wished: Wish, current: Credential
) -> None:
    decision = decide(wished, facts(current, shown=current, wished=wished))
    assert (decision.step, decision.phase) == (Step.NOTHING, Phase.IDLE)
    assert decision.cause is Cause.CURRENT
    assert decision.due_at is not None
    assert decision.next_look == NOW + timedelta(minutes=10)


def test_what_somebody_else_writes_is_not_due() -> None:
    current = past_due(handle=Handle(marker="1"))
    wished = wish(engine=Engine.KV_SYNCED)
    decision = decide(wished, facts(current, shown=current, wished=wished, source=Source("1")))
    assert decision.step is Step.NOTHING
    assert decision.deadline is not None


@pytest.mark.parametrize("engine", [Engine.KV_SYNCED, STATIC])
def test_a_source_that_changes_without_us_is_looked_at(engine: Engine) -> None:
    current = in_use(handle=Handle(marker="1"))
    known = facts(current, shown=current, wished=wish(engine=engine))
    assert decide(wish(engine=engine), known).step is Step.LOOK
    looked = decide(wish(engine=engine), replace(known, source=Source("1")))
    assert looked.step is Step.NOTHING


@pytest.mark.parametrize("source", [Source("", deleted=True), Source("2", empty=True)])
@pytest.mark.parametrize("request_", ["", "now"])
def test_a_source_that_is_gone_replaces_nothing(source: Source, request_: str) -> None:
    current = in_use(handle=Handle(marker="1"))
    wished = wish(engine=Engine.KV_SYNCED, request=request_)
    decision = decide(wished, facts(current, shown=current, wished=wished, source=source))
    assert (decision.step, decision.cause) == (Step.NOTHING, Cause.CURRENT)
    elsewhere = replace(wished, source="else")
    other = decide(elsewhere, facts(current, shown=current, wished=wished, source=source))
    assert other.step is Step.INTEND


# When it may not be replaced yet.


def test_after_a_failure_a_credential_is_replaced_when_the_pause_is_over() -> None:
    current = past_due(failures=2, retry_at=NOW + timedelta(seconds=10))
    known = facts(current, shown=current)
    waiting = decide(wish(), known)
    assert (waiting.step, waiting.cause) == (Step.WAIT, Cause.DUE)
    assert waiting.next_look == current.retry_at
    again = decide(wish(), replace(known, now=NOW + timedelta(seconds=10)))
    assert again.step is Step.INTEND
    assert again.rotation_id == rotation_id("uid-1", "db", FIRST_ID, 2)


def test_an_id_of_one_that_did_not_work_is_never_used_again() -> None:
    current, failed = past_due(), rejected()
    decision = decide(wish(), facts(current, failed, shown=current))
    assert decision.step is Step.INTEND
    assert decision.rotation_id == rotation_id("uid-1", "db", FIRST_ID, 1)


def test_a_rotation_that_is_due_waits_for_a_freeze_window_to_end() -> None:
    wished, current = wish(windows=NOON), past_due()
    decision = decide(wished, facts(current, shown=current, wished=wished))
    assert (decision.step, decision.cause, decision.frozen) == (Step.WAIT, Cause.DUE, True)
    assert decision.next_look is not None
    assert decision.next_look <= NOW + 2 * HOUR


@pytest.mark.parametrize(
    ("changed", "current"),
    [
        ({"source": "else"}, in_use()),
        ({"request": "now"}, in_use()),
        ({}, in_use(doomed=True)),
        ({}, in_use(expires_at=NOW)),
        ({}, past_due(issued_at=NOW - 361 * HOUR)),
        ({}, past_due(issued_at=NOW - 359 * HOUR)),
    ],
)
def test_what_is_asked_for_or_cannot_wait_goes_ahead_in_a_freeze_window(
    changed: dict[str, Any], current: Credential
) -> None:
    wished = wish(windows=NOON, **changed)
    decision = decide(wished, facts(current, shown=current, wished=wished))
    assert decision.step is Step.INTEND
    assert not decision.frozen


@pytest.mark.parametrize("changed", [{}, {"request": "now"}])
def test_of_two_users_the_idle_one_is_not_touched_in_its_overlap(changed: dict[str, Any]) -> None:
    wished = wish(engine=ALTERNATING, **changed)
    current, before = past_due(engine=ALTERNATING), old(engine=ALTERNATING)
    decision = decide(wished, facts(current, before, shown=current, wished=wished))
    assert (decision.step, decision.phase) == (Step.WAIT, Phase.OVERLAP)
    later = facts(current, before, shown=current, wished=wished, now=NOW + HOUR)
    assert decide(wished, later).step is Step.RETIRE
    gone = facts(current, shown=current, wished=wished, now=NOW + HOUR)
    assert decide(wished, gone).step is Step.INTEND


def test_what_is_left_to_end_does_not_hold_up_another_engine() -> None:
    current = past_due()
    overdue = old(revoke_after=NOW - HOUR, failures=3)
    decision = decide(wish(), facts(current, overdue, shown=current))
    assert decision.step is Step.INTEND


# From the intent until it is in use.


def test_an_intent_is_carried_out() -> None:
    current, coming = past_due(), intended()
    decision = decide(wish(), facts(current, coming, shown=current))
    assert (decision.step, decision.subject) == (Step.ISSUE, coming)
    assert decision.cause is Cause.DUE


def test_an_intent_that_failed_waits() -> None:
    current, coming = past_due(), intended(failures=1, retry_at=NOW + HOUR / 60)
    decision = decide(wish(), facts(current, coming, shown=current))
    assert (decision.step, decision.phase) == (Step.WAIT, Phase.INTENT)
    assert decision.next_look == NOW + HOUR / 60


@pytest.mark.parametrize("failures", [0, 3])
def test_an_intent_of_something_that_nobody_wants_any_more_is_given_up(failures: int) -> None:
    coming = intended(source="before", failures=failures, retry_at=NOW + HOUR)
    decision = decide(wish(), facts(in_use(), coming, shown=in_use()))
    assert (decision.step, decision.subject) == (Step.REJECT, coming)
    assert decision.cause is Cause.SOURCE_CHANGED


def test_one_that_was_made_for_another_spec_is_given_up_before_anybody_gets_it() -> None:
    current, coming = in_use(), issued(source="before", failures=2, retry_at=NOW + HOUR)
    decision = decide(wish(), facts(current, coming, shown=current))
    assert (decision.step, decision.subject) == (Step.REJECT, coming)
    assert (decision.phase, decision.cause) == (Phase.ISSUED, Cause.SOURCE_CHANGED)
    assert decide(wish(), facts(current, coming, shown=coming)).step is not Step.REJECT


def test_a_new_credential_is_proven_then_published() -> None:
    current, coming = past_due(), issued()
    known = facts(current, coming, shown=current)
    assert decide(wish(), known).step is Step.PROVE
    proven = decide(wish(), replace(known, proven=frozenset({SECOND_ID})))
    assert (proven.step, proven.subject) == (Step.PUBLISH, coming)


def test_while_nobody_can_be_asked_to_prove_it_the_rest_goes_on() -> None:
    current = past_due(engine=Engine.DATABASE_DYNAMIC, expires_at=NOW + HOUR, term=4 * HOUR)
    coming = issued(retry_at=NOW + HOUR)
    wished = wish(engine=Engine.DATABASE_DYNAMIC)
    decision = decide(wished, facts(current, coming, shown=current, wished=wished))
    assert (decision.step, decision.subject) == (Step.RENEW, current)


@pytest.mark.parametrize("renewed", ["current", "coming"])
def test_renewals_wait_for_no_other_try(renewed: str) -> None:
    lease: dict[str, Any] = {
        "engine": Engine.DATABASE_DYNAMIC,
        "term": 3 * HOUR,
        "retry_at": NOW + HOUR,
    }
    soon, late = NOW + HOUR, NOW + 3 * HOUR
    current = in_use(**lease, expires_at=soon if renewed == "current" else late)
    coming = issued(**lease, expires_at=soon if renewed == "coming" else late)
    wished = wish(engine=Engine.DATABASE_DYNAMIC)
    known = facts(current, coming, shown=current, wished=wished)
    decision = decide(wished, known)
    assert decision.step is Step.RENEW
    assert decision.subject == (current if renewed == "current" else coming)
    waits = decide(wished, replace(known, now=NOW - HOUR / 20))
    assert (waits.step, waits.next_look) == (Step.WAIT, NOW)


def test_of_a_static_user_the_new_password_is_published_before_it_is_proven() -> None:
    wished, current, coming = wish(engine=STATIC), past_due(engine=STATIC), issued(engine=STATIC)
    assert decide(wished, facts(current, coming, shown=current, wished=wished)).step is Step.PUBLISH
    known = facts(current, coming, shown=coming, wished=wished)
    assert decide(wished, known).step is Step.PROVE
    proven = replace(known, proven=frozenset({SECOND_ID}))
    assert decide(wished, proven).step is Step.ACCEPT


@pytest.mark.parametrize("engine", [Engine.KV_GENERATED, STATIC])
def test_the_first_one_waits_for_no_workload(engine: Engine) -> None:
    coming = issued(engine=engine)
    known = facts(coming, shown=coming, proven=frozenset({SECOND_ID}), rolling=Rolling(Roll.DUE))
    decision = decide(wish(engine=engine), known)
    assert (decision.step, decision.revoke_after) == (Step.ACCEPT, NOW + HOUR)


def test_a_transit_key_is_accepted_as_soon_as_it_is_proven() -> None:
    wished, current, coming = wish(engine=TRANSIT), past_due(engine=TRANSIT), issued(engine=TRANSIT)
    assert decide(wished, facts(current, coming)).step is Step.PROVE
    proven = facts(current, coming, proven=frozenset({SECOND_ID}))
    assert decide(wished, proven).step is Step.ACCEPT


@pytest.mark.parametrize(
    ("rolling", "step", "phase"),
    [
        (Rolling(Roll.DUE), Step.ROLL, Phase.ROLLING_OUT),
        (Rolling(Roll.MOVING), Step.WAIT, Phase.ROLLING_OUT),
        (Rolling(Roll.STUCK), Step.REJECT, Phase.ROLLING_BACK),
        (Rolling(Roll.READY, NOW - timedelta(seconds=9)), Step.WAIT, Phase.VERIFYING),
        (Rolling(Roll.READY, NOW - timedelta(seconds=10)), Step.ACCEPT, Phase.VERIFYING),
        (Rolling(Roll.NONE), Step.ACCEPT, Phase.VERIFYING),
    ],
)
def test_a_workload_takes_it_up(rolling: Rolling, step: Step, phase: Phase) -> None:
    current, coming = past_due(), issued()
    decision = decide(wish(), facts(current, coming, shown=coming, rolling=rolling))
    assert (decision.step, decision.phase) == (step, phase)
    assert decision.subject == coming


def test_files_that_change_in_place_are_given_time_to_change() -> None:
    wished, current, coming = wish(restarts=False), past_due(), issued()
    known = facts(current, coming, shown=coming, rolling=Rolling(Roll.DUE), wished=wished)
    waiting = decide(wished, known)
    assert (waiting.step, waiting.phase) == (Step.WAIT, Phase.VERIFYING)
    seen = NOW + timedelta(seconds=90)
    assert waiting.next_look == seen
    assert decide(wished, replace(known, now=seen)).step is Step.ACCEPT


def test_a_stuck_workload_is_not_given_back_what_has_ended() -> None:
    coming = issued()
    for end in (NOW, NOW + timedelta(minutes=4)):
        current = in_use(engine=Engine.PKI, expires_at=end)
        wished = wish(engine=Engine.PKI)
        stuck = facts(current, coming, shown=coming, rolling=Rolling(Roll.STUCK), wished=wished)
        assert decide(wished, stuck).step is Step.ACCEPT


def test_a_new_one_that_ended_before_it_was_in_use_is_given_up() -> None:
    current, coming = past_due(), issued(expires_at=NOW)
    decision = decide(wish(), facts(current, coming, shown=coming))
    assert (decision.step, decision.subject) == (Step.REJECT, coming)


def test_what_is_in_use_is_delivered_again_while_its_successor_is_made() -> None:
    current = past_due()
    for coming in (intended(failures=3, retry_at=NOW + HOUR), issued()):
        missing = decide(wish(), facts(current, coming))
        assert (missing.step, missing.cause) == (Step.PUBLISH, Cause.MISSING)
        assert missing.subject == current
        edited = decide(wish(), facts(current, coming, shown=current, intact=False))
        assert (edited.step, edited.cause) == (Step.PUBLISH, Cause.EDITED)


def test_a_successor_that_was_edited_is_proven_and_published_again() -> None:
    current, coming = past_due(), issued()
    known = facts(current, coming, shown=coming, intact=False)
    assert decide(wish(), known).step is Step.PROVE
    proven = replace(known, proven=frozenset({SECOND_ID}))
    assert decide(wish(), proven).subject == coming


# What is delivered again.


@pytest.mark.parametrize(
    ("known", "cause"),
    [
        ({}, Cause.MISSING),
        ({"shown": in_use(), "intact": False}, Cause.EDITED),
        ({"shown": old()}, Cause.EDITED),
        ({"shown": in_use(), "wished": wish(max_age=HOUR)}, Cause.DATES_CHANGED),
    ],
)
def test_what_is_in_use_is_delivered_again(known: dict[str, Any], cause: Cause) -> None:
    decision = decide(wish(), facts(in_use(), **known))
    assert (decision.step, decision.cause) == (Step.PUBLISH, cause)
    assert decision.subject == in_use()


def test_what_has_ended_is_not_delivered_again() -> None:
    current = in_use(expires_at=NOW, retry_at=NOW + HOUR, failures=1)
    assert decide(wish(), facts(current)).step is Step.WAIT


def test_after_a_successor_that_did_not_work_the_one_before_is_delivered() -> None:
    current = past_due(failures=1, retry_at=NOW + HOUR)
    decision = decide(wish(), facts(current, rejected(), shown=rejected()))
    assert (decision.step, decision.phase) == (Step.PUBLISH, Phase.ROLLING_BACK)
    assert (decision.subject, decision.cause) == (current, Cause.DUE)


def test_the_way_back_comes_before_another_try() -> None:
    current = past_due()  # the process died before it wrote down when to try again
    decision = decide(wish(), facts(current, rejected(), shown=rejected()))
    assert (decision.step, decision.subject) == (Step.PUBLISH, current)


def test_there_is_no_way_back_to_the_old_password_of_a_static_user() -> None:
    wished = wish(engine=STATIC)
    current = past_due(engine=STATIC, failures=1, retry_at=NOW + HOUR, handle=Handle(marker="1"))
    known = facts(current, rejected(), shown=rejected(), source=Source("2"), wished=wished)
    assert decide(wished, known).step is Step.WAIT
    again = decide(wished, replace(known, now=NOW + HOUR))
    assert (again.step, again.cause) == (Step.INTEND, Cause.SOURCE_MOVED)


# What is done besides.


def test_a_lease_is_renewed_when_two_thirds_of_it_are_over() -> None:
    wished = wish(engine=Engine.DATABASE_DYNAMIC)
    current = in_use(engine=Engine.DATABASE_DYNAMIC, expires_at=NOW + HOUR / 2)
    known = facts(current, shown=current, wished=wished)
    assert decide(wished, known).step is Step.RENEW
    later = in_use(engine=Engine.DATABASE_DYNAMIC, expires_at=NOW + 3 * HOUR)
    calm = decide(wished, facts(later, shown=later, wished=wished))
    assert calm.step is Step.NOTHING


def test_a_lease_that_is_granted_for_less_than_before_is_replaced() -> None:
    wished, end = wish(engine=Engine.DATABASE_DYNAMIC), NOW + HOUR / 3
    capped = in_use(engine=Engine.DATABASE_DYNAMIC, expires_at=end, term=HOUR, ends_at=end)
    decision = decide(wished, facts(capped, shown=capped, wished=wished))
    assert (decision.step, decision.cause) == (Step.INTEND, Cause.DUE)


@pytest.mark.parametrize(("revoke_after", "step"), [(2, Step.RENEW), (0.2, Step.NOTHING)])
def test_a_lease_that_was_replaced_lives_until_the_overlap_is_over(
    revoke_after: float, step: Step
) -> None:
    wished = wish(engine=Engine.DATABASE_DYNAMIC)
    before = old(
        engine=Engine.DATABASE_DYNAMIC,
        expires_at=NOW + HOUR / 2,
        term=3 * HOUR,
        revoke_after=NOW + revoke_after * HOUR,
    )
    decision = decide(wished, facts(in_use(), before, shown=in_use(), wished=wished))
    assert decision.step is step


def test_an_old_credential_is_ended_after_its_overlap() -> None:
    known = facts(in_use(), old(), shown=in_use())
    overlap = decide(wish(), known)
    assert (overlap.step, overlap.phase) == (Step.NOTHING, Phase.OVERLAP)
    over = decide(wish(), replace(known, now=NOW + HOUR))
    assert (over.step, over.phase, over.subject) == (Step.RETIRE, Phase.RETIRING, old())


def test_ending_it_is_tried_again_after_a_pause() -> None:
    late = old(revoke_after=NOW - HOUR, retry_at=NOW + timedelta(seconds=10), failures=1)
    decision = decide(wish(), facts(in_use(), late, shown=in_use()))
    assert (decision.step, decision.phase) == (Step.NOTHING, Phase.OVERLAP)
    assert decision.next_look == late.retry_at


def test_an_old_one_is_ended_while_a_new_one_rolls_out() -> None:
    coming, late = issued(), old(revoke_after=NOW)
    rolling = Rolling(Roll.MOVING)
    decision = decide(wish(), facts(past_due(), coming, late, shown=coming, rolling=rolling))
    assert (decision.step, decision.subject) == (Step.RETIRE, late)


def test_a_replaced_one_whose_end_was_not_written_down_is_ended_all_the_same() -> None:
    forgotten = old(revoke_after=None)
    current = in_use(proven_at=NOW - HOUR / 2)
    known = facts(current, forgotten, shown=current)
    assert decide(wish(), known).next_look == NOW + timedelta(minutes=10)
    over = decide(wish(), replace(known, now=NOW + HOUR / 2))
    assert (over.step, over.subject) == (Step.RETIRE, forgotten)


def test_one_that_did_not_work_is_ended_at_once_when_another_is_in_use() -> None:
    current = in_use(failures=1, retry_at=NOW + HOUR)
    decision = decide(wish(), facts(current, rejected(), shown=current))
    assert (decision.step, decision.subject) == (Step.RETIRE, rejected())


def test_what_is_delivered_is_not_ended() -> None:
    failed = rejected(rotation=FIRST_ID)
    coming = intended(retry_at=NOW + HOUR, failures=1)
    assert decide(wish(), facts(failed, coming, shown=failed)).step is Step.WAIT
    assert decide(wish(), facts(failed, coming)).step is Step.RETIRE


def test_of_two_users_none_is_touched_while_nothing_is_in_use() -> None:
    wished = wish(engine=ALTERNATING)
    failed = rejected(rotation=FIRST_ID, engine=ALTERNATING)
    coming = intended(engine=ALTERNATING, retry_at=NOW + HOUR, failures=1)
    assert decide(wished, facts(failed, coming)).step is Step.WAIT


@pytest.mark.parametrize(
    ("approved", "step"),
    [(0, Step.NOTHING), (1, Step.NOTHING), (2, Step.RETIRE), (3, Step.NOTHING)],
)
def test_versions_of_a_transit_key_are_given_up_when_somebody_approved(
    approved: int, step: Step
) -> None:
    wished = wish(engine=TRANSIT, approved=approved)
    current = in_use(engine=TRANSIT, handle=Handle(marker="2"))
    before = old(engine=TRANSIT, revoke_after=NOW - HOUR)
    assert decide(wished, facts(current, before)).step is step


# When the spec asks for another engine.


def test_one_in_delivery_that_nobody_wants_any_more_is_taken_up_without_a_proof() -> None:
    coming, wished = issued(source="before"), wish(engine=STATIC)
    assert decide(wished, facts(coming, shown=coming)).step is Step.ACCEPT
    edited = decide(wished, facts(coming, shown=coming, intact=False))
    assert (edited.step, edited.subject) == (Step.PUBLISH, coming)


def test_what_is_delivered_is_ended_for_a_key_only_when_its_secret_is_gone() -> None:
    wished = wish(engine=TRANSIT, source="a key")
    current, coming = in_use(engine=TRANSIT, source="a key"), issued()
    assert decide(wished, facts(current, coming, shown=coming)).step is Step.REJECT
    left = rejected()
    assert decide(wished, facts(current, left, shown=left)).step is Step.NOTHING
    assert decide(wished, facts(current, left)).step is Step.RETIRE


def test_a_key_that_nobody_wants_any_more_is_given_up_for_what_is_delivered() -> None:
    current, coming = in_use(source="before"), issued(engine=TRANSIT, source="a key")
    assert decide(wish(), facts(current, coming, shown=current)).step is Step.REJECT
    key = in_use(engine=TRANSIT, source="a key")
    assert decide(wish(), facts(key, intended())).step is Step.ISSUE


@pytest.mark.parametrize(
    ("engine", "role"), [(Engine.KV_GENERATED, "one"), (TRANSIT, "another"), (STATIC, "one")]
)
def test_nobody_has_to_approve_for_a_key_that_another_one_replaced(
    engine: Engine, role: str
) -> None:
    current = in_use(engine=engine, role=role)
    before = old(engine=TRANSIT, role="one", revoke_after=NOW - HOUR)
    known = facts(current, before, shown=current, source=Source(""))
    assert decide(wish(engine=engine), known).step is Step.RETIRE


def test_users_wait_for_no_end_of_what_another_engine_made() -> None:
    current, before = past_due(), old(revoke_after=NOW - HOUR, retry_at=NOW + HOUR, failures=1)
    decision = decide(wish(engine=ALTERNATING), facts(current, before, shown=current))
    assert decision.step is Step.INTEND


def test_a_workload_that_is_stuck_goes_back_from_a_static_user_to_what_was_before() -> None:
    current, coming = past_due(), issued(engine=STATIC)
    stuck = facts(current, coming, shown=coming, rolling=Rolling(Roll.STUCK))
    assert decide(wish(engine=STATIC), stuck).step is Step.REJECT


def test_what_another_spec_asked_for_is_not_adopted() -> None:
    decision = decide(wish(source="another"), facts(shown=in_use()))
    assert (decision.step, decision.cause) == (Step.INTEND, Cause.FIRST)


# When to look again.


@pytest.mark.parametrize(
    ("entries", "wanted"),
    [
        ((in_use(),), timedelta(minutes=10)),
        ((in_use(), old(revoke_after=NOW + timedelta(minutes=5))), timedelta(minutes=5)),
    ],
)
def test_a_secret_is_looked_at_again_when_something_changes_by_itself(
    entries: tuple[Credential, ...], wanted: timedelta
) -> None:
    decision = decide(wish(), facts(*entries, shown=entries[0]))
    assert decision.next_look == NOW + wanted


def test_a_rotation_begins_the_moment_that_it_is_due() -> None:
    current = in_use()
    due = decide(wish(), facts(current, shown=current)).due_at
    assert due is not None
    before = facts(current, shown=current, now=due - timedelta(seconds=1))
    assert decide(wish(), before).next_look == due
    assert decide(wish(), replace(before, now=due)).step is Step.INTEND


def test_of_two_made_in_one_second_the_later_version_is_the_one_in_use() -> None:
    first = Credential(
        name="a",
        secret="db",
        engine=Engine.KV_GENERATED,
        rotation_id="f" * 64,
        handle=Handle(kv_version=1),
        intended_at=NOW,
        issued_at=NOW,
        proven_at=NOW,
    )
    second = replace(first, name="b", rotation_id="0" * 64, handle=Handle(kv_version=2))
    assert standing((first, second)).current == second
