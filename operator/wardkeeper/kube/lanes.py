# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""How many requests may be under way at once, and who goes first.

One bound for the whole process keeps a start-up with thousands of workflows from flooding the
API server; two lanes keep a drift repair from queueing behind it. A pause asked for by the
server holds everybody. It never drops or reorders requests within a lane.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


class Lane(Enum):
    """LIVE requests go before BACKGROUND ones (initial lists, resync, events)."""

    LIVE = "live"
    BACKGROUND = "background"


class Gate:
    """A semaphore of two lanes that can be paused for a while.

    Args:
        limit: requests under way at once.
        clock: monotonic seconds.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        limit: int,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._free = limit
        self._clock = clock
        self._sleep = sleep
        self._resume_at = 0.0
        self._waiting: dict[Lane, deque[asyncio.Future[None]]] = {lane: deque() for lane in Lane}

    def pause(self, seconds: float) -> None:
        """Let nothing new pass for that long; a longer pause already running stays."""
        self._resume_at = max(self._resume_at, self._clock() + seconds)

    @asynccontextmanager
    async def passage(self, lane: Lane) -> AsyncIterator[None]:
        """Wait for a place, hold it, give it back."""
        await self._enter(lane)
        try:
            while (wait := self._resume_at - self._clock()) > 0:
                await self._sleep(wait)
            yield
        finally:
            self._leave()

    async def _enter(self, lane: Lane) -> None:
        if self._free > 0:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting[lane].append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise

    def _leave(self) -> None:
        for lane in Lane:
            queue = self._waiting[lane]
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._free += 1
