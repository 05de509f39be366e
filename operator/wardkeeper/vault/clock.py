# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The time at Vault, which is the time that counts for whatever Vault makes and ends."""

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
"""Seconds that a measured difference of the clocks is used before it is measured again."""


class VaultClock:
    """Vault's clock, by what it was last seen to differ from ours.

    Attributes:
        skew: Vault's clock minus ours when it was last measured; zero before.
    """

    def __init__(
        self,
        client: VaultClient,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self.skew = timedelta()
        self._client = client
        self._clock = clock
        self._monotonic = monotonic
        self._measured_at: float | None = None

    async def now(self) -> datetime:
        """The time on Vault's clock, measured within the last minute.

        Raises:
            VaultError: it is sealed or cannot be reached.
        """
        measured = self._measured_at
        if measured is None or self._monotonic() - measured > SKEW_KEEPS:
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
        start = self._clock()
        health = await ask_health(self._client)
        if health.server_time is not None:
            self.skew = health.server_time - (start + (self._clock() - start) / 2)
            self._measured_at = self._monotonic()
        return health
