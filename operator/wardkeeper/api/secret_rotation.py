# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`spec.secrets[].rotation`: how a secret stays young, and when it may not be replaced."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from wardkeeper.api.duration import seconds
from wardkeeper.api.scalars import DURATION, Duration
from wardkeeper.api.schedule import TimeZone
from wardkeeper.api.schema import Model, Rule, list_atomic, list_set, shape

SHORTEST_ROTATION = "60s"
LONGEST_ROTATION = "8784h"


class Weekday(StrEnum):
    """A day of the week."""

    MON = "Mon"
    TUE = "Tue"
    WED = "Wed"
    THU = "Thu"
    FRI = "Fri"
    SAT = "Sat"
    SUN = "Sun"


TimeOfDay = Annotated[
    str,
    StringConstraints(min_length=5, max_length=5),
    shape(r"([01][0-9]|2[0-3]):[0-5][0-9]", "must be a time of day between 00:00 and 23:59"),
    Field(description="A time of day, such as 06:00."),
]


class RotationWindow(Model):
    """A time of the week in which nothing is replaced."""

    obeys: ClassVar = (
        Rule(
            "self.from != self.to",
            "from and to are the same; write when the window ends, such as 20:00",
            lambda self: self.from_ != self.to,
            ".to",
        ),
    )

    days: tuple[Weekday, ...] = Field(
        min_length=1,
        max_length=7,
        json_schema_extra=list_set(),
        description="Days on which it begins.",
    )
    from_: TimeOfDay = Field(alias="from", description="When it begins, such as 06:00.")
    to: TimeOfDay = Field(
        description="When it ends, such as 20:00; on the next day when it is before `from`."
    )
    time_zone: TimeZone = Field(description="IANA time zone of both, such as America/New_York.")


def _is_duration(member: str) -> str:
    """CEL that keeps a rule silent where the shape is already wrong."""
    return f"self.{member}.matches(r'^({DURATION})$')"


class Rotation(Model):
    """When a secret is replaced."""

    obeys: ClassVar = (
        Rule(
            f"!has(self.every) || !{_is_duration('every')} || (duration(self.every) >= "
            f"duration('{SHORTEST_ROTATION}') && duration(self.every) <= "
            f"duration('{LONGEST_ROTATION}'))",
            f"every must lie between {SHORTEST_ROTATION} and {LONGEST_ROTATION}; write it like "
            "720h",
            lambda self: (
                self.every is None
                or seconds(SHORTEST_ROTATION) <= seconds(self.every) <= seconds(LONGEST_ROTATION)
            ),
            ".every",
        ),
        Rule(
            f"!has(self.maxAge) || !has(self.every) || !{_is_duration('maxAge')} || "
            f"!{_is_duration('every')} || duration(self.maxAge) >= duration(self.every)",
            "maxAge is shorter than every, so the secret would always be overdue; raise maxAge or "
            "lower every",
            lambda self: (
                self.max_age is None
                or self.every is None
                or seconds(self.max_age) >= seconds(self.every)
            ),
            ".maxAge",
        ),
        Rule(
            f"!has(self.overlap) || !has(self.every) || !{_is_duration('overlap')} || "
            f"!{_is_duration('every')} || duration(self.overlap) <= duration(self.every)",
            "overlap is longer than every, so more than two would live at once; lower overlap or "
            "raise every",
            lambda self: (
                self.overlap is None
                or self.every is None
                or seconds(self.overlap) <= seconds(self.every)
            ),
            ".overlap",
        ),
    )

    every: Duration | None = Field(
        None,
        description="How long a secret is used before it is replaced, from 60s to 8784h. When left "
        "out: 720h for kvGenerated, 24h for Dynamic, 168h for AlternatingUsers and Static, ttl for "
        "pki, 2160h for kvSynced and transit.",
    )
    overlap: Duration | None = Field(
        None,
        description="How long the one before lives on when the new one has proven itself; 1h when "
        "left out, and at most a quarter of every.",
    )
    max_age: Duration | None = Field(
        None,
        description="Age from which the secret counts as overdue and the workflow is no longer "
        "Ready; one and a half times every when left out.",
    )
    windows: tuple[RotationWindow, ...] = Field(
        (),
        max_length=16,
        json_schema_extra=list_atomic(),
        description="Times in which nothing is replaced, unless it would end or was asked for.",
    )
