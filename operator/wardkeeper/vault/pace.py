# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""How many requests that change something Vault gets in a second.

Halved when Vault says that it is too much; a tenth from the moment on when Vault is back after it
was away, so that an unsealing is followed by no storm; doubled again as time passes without
complaint.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from wardkeeper.vault.errors import Kind, VaultError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

RECOVERY_SECONDS = 5.0
AFTER_OUTAGE = 0.1
SLOWEST = 0.02


class Pace:
    """A bucket of requests that fills evenly.

    Args:
        per_second: requests in a second at full speed.
        clock: monotonic seconds.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        per_second: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._per_second = per_second
        self._clock = clock
        self._sleep = sleep
        self._share = 1.0
        self._share_at = clock()
        self._next = clock()
        self._away = False

    @property
    def per_second(self) -> float:
        """Requests in a second at the present speed."""
        self._recover()
        return self._per_second * self._share

    async def take(self) -> None:
        """Wait for a turn; turns are given in the order in which they are asked for."""
        now = self._clock()
        burst = min(1.0, self._per_second)  # a second's worth may go at once
        self._next = max(self._next, now - burst) + 1 / self.per_second
        if self._next > now:
            await self._sleep(self._next - now)

    def note(self, error: VaultError | None) -> None:
        """Take in how a request ended."""
        if error is not None and error.kind is Kind.RATE_LIMITED:
            self._slow(self._share / 2)
        elif error is not None and error.outage:
            self._away = True
            self._slow(AFTER_OUTAGE)
        elif self._away:
            self._away = False
            self._slow(AFTER_OUTAGE)

    def _slow(self, share: float) -> None:
        self._recover()
        self._share = max(SLOWEST, min(self._share, share))
        self._share_at = self._clock()

    def _recover(self) -> None:
        """Double the speed for each stretch of time without complaint."""
        while self._share < 1.0 and self._clock() - self._share_at >= RECOVERY_SECONDS:
            self._share = min(1.0, self._share * 2)
            self._share_at += RECOVERY_SECONDS
