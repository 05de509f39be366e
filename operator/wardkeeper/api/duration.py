# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Go durations of hours, minutes and seconds, as the API writes them."""

from __future__ import annotations

import re

_UNITS = {"h": 3600, "m": 60, "s": 1}
_PART = re.compile(r"([0-9]+)([hms])")


def text_of(total: float) -> str:
    """A number of seconds as a duration; from two minutes on in whole minutes: `1h30m`."""
    if total < 120:
        return f"{round(total)}s"
    hours, minutes = divmod(round(total / 60), 60)
    return "".join(f"{count}{unit}" for count, unit in ((hours, "h"), (minutes, "m")) if count)


def seconds(duration: str) -> int:
    """Seconds in a duration that the schema has accepted, such as `1h30m`.

    Raises:
        ValueError: the text is no such duration; names what was found and what is wanted.
    """
    parts = _PART.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise ValueError(f"{duration!r} is no duration; write hours, minutes and seconds: 1h30m")
    return sum(int(number) * _UNITS[unit] for number, unit in parts)
