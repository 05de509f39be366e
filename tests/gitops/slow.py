# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""An operator whose every request to the API server takes longer than it should."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING

from tests.cluster.installation import Installation
from tests.faults.api_proxy import ApiProxy
from tests.faults.stops import Stops

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.cluster import Cluster
    from tests.faults.stops import Request, Stop


class _Late(Stops):
    """Every request but the Lease's is held up for a while, on the connection that it came on."""

    def __init__(self, seconds: float) -> None:
        super().__init__(())
        self._seconds = seconds
        self.ended = Event()

    def meet(self, request: Request) -> Stop | None:
        if "/leases" not in request.path:
            self.ended.wait(self._seconds)
        return None


@contextmanager
def slow_operator(cluster: Cluster, seconds: float) -> Iterator[Installation]:
    """An operator that runs, and whose requests are held up for so many seconds each."""
    late = _Late(seconds)
    with ApiProxy(cluster.server, cluster.ca, late) as way:
        slow = Installation(cluster, server=way.address, name="slow")
        slow.start()
        try:
            yield slow
        finally:
            late.ended.set()
            slow.stop()
