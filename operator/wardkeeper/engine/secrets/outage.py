# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Who waits for a Vault that is away, and in which order they get their turn when it is back.

Passes do not wait in workers: they end, and guards are kept meanwhile. Each comes back by itself
after a while too; without this they would in the order in which they happened to ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.reasons import Reason
from wardkeeper.engine.queue import Priority

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from wardkeeper.engine.queue import Queue
    from wardkeeper.engine.secrets.job import SecretOutcome
    from wardkeeper.engine.seen import Key


class Outage:
    """The workflows that Vault keeps waiting.

    Args:
        queue: gives them their turn.
        clock: the time, with time zone.
    """

    def __init__(self, queue: Queue[Key], clock: Callable[[], datetime]) -> None:
        self._queue = queue
        self._clock = clock
        self._away = False
        self._waiting: dict[Key, datetime] = {}
        self._served: set[Key] = set()

    def vault_is(self, away: bool) -> None:
        """Vault turned out to be away, or answers again: then everybody gets a turn."""
        self._away = away
        if away:
            self._served.clear()
            return
        for key in tuple(self._waiting):
            self._serve(key)

    def seen(self, key: Key, outcomes: Sequence[SecretOutcome]) -> None:
        """A pass has ended with this.

        A secret counts with its deadline; one that was never delivered, whose workload cannot
        even start, with the time at which it was first found waiting. A pass that was refused
        just before Vault came back gets its turn all the same, once. Without an outcome the
        workflow is gone, or has no secrets any more.
        """
        waiting = [one for one in outcomes if one.reason is Reason.VAULT_UNAVAILABLE]
        if not outcomes:
            self._served.discard(key)
        if not waiting:
            self._waiting.pop(key, None)
            return
        now = self._waiting.get(key) or self._clock()
        self._waiting[key] = min(one.deadline or now for one in waiting)
        if not self._away and key not in self._served:
            self._serve(key)

    def _serve(self, key: Key) -> None:
        self._served.add(key)
        self._queue.add(key, Priority.LATER, rank=self._waiting.pop(key).timestamp())
