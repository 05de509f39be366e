# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Time zones that exist. The API server does not know them, and a wrong one never comes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from wardkeeper.policy.verdict import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator


def unknown_zone(field: str, zone: str) -> Iterator[Problem]:
    """The problem with a zone that nobody knows, if it is one.

    Args:
        field: path of the field that names it.
        zone: what stands there.
    """
    if zone not in _time_zones():
        yield Problem(
            field,
            f"{zone!r}, which no time zone is called",
            "timeZone must be a name of the IANA time zone database; write it like"
            " America/New_York",
        )


@cache
def _time_zones() -> frozenset[str]:
    """All IANA names; not `localtime`, which means another zone on every machine."""
    return frozenset(available_timezones() - {"localtime"})
