# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Whether Vault can work, and what time it is there. Needs no token and tells no secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from wardkeeper.vault.client import Effect, Operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wardkeeper.vault.client import VaultClient

_HEALTH = Operation("ask Vault for its health", Effect.PURE, label="health")


@dataclass(frozen=True, slots=True)
class Health:
    """What Vault says of itself.

    Attributes:
        sealed: it is sealed, not initialised or without an active node.
        version: its version; empty while sealed.
        server_time: its clock, whole seconds; None while sealed.
    """

    sealed: bool
    version: str = ""
    server_time: datetime | None = None


async def ask_health(client: VaultClient) -> Health:
    """Ask once.

    Raises:
        VaultError: it is sealed, cannot be reached, or is no Vault.
    """
    return await client.run(
        _HEALTH,
        lambda vault: vault.sys.read_health_status(method="GET", standby_ok=True),
        _read,
    )


def _read(answer: Mapping[str, Any]) -> Health:
    return Health(
        sealed=bool(answer["sealed"]),
        version=str(answer["version"]),
        server_time=datetime.fromtimestamp(int(answer["server_time_utc"]), UTC),
    )
