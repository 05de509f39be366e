# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.rotation.samples import HOUR, NOW, in_use, issued, wish
from wardkeeper.api.credential import Engine
from wardkeeper.api.secrets import SecretSpec
from wardkeeper.rotation import times
from wardkeeper.rotation.identity import rotation_id
from wardkeeper.rotation.times import Times
from wardkeeper.rotation.windows import Window

DURATIONS = st.integers(60, 8784 * 3600).map(lambda seconds: timedelta(seconds=seconds))


def spec(source: dict[str, object], **rotation: str) -> SecretSpec:
    return SecretSpec.model_validate({"name": "db", "source": source, "rotation": rotation})


def database(strategy: str) -> dict[str, object]:
    connection = {"host": "db.example.org", "database": "claims"}
    return {"database": {"role": "claims", "strategy": strategy, "connection": connection}}


@pytest.mark.parametrize(
    ("source", "every"),
    [
        ({"kvGenerated": {"fields": [{"name": "password"}]}}, 720),
        ({"kvSynced": {"path": "vendor", "fields": ["key"]}}, 2160),
        (database("Dynamic"), 24),
        (database("AlternatingUsers"), 168),
        (database("Static"), 168),
        ({"pki": {"ttl": "48h"}}, 48),
        ({"transit": {"key": "phi"}}, 2160),
    ],
)
def test_each_engine_has_times_of_its_own(source: dict[str, object], every: int) -> None:
    assert times.times_of(spec(source)) == Times(every * HOUR, HOUR, every * 1.5 * HOUR)


def test_what_the_spec_says_counts() -> None:
    told = times.times_of(spec({"pki": {}}, every="20h", overlap="2h", maxAge="21h"))
    assert told == Times(20 * HOUR, 2 * HOUR, 21 * HOUR)


def test_an_overlap_that_is_left_out_is_at_most_a_quarter() -> None:
    assert times.times_of(spec({"pki": {}}, every="2h")).overlap == HOUR / 2


@given(DURATIONS, DURATIONS, st.text(max_size=8), st.text(max_size=8))
def test_what_ends_by_itself_is_due_at_two_thirds_of_its_life_or_earlier(
    life: timedelta, every: timedelta, uid: str, name: str
) -> None:
    one = issued(rotation_id(uid, name), expires_at=NOW + life, ends_at=NOW + life)
    wished = wish(uid=uid, name=name, every=every, max_age=every * 2)
    due, deadline = times.due_at(wished, one), times.deadline_of(wished, one)
    assert due is not None
    assert deadline is not None
    assert NOW < due <= NOW + min(life * 2 / 3, every)
    assert due >= NOW + min(life * (2 / 3 - 0.1), every * 0.9) - timedelta(seconds=1)
    assert due <= deadline < NOW + life
    assert due == times.due_at(wished, one)
    assert due.microsecond == deadline.microsecond == 0


@given(DURATIONS, st.text(max_size=8))
def test_what_does_not_end_is_due_before_every_is_over(every: timedelta, uid: str) -> None:
    wished = wish(uid=uid, every=every, max_age=every)
    due = times.due_at(wished, issued())
    assert due is not None
    assert NOW + every * 0.9 - timedelta(seconds=1) <= due <= NOW + every
    assert times.deadline_of(wished, issued()) == NOW + every


def test_times_are_spread_evenly_over_a_tenth_of_a_life() -> None:
    life = 1000 * HOUR
    shares = []
    for number in range(2000):
        wished = wish(uid=f"uid-{number}", every=life, max_age=life)
        due = times.due_at(wished, issued(ends_at=NOW + life, expires_at=NOW + life))
        assert due is not None
        shares.append((NOW + life * 2 / 3 - due) / life / 0.1)
    assert all(abs(share - n / 2000) < 0.05 for n, share in enumerate(sorted(shares)))


def test_nothing_is_due_that_was_never_made() -> None:
    unmade = issued(issued_at=None)
    assert times.due_at(wish(), unmade) is None
    assert times.deadline_of(wish(), unmade) is None
    assert times.renew_at(wish(), unmade) is None


def test_a_deadline_leaves_thirty_seconds_and_a_short_life_less() -> None:
    hour = issued(expires_at=NOW + HOUR)
    minute = issued(expires_at=NOW + HOUR / 60)
    assert times.deadline_of(wish(), hour) == NOW + timedelta(seconds=3600 * 0.9 - 30)
    due, deadline = times.due_at(wish(), minute), times.deadline_of(wish(), minute)
    assert due is not None
    assert deadline is not None
    assert due <= deadline <= NOW + timedelta(seconds=54)


@pytest.mark.parametrize(("ends", "hours"), [(time(0), None), (time(17), 17)])
def test_what_would_be_overdue_in_a_window_is_due_before_it(ends: time, hours: int | None) -> None:
    friday = Window(frozenset({4}), time(18), ends, "UTC")
    made = datetime.fromisoformat("2026-03-06T00:00+00:00")  # a Friday
    one = issued(issued_at=made, expires_at=made + 30 * HOUR, ends_at=made + 30 * HOUR)
    free, kept = wish(), wish(windows=(friday,))
    due = times.due_at(kept, one)
    assert due == (made + hours * HOUR if hours else times.due_at(free, one))
    assert times.deadline_of(kept, one) == times.deadline_of(free, one)


@given(
    DURATIONS,
    st.one_of(st.none(), DURATIONS),
    st.text(max_size=8),
    st.frozensets(st.integers(0, 6), min_size=1),
    st.times(),
    st.times(),
)
def test_neither_spread_nor_window_ever_makes_anything_later(
    every: timedelta,
    life: timedelta | None,
    uid: str,
    days: frozenset[int],
    start: time,
    end: time,
) -> None:
    ends = NOW + life if life else None
    one = issued(issued_at=NOW, expires_at=ends, ends_at=ends)
    free = wish(every=every, max_age=every * 1.5, uid=uid)
    due = times.due_at(free, one)
    kept = times.due_at(replace(free, windows=(Window(days, start, end, "UTC"),)), one)
    assert due is not None
    assert kept is not None
    assert NOW <= kept <= due <= NOW + every
    assert life is None or due <= NOW + life * 2 / 3


def test_a_lease_is_renewed_after_two_thirds_of_what_was_granted() -> None:
    made = NOW - HOUR
    first = in_use(
        engine=Engine.DATABASE_DYNAMIC, expires_at=made + 3 * HOUR, ends_at=made + 24 * HOUR
    )
    assert times.renew_at(wish(), first) == made + 2 * HOUR
    again = in_use(
        engine=Engine.DATABASE_DYNAMIC, expires_at=made + 9 * HOUR, term=3 * HOUR, ends_at=None
    )
    assert times.renew_at(wish(), again) == made + 8 * HOUR


def test_what_is_no_lease_or_is_at_its_longest_is_not_renewed() -> None:
    end = NOW + HOUR
    assert times.renew_at(wish(), in_use(engine=Engine.PKI, expires_at=end)) is None
    at_longest = in_use(engine=Engine.DATABASE_DYNAMIC, expires_at=end, ends_at=end)
    assert times.renew_at(wish(), at_longest) is None


@given(st.integers(0, 10**6), st.integers(0, 999_999))
def test_right_after_a_renewal_there_is_none(seconds: int, micro: int) -> None:
    now = NOW + timedelta(microseconds=micro)
    granted = timedelta(seconds=seconds)
    one = in_use(
        engine=Engine.DATABASE_DYNAMIC,
        expires_at=(now + granted).replace(microsecond=0),
        term=granted or timedelta(seconds=1),
    )
    renewal = times.renew_at(wish(), one)
    assert renewal is not None
    assert renewal > now


def test_pauses_double_from_five_seconds_to_an_hour() -> None:
    pauses = [times.backoff(failures).total_seconds() for failures in (1, 2, 3, 10, 11, 10_000)]
    assert pauses == [5, 10, 20, 2560, 3600, 3600]


def test_nobody_goes_unseen_for_more_than_ten_minutes_or_a_tenth_of_a_life() -> None:
    assert times.look_after(wish(), in_use()) == timedelta(minutes=10)
    short = in_use(expires_at=NOW - HOUR + timedelta(seconds=100))
    assert times.look_after(wish(), short) == timedelta(seconds=10)
    tiny = in_use(expires_at=NOW - HOUR + timedelta(seconds=5))
    assert times.look_after(wish(), tiny) == timedelta(seconds=1)
