# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The work queue: every key at most once, at most one pass of it at a time, nothing lost.

A key that is added while its pass runs comes again when the pass is done. Live changes go before
initial lists and scheduled looks; among these, a lower rank goes first. One heap holds every
wake-up, so a thousand waiting keys cost one timer. The queue knows nothing of what its keys mean.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import deque
from enum import IntEnum
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

K = TypeVar("K", bound="Hashable")

BACKOFF_FIRST = 0.5
BACKOFF_MOST = 300.0
JITTER = 0.2


class Priority(IntEnum):
    """Which keys go first."""

    LIVE = 0
    LATER = 1


class Meter(Protocol):
    """What wants to know how the queue does; times in seconds."""

    def added(self, depth: int) -> None:
        """A key became due."""

    def started(self, depth: int, waited: float) -> None:
        """A pass began after its key had waited."""

    def finished(self, worked: float) -> None:
        """A pass ended."""

    def retried(self) -> None:
        """A key was put off because its pass failed."""


class _Silent:
    def added(self, depth: int) -> None: ...
    def started(self, depth: int, waited: float) -> None: ...
    def finished(self, worked: float) -> None: ...
    def retried(self) -> None: ...


class Queue(Generic[K]):
    """Keys that want a pass.

    Args:
        clock: monotonic seconds.
        draw: a number in [0, 1), spreads retries.
        meter: told about every step.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        draw: Callable[[], float],
        meter: Meter | None = None,
    ) -> None:
        self._clock = clock
        self._draw = draw
        self._meter = meter or _Silent()
        self._live: deque[K] = deque()
        self._later: list[tuple[float, int, K]] = []
        self._since: dict[K, tuple[float, Priority]] = {}
        self._active: dict[K, float] = {}
        self._again: dict[K, tuple[Priority, float]] = {}
        self._failures: dict[K, int] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._wake_at: dict[K, float] = {}
        self._order = itertools.count()
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """Keys that are due and not being worked on."""
        return len(self._since)

    @property
    def active(self) -> int:
        """Keys whose pass runs now."""
        return len(self._active)

    def is_active(self, key: K) -> bool:
        """Whether a pass of this key runs now."""
        return key in self._active

    def longest_running(self) -> float:
        """Seconds that the oldest running pass has run; 0 when none runs."""
        return self._clock() - min(self._active.values()) if self._active else 0.0

    def add(self, key: K, priority: Priority = Priority.LIVE, *, rank: float = 0.0) -> None:
        """Ask for a pass now, or for one more when a pass of the key is running.

        Args:
            key: the key.
            priority: live changes go first.
            rank: among those that do not, a lower one goes first, else who came first.
        """
        if key in self._active:
            asked = (priority, rank)
            self._again[key] = min(asked, self._again.get(key, asked))
            return
        since = self._since.get(key)
        if since is not None and since[1] <= priority:
            return
        self._since[key] = (since[0] if since else self._clock(), priority)
        if priority is Priority.LIVE:
            self._live.append(key)
        else:
            heapq.heappush(self._later, (rank, next(self._order), key))
        if since is None:
            self._meter.added(len(self._since))
            self._wake_one()

    def add_after(self, key: K, seconds: float) -> None:
        """Ask for a pass in so many seconds; an earlier wake-up of the key stands."""
        at = self._clock() + max(0.0, seconds)
        if self._wake_at.get(key, at) < at:
            return
        self._wake_at[key] = at
        heapq.heappush(self._heap, (at, next(self._order), key))
        self._arm()

    def retry(self, key: K) -> float:
        """Put a key off after a failed pass; the seconds until it comes again."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = min(BACKOFF_MOST, BACKOFF_FIRST * 2.0 ** min(failures, 16))
        delay *= 1.0 + JITTER * (self._draw() - 0.5)
        self._meter.retried()
        self.add_after(key, delay)
        return delay

    def forget(self, key: K) -> None:
        """The last pass of the key did what it could: its next failure counts as the first."""
        self._failures.pop(key, None)

    def drop(self, key: K) -> None:
        """The key means nothing any more: no wake-up of it is kept."""
        self._failures.pop(key, None)
        self._wake_at.pop(key, None)

    async def get(self) -> K:
        """The next due key; call `done` when its pass has ended."""
        while not self._since:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled() and self._since:
                    self._wake_one()
                raise
        key = self._take()
        since, _ = self._since.pop(key)
        now = self._clock()
        self._active[key] = now
        self._meter.started(len(self._since), now - since)
        return key

    def done(self, key: K) -> None:
        """The pass of the key has ended; it comes again at once if it was added meanwhile."""
        began = self._active.pop(key)
        self._meter.finished(self._clock() - began)
        again = self._again.pop(key, None)
        if again is not None:
            self.add(key, again[0], rank=again[1])

    def _take(self) -> K:
        if self._live:
            return self._live.popleft()
        while self._later:
            _, _, key = heapq.heappop(self._later)
            since = self._since.get(key)
            if since is not None and since[1] is Priority.LATER:  # it has not become live since
                return key
        raise LookupError("no key is due")

    def _wake_one(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._heap:
            delay = max(0.0, self._heap[0][0] - self._clock())
            self._timer = asyncio.get_running_loop().call_later(delay, self._ring)

    def _ring(self) -> None:
        self._timer = None
        now = self._clock()
        while self._heap and self._heap[0][0] <= now:
            at, _, key = heapq.heappop(self._heap)
            if self._wake_at.get(key) == at:
                del self._wake_at[key]
                self.add(key, Priority.LATER)
        self._arm()
