# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What the audit log of an API server tells of writes, whole however soon it is asked.

The line about a write comes a moment after its answer: who has the answer may still miss the line.
That a request has come is written before anything is done about it, though, so that everybody can
see which lines are still to come, and wait for them.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.cluster.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.cluster.processes import Process

Event = dict[str, Any]

COME, DONE = "RequestReceived", "ResponseComplete"


class AuditLog:
    """The audit log of one API server.

    Args:
        path: a file with one JSON document a line.
        server: the API server; what one before it has left undone is never finished.
    """

    def __init__(self, path: Path, server: Process) -> None:
        """Nothing is read yet."""
        self._path = path
        self._server = server

    def mark(self) -> int:
        """Where it ends now; hand it to `since`."""
        return self._path.stat().st_size if self._path.exists() else 0

    def since(self, mark: int = 0) -> list[Event]:
        """The writes that were asked for after a mark, each once it is done, in that order.

        Raises:
            NotReadyError: a write that had come is still not done.
        """
        told = self._read(mark)
        coming = self._under_way(told)

        def look() -> list[Event] | None:
            found = self._read(mark)
            return None if coming & self._under_way(found) else found

        if coming:
            told = until(look, "the writes that are under way are done")
        come = _ids(one for one in told if one["stage"] == COME)
        return [one for one in told if one["stage"] == DONE and one["auditID"] in come]

    def _under_way(self, told: list[Event]) -> set[str]:
        """The requests that have come to this server and are not answered."""
        answered = _ids(one for one in told if one["stage"] != COME)
        began = self._server.began
        come = (one for one in told if one["stage"] == COME)
        return _ids(one for one in come if _time(one) >= began) - answered

    def _read(self, mark: int) -> list[Event]:
        """Every whole line after a mark."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as log:
            log.seek(max(mark - 1, 0))
            text = log.read()
        if mark:
            text = text.partition(b"\n")[2]  # nothing, unless the mark was set within a line
        lines = text.splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith(b"\n")]


def _ids(events: Iterable[Event]) -> set[str]:
    return {str(one["auditID"]) for one in events}


def _time(event: Event) -> float:
    """When a request came, in seconds since the epoch."""
    return datetime.fromisoformat(event["requestReceivedTimestamp"]).timestamp()
