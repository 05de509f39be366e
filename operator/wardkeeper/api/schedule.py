# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""When a CronJob runs: the line of cron and the zone whose clock it means.

Only the shape is known here. Whether a zone exists, and whether the line ever fires, must be
judged where a zone database and a calendar are.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from wardkeeper.api.schema import Obeys, Rule, shape


def _field(value: str) -> str:
    """Pattern of one field: *, values and ranges, with or without a step, in a list."""
    item = rf"(\*|\?|({value})(-({value}))?)(/[1-9][0-9]?)?"
    return rf"{item}(,{item})*"


CRON = " +".join(
    (
        _field(r"[0-5]?[0-9]"),
        _field(r"[01]?[0-9]|2[0-3]"),
        _field(r"0?[1-9]|[12][0-9]|3[01]"),
        _field(r"0?[1-9]|1[0-2]|(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"),
        _field(r"[0-6]|(?i:sun|mon|tue|wed|thu|fri|sat)"),
    )
)

Schedule = Annotated[
    str,
    StringConstraints(max_length=128),
    shape(
        CRON,
        "schedule must be the five fields of cron: minute, hour, day of month, month, day of week "
        "(0 is Sunday, 6 Saturday); write it like '30 2 * * *', without macros such as @daily; a "
        "time zone belongs into timeZone",
    ),
]

TimeZone = Annotated[
    str,
    StringConstraints(max_length=64),
    shape(
        r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*",
        "timeZone must be a name of the IANA time zone database; write it like America/New_York",
    ),
    Obeys(
        Rule(
            "self.lowerAscii() != 'local'",
            "timeZone must not depend on a machine; name the zone, such as Etc/UTC",
            lambda self: self.lower() != "local",
        )
    ),
]
