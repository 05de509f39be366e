# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""How many credentials each database server is asked for in a second, whoever asks."""

from __future__ import annotations

from collections import defaultdict
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from wardkeeper.vault.errors import VaultError
from wardkeeper.vault.pace import Pace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from wardkeeper.api.secret_sources import Connection

CREDENTIALS_PER_SECOND = 20
_UNTOLD = ("", 0)


class DatabasePaces:
    """A pace for each database server.

    Args:
        make: makes the pace of one server.
    """

    def __init__(self, make: Callable[[], Pace]) -> None:
        self._paces = defaultdict[tuple[str, int], Pace](make)

    @asynccontextmanager
    async def turn(self, where: Connection | None) -> AsyncIterator[None]:
        """Wait for a turn at this server; how it ended sets the pace.

        Secrets that come from no database any more share one: nobody tells where theirs was.
        """
        pace = self._paces[(where.host, where.port) if where else _UNTOLD]
        await pace.take()
        try:
            yield
        except VaultError as error:
            pace.note(error)
            raise
