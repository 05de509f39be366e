# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardkeeper.rotation.decide import (
    CLOCK_TOLERANCE,
    Action,
    Cause,
    Wish,
    deadline_of,
    decide,
    due_at,
)
from wardkeeper.rotation.record import Record

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WISH = Wish(uid="uid-1", name="db", source="s1", every=30 * DAY, max_age=45 * DAY)
RECORD = Record("id-1", 1, "mac", START, "s1", not_after=START + 45 * DAY)
SOON = START + DAY

periods = st.integers(min_value=1, max_value=10**8).map(lambda seconds: timedelta(seconds=seconds))
names = st.text(min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("wish", "record", "intact", "now", "action", "cause"),
    [
        (WISH, RECORD, True, SOON, Action.KEEP, Cause.CURRENT),
        (WISH, RECORD, True, START + 30 * DAY, Action.ROTATE, Cause.DUE),
        (replace(WISH, source="s2"), RECORD, True, SOON, Action.ROTATE, Cause.SOURCE_CHANGED),
        (replace(WISH, request="db@1"), RECORD, True, SOON, Action.ROTATE, Cause.REQUESTED),
        (WISH, RECORD, False, SOON, Action.RESTORE, Cause.EDITED),
        (WISH, RECORD, False, START + 30 * DAY, Action.ROTATE, Cause.DUE),
        (replace(WISH, max_age=40 * DAY), RECORD, True, SOON, Action.RESTORE, Cause.DATES_CHANGED),
        (WISH, RECORD, True, START - DAY, Action.ROTATE, Cause.MADE_IN_THE_FUTURE),
        (WISH, RECORD, True, START - CLOCK_TOLERANCE, Action.KEEP, Cause.CURRENT),
    ],
)
def test_what_is_done_follows_from_what_is_known(
    wish: Wish, record: Record, intact: bool, now: datetime, action: Action, cause: Cause
) -> None:
    decision = decide(wish, record, now=now, intact=intact)
    assert (decision.action, decision.cause) == (action, cause)


def test_a_secret_that_never_was_is_created_and_one_that_is_gone_is_restored() -> None:
    assert decide(WISH, None, now=SOON).action is Action.CREATE
    assert decide(WISH, None, now=SOON, known=True).action is Action.RESTORE


@pytest.mark.parametrize("handled_by", ["record", "status"])
def test_a_request_is_answered_once(handled_by: str) -> None:
    wish = replace(WISH, request="db@1")
    record = RECORD
    if handled_by == "record":
        record = replace(RECORD, request="db@1")
    else:
        wish = replace(wish, handled="db@1")
    assert decide(wish, record, now=SOON).action is Action.KEEP
    assert decide(replace(wish, request="db@2"), record, now=SOON).action is Action.ROTATE


def test_a_request_that_was_taken_back_asks_for_nothing() -> None:
    assert decide(WISH, replace(RECORD, request="db@1"), now=SOON).action is Action.KEEP


@given(periods, names, names, names)
def test_spreading_makes_a_rotation_earlier_and_never_later(
    every: timedelta, uid: str, name: str, rotation: str
) -> None:
    wish = Wish(uid=uid, name=name, source="s", every=every, max_age=2 * every)
    record = Record(rotation, 1, "mac", START, "s")
    due = due_at(wish, record)
    assert START + 0.9 * every - timedelta(seconds=1) <= due <= START + every
    assert due == due_at(wish, record)


@given(periods, periods)
def test_a_rotation_is_never_due_after_the_deadline(every: timedelta, max_age: timedelta) -> None:
    wish = replace(WISH, every=every, max_age=max_age)
    assert due_at(wish, RECORD) <= deadline_of(wish, RECORD) == START + max_age


@given(st.integers(min_value=-(10**8), max_value=10**8), st.booleans())
def test_time_alone_never_restores_and_never_keeps_what_is_due(offset: int, intact: bool) -> None:
    now = START + timedelta(seconds=offset)
    decision = decide(WISH, RECORD, now=now, intact=intact)
    must_rotate = now >= due_at(WISH, RECORD) or now + CLOCK_TOLERANCE < START
    assert (decision.action is Action.ROTATE) == must_rotate
    assert decision == decide(WISH, RECORD, now=now, intact=intact)


def test_secrets_of_one_age_are_not_replaced_all_at_once() -> None:
    dues = {due_at(replace(WISH, uid=f"uid-{n}"), RECORD) for n in range(200)}
    assert len(dues) > 190
    assert max(dues) - min(dues) > 2 * DAY
