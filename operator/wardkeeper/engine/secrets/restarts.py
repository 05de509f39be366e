# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""When a workload may be restarted because its secrets changed.

Changes are collected for a while, so that several secrets cause one restart; a workload is not
restarted again before an interval has passed; and in the whole cluster only so many restarts begin
in a minute. A process that starts anew collects anew: later, never more often.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wardkeeper.rotation.facts import Roll, Rolling

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from wardkeeper.engine.rollout import Rollout


@dataclass(slots=True)
class _Waiting:
    """A workload whose template does not carry its secrets' content, and since when."""

    stamp: str
    since: float


@dataclass(slots=True)
class _Ready:
    """Since when a workload has been seen ready on a stamp."""

    stamp: str
    since: datetime


class Restarts:
    """Decides about restarts and remembers what they depend on.

    Args:
        clock: monotonic seconds.
        collect: seconds that changes are collected.
        interval: seconds between two restarts of one workload.
        per_minute: restarts that may begin in a minute, in the whole cluster.
        restarted: told about each restart.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        collect: float,
        interval: float,
        per_minute: float,
        restarted: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._collect = collect
        self._interval = interval
        self._per_minute = per_minute
        self._restarted = restarted
        self._waiting: dict[str, _Waiting] = {}
        self._last: dict[str, float] = {}
        self._ready: dict[str, _Ready] = {}
        self._budget = per_minute
        self._filled_at = clock()

    def wait(self, uid: str, stamp: str) -> float:
        """Seconds until the workload may be given this stamp; 0: now.

        The collecting begins with the first change; a further one does not prolong it.
        """
        now = self._clock()
        waiting = self._waiting.setdefault(uid, _Waiting(stamp, now))
        waiting.stamp = stamp
        least = waiting.since + self._collect - now
        if uid in self._last:
            least = max(least, self._last[uid] + self._interval - now)
        if least > 0:
            return least
        self._fill(now)
        return 0.0 if self._budget >= 1 else (1 - self._budget) * 60 / self._per_minute

    def began(self, uid: str) -> None:
        """The workload was given its stamp."""
        now = self._clock()
        self._fill(now)
        self._budget = max(0.0, self._budget - 1)
        self._waiting.pop(uid, None)
        self._last[uid] = now
        self._restarted()

    def settled(self, uid: str) -> None:
        """The workload carries what is delivered: nothing waits."""
        self._waiting.pop(uid, None)

    def forget(self, uid: str) -> None:
        """The workflow is gone."""
        for each in (self._waiting, self._last, self._ready):
            each.pop(uid, None)

    def rolling(
        self, uid: str, rollout: Rollout | None, *, live: str, wanted: str, now: datetime
    ) -> Rolling:
        """How a Deployment takes up what is delivered.

        Args:
            uid: of the workflow.
            rollout: where the Deployment stands; None when there is none.
            live: the stamp that its template carries.
            wanted: the stamp of what is delivered.
            now: the time.
        """
        if rollout is None:
            return Rolling(Roll.NONE)
        if live != wanted:
            return Rolling(Roll.DUE)
        roll = Roll(rollout.progress.value)
        if roll is not Roll.READY:
            self._ready.pop(uid, None)
            return Rolling(roll)
        ready = self._ready.get(uid)
        if ready is None or ready.stamp != live:
            ready = self._ready[uid] = _Ready(live, now)
        return Rolling(roll, ready.since)

    def _fill(self, now: float) -> None:
        grown = self._budget + (now - self._filled_at) * self._per_minute / 60
        self._budget = min(self._per_minute, grown)
        self._filled_at = now
