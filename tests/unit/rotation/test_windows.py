# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardkeeper.api.secret_rotation import RotationWindow
from wardkeeper.rotation.windows import Window, freezes_at, frozen, thaws_at, window_of

WEEKDAYS = frozenset(range(5))
DAY = Window(WEEKDAYS, time(6), time(20), "America/New_York")
NIGHT = Window(frozenset({4}), time(22), time(4), "Europe/Berlin")
ALWAYS = (
    Window(frozenset(range(7)), time(0), time(12), "UTC"),
    Window(frozenset(range(7)), time(12), time(0), "UTC"),
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "is_frozen"),
    [
        ("2026-01-05T10:59", False),
        ("2026-01-05T11:00", True),
        ("2026-01-06T00:59", True),
        ("2026-01-06T01:00", False),
        ("2026-01-10T15:00", False),
        ("2026-07-06T10:00", True),
        ("2026-07-07T00:00", False),
    ],
)
def test_a_window_keeps_its_hours_on_the_clock_of_its_zone(now: str, is_frozen: bool) -> None:
    assert frozen([DAY], utc(now)) is is_frozen


@pytest.mark.parametrize(
    ("now", "is_frozen"),
    [
        ("2026-01-09T20:59", False),
        ("2026-01-09T21:00", True),
        ("2026-01-10T02:59", True),
        ("2026-01-10T03:00", False),
        ("2026-01-09T02:00", False),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins(
    now: str, is_frozen: bool
) -> None:
    assert frozen([NIGHT], utc(now)) is is_frozen


def test_a_night_in_which_clocks_change_is_an_hour_shorter_or_longer() -> None:
    night = Window(frozenset({5}), time(22), time(4), "Europe/Berlin")
    spring, autumn = utc("2026-03-28T22:00"), utc("2026-10-24T22:00")
    assert thaws_at([night], spring) == utc("2026-03-29T02:00")
    assert thaws_at([night], autumn) == utc("2026-10-25T03:00")
    assert freezes_at([night], spring) == utc("2026-03-28T21:00")


def test_an_hour_that_clocks_skip_or_repeat_breaks_no_window() -> None:
    skipped = Window(frozenset({6}), time(2, 15), time(2, 45), "Europe/Berlin")
    for minute in range(0, 24 * 60, 5):
        for day in ("2026-03-29", "2026-10-25"):
            now = utc(f"{day}T00:00") + timedelta(minutes=minute)
            assert now <= thaws_at([skipped], now) <= now + timedelta(hours=2)


def test_windows_that_follow_each_other_count_as_one() -> None:
    early = Window(frozenset({0}), time(6), time(12), "UTC")
    late = Window(frozenset({0}), time(12), time(18), "UTC")
    assert thaws_at([late, early], utc("2026-01-05T07:00")) == utc("2026-01-05T18:00")
    assert freezes_at([late, early], utc("2026-01-05T17:00")) == utc("2026-01-05T06:00")


def test_without_an_open_window_it_thaws_now_and_never_froze() -> None:
    now = utc("2026-01-04T12:00")
    assert thaws_at([DAY], now) == now
    assert freezes_at([DAY], now) is None
    assert not frozen([], now)


def test_windows_that_never_end_are_looked_at_for_a_week_and_no_longer() -> None:
    now = utc("2026-01-05T07:00")
    assert timedelta(days=7) < thaws_at(ALWAYS, now) - now < timedelta(days=9)
    began = freezes_at(ALWAYS, now)
    assert began is not None
    assert timedelta(days=7) < now - began < timedelta(days=9)


def test_a_window_is_read_from_the_spec() -> None:
    declared = RotationWindow.model_validate(
        {"days": ["Mon", "Sun"], "from": "06:00", "to": "20:30", "timeZone": "America/New_York"}
    )
    wanted = Window(frozenset({0, 6}), time(6), time(20, 30), "America/New_York")
    assert window_of(declared) == wanted


WINDOWS = st.builds(
    Window,
    st.frozensets(st.integers(0, 6), min_size=1),
    st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    st.sampled_from(["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"]),
)


@given(
    st.lists(WINDOWS, max_size=3),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
)
def test_a_thaw_is_frozen_no_more_and_the_time_before_it_was(
    windows: list[Window], now: datetime
) -> None:
    thaw = thaws_at(windows, now)
    assert frozen(windows, now) is (thaw > now)
    if now < thaw < now + timedelta(days=8):
        assert not frozen(windows, thaw)
        assert frozen(windows, thaw - timedelta(microseconds=1))
    began = freezes_at(windows, now)
    assert (began is not None) is frozen(windows, now)
    if began is not None:
        assert began <= now
        assert frozen(windows, began)
