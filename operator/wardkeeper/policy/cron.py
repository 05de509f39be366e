# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Schedules as Kubernetes reads them: five fields of numbers, names, ranges, steps and lists.

No library stands in for this: those that are well kept accept more (`L`, `#`, Sunday as 7, six
fields) than the CronJob controller, and what it refuses must be refused here first. Nothing here
may accept what Kubernetes refuses. Source: robfig/cron v3 `ParseStandard`, which it uses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = re.compile(r"[0-9]{1,4}")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST_DAY = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def number(self, text: str) -> int:
        if text.lower() in self.names:
            return self.low + self.names.index(text.lower())
        if _NUMBER.fullmatch(text) and self.low <= int(text) <= self.high:
            return int(text)
        or_names = f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
        raise ValueError(f"{self.name} takes {self.low} to {self.high}{or_names}, not {text!r}")


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 6, _WEEKDAYS),
)


def check_schedule(schedule: str) -> None:
    """Pass when a CronJob with this schedule would be accepted and would ever run.

    Raises:
        ValueError: it would not; the message names the field of the line and what it takes.
    """
    parts = schedule.split()
    if len(parts) != len(_FIELDS):
        raise ValueError(
            f"it has {len(parts)} fields; minute, hour, day of month, month and day of week are"
            " wanted"
        )
    values = [_values(field, text) for field, text in zip(_FIELDS, parts, strict=True)]
    days, months, weekdays = values[2:]
    if weekdays is None and days is not None:
        longest = max(_LONGEST_DAY[month - 1] for month in months or range(1, 13))
        if min(days) > longest:
            raise ValueError("none of its months has such a day; it never runs")


def _values(field: _Field, text: str) -> frozenset[int] | None:
    """The values that a field stands for; None for `*`, which leaves the choice to the others."""
    ranges = [_range(field, part) for part in text.split(",")]
    if None in ranges:
        return None
    return frozenset(value for one in ranges if one is not None for value in one)


def _range(field: _Field, text: str) -> range | None:
    span, slash, by = text.partition("/")
    step = 1
    if slash:
        if not _NUMBER.fullmatch(by) or int(by) == 0:
            raise ValueError(f"{field.name} steps by a number from 1 on, not {by!r}")
        step = int(by)
    if span in ("*", "?"):
        return range(field.low, field.high + 1, step) if step > 1 else None
    first, hyphen, last = span.partition("-")
    low = field.number(first)
    high = field.number(last) if hyphen else field.high if slash else low
    if low > high:
        raise ValueError(f"{field.name} counts upwards; {span!r} does not")
    return range(low, high + 1, step)
