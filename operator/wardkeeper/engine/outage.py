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
    from wardkeeper.engine.secret_job import SecretOutcome
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
        self._waiting: dict[Key, datetime] = {}

    def seen(self, key: Key, outcomes: Sequence[SecretOutcome]) -> None:
        """A pass has ended with this.

        A secret counts with its deadline; one that was never delivered, whose workload cannot
        even start, with the time at which it was first found waiting.
        """
        waiting = [one for one in outcomes if one.reason is Reason.VAULT_UNAVAILABLE]
        if not waiting:
            self._waiting.pop(key, None)
            return
        now = self._waiting.get(key) or self._clock()
        self._waiting[key] = min(one.deadline or now for one in waiting)

    def over(self) -> None:
        """Vault answers: everybody gets a pass, the nearest deadline first."""
        for key in sorted(self._waiting, key=self._waiting.__getitem__):
            self._queue.add(key, Priority.LATER)
        self._waiting.clear()
