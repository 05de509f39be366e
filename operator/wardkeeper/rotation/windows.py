# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Freeze windows: times of the week in which nothing is replaced. Pure.

A window is read on the clock of its own zone, so it keeps its hours when clocks change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wardkeeper.api.secret_rotation import RotationWindow

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WEEK = timedelta(days=8)
"""Windows that follow each other without a gap for longer than this never end."""


@dataclass(frozen=True, slots=True)
class Window:
    """A time of the week.

    Attributes:
        days: days on which it begins; 0 is Monday.
        start: when it begins, on the clock of the zone.
        end: when it ends; on the next day when it is not after `start`.
        zone: IANA name of the zone.
    """

    days: frozenset[int]
    start: time
    end: time
    zone: str


def window_of(declared: RotationWindow) -> Window:
    """A window as the spec declares it."""
    return Window(
        frozenset(_DAYS.index(day) for day in declared.days),
        time.fromisoformat(declared.from_),
        time.fromisoformat(declared.to),
        declared.time_zone,
    )


def frozen(windows: Iterable[Window], now: datetime) -> bool:
    """Whether any of the windows is open at this time."""
    return _closes(tuple(windows), now) is not None


def thaws_at(windows: Iterable[Window], now: datetime) -> datetime:
    """When no window is open any more; `now` when none is.

    Windows that follow each other count as one; when they never end, a time a week ahead.
    """
    every, at = tuple(windows), now
    while at < now + _WEEK:
        closes = _closes(every, at)
        if closes is None:
            break
        at = closes
    return at


def freezes_at(windows: Iterable[Window], then: datetime) -> datetime | None:
    """When the windows that are open at that time began; None when none is.

    Windows that follow each other count as one, for up to a week.
    """
    every, at = tuple(windows), then
    first = None
    while at > then - _WEEK:
        begins = _opens(every, at)
        if begins is None:
            break
        first = at = begins
        at -= timedelta(microseconds=1)
    return first


def _opens(windows: tuple[Window, ...], then: datetime) -> datetime | None:
    """When the first of the windows that are open then opened; None when none is open."""
    begins = [begin for one in windows for begin, end in _spans(one, then) if begin <= then < end]
    return min(begins, default=None)


def _closes(windows: tuple[Window, ...], now: datetime) -> datetime | None:
    """When the last of the windows that are open now closes; None when none is open."""
    ends = [end for one in windows for begin, end in _spans(one, now) if begin <= now < end]
    return max(ends, default=None)


def _spans(window: Window, now: datetime) -> list[tuple[datetime, datetime]]:
    """The spans of a window that begin today or yesterday, in the zone of `now`."""
    zone = ZoneInfo(window.zone)
    today = now.astimezone(zone).date()
    spans = []
    for day in (today - timedelta(days=1), today):
        if day.weekday() not in window.days:
            continue
        last = day if window.end > window.start else day + timedelta(days=1)
        begin = datetime.combine(day, window.start, zone)
        end = datetime.combine(last, window.end, zone)
        spans.append((begin.astimezone(now.tzinfo), end.astimezone(now.tzinfo)))
    return spans
