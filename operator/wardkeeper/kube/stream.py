# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The lines of a watch, cut out of the chunks they arrive in, and what each says.

It copies as little as it can: at ten thousand workflows this is the busiest code there is.
"""

from __future__ import annotations

from typing import Any

import orjson

from wardkeeper.kube.errors import Unreachable, error_from_status


class Lines:
    """Collects chunks; an unfinished last line waits for its rest."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that this chunk completes, without their ends; blank ones are left out."""
        head, found, rest = chunk.partition(b"\n")
        self._parts.append(head)
        if not found:
            return []
        *lines, last = rest.split(b"\n")
        first = b"".join(self._parts)
        self._parts = [last]
        return [line for line in (first, *lines) if line]


def read_event(line: bytes, *, what: str, secret: bool) -> tuple[str, dict[str, Any]]:
    """Type and object of one event.

    Raises:
        ApiError: the server says ERROR (410 is `Gone`).
        Unreachable: the line is no event; the stream cannot be trusted any more.
    """
    try:
        event = orjson.loads(line)
        kind, obj = event["type"], event["object"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise Unreachable(f"{what}: a line is no event") from None
    if kind == "ERROR":
        raise error_from_status(obj, what=what, secret=secret)
    return kind, obj
