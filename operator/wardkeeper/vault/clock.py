# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The time at Vault, which is the time that counts for whatever Vault makes and ends.

Between two measurements it goes on with a clock that only ever grows, so that somebody who sets
ours rotates nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from wardkeeper.vault.errors import Kind, VaultError
from wardkeeper.vault.health import Health, ask_health

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from wardkeeper.vault.client import VaultClient

SKEW_KEEPS = 60.0
"""Seconds that a measurement is used before there is another one."""


class VaultClock:
    """Vault's clock, going on from when it was last seen."""

    def __init__(
        self,
        client: VaultClient,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._client = client
        self._clock = clock
        self._monotonic = monotonic
        self._seen: tuple[datetime, float] | None = None

    @property
    def skew(self) -> timedelta:
        """Vault's clock minus ours; zero before it was seen."""
        if self._seen is None:
            return timedelta()
        told, at = self._seen
        return told + timedelta(seconds=self._monotonic() - at) - self._clock()

    async def now(self) -> datetime:
        """The time on Vault's clock, measured within the last minute.

        Raises:
            VaultError: it is sealed or cannot be reached.
        """
        if self._seen is None or self._monotonic() - self._seen[1] > SKEW_KEEPS:
            await self._measure()
        return self._clock() + self.skew

    async def health(self) -> Health:
        """Whether Vault is unsealed, its version and its clock; needs no token.

        Raises:
            VaultError: it cannot be reached.
        """
        try:
            return await self._measure()
        except VaultError as error:
            if error.kind in (Kind.SEALED, Kind.UNINITIALISED):
                return Health(sealed=True)
            raise

    async def _measure(self) -> Health:
        """Ask for the health and take the server's clock at half the way."""
        start = self._monotonic()
        health = await ask_health(self._client)
        if health.server_time is not None:
            self._seen = health.server_time, (start + self._monotonic()) / 2
        return health
