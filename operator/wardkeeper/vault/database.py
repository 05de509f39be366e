# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Logins of Vault's database engine, with the token of the workflow that they are for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wardkeeper.rotation.record import read_time
from wardkeeper.vault.client import Effect, Operation
from wardkeeper.vault.errors import VaultError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from wardkeeper.vault.client import VaultClient


@dataclass(frozen=True, slots=True)
class DynamicLogin:
    """A user that was made for one lease.

    Attributes:
        username: its name.
        password: its password.
        lease: id of the lease whose end is its end.
        lasts: seconds until that end.
    """

    username: str
    password: str = field(repr=False)
    lease: str
    lasts: float


@dataclass(frozen=True, slots=True)
class StaticLogin:
    """A user that exists already and whose password Vault changes.

    Attributes:
        username: its name.
        password: its password.
        rotated_at: when Vault last changed it.
    """

    username: str
    password: str = field(repr=False)
    rotated_at: datetime


class OwnDatabase:
    """The database roles of one workflow."""

    def __init__(self, client: VaultClient, token: str) -> None:
        self._client = client
        self._token = token

    async def creds(self, role: str) -> DynamicLogin:
        """Make a user. A GET that creates: it is never repeated.

        Raises:
            VaultError: of kind DATABASE or SOURCE_MISSING, or another.
        """
        return await self._client.run(
            Operation(
                f"make a login by database role {role}", Effect.CREATES, label="database_creds"
            ),
            lambda vault: vault.read(self._path("creds", role)),
            _dynamic,
            token=self._token,
        )

    async def longest(self, role: str) -> float | None:
        """Seconds that a login by a role may live, however often it is renewed.

        None: the role does not say so, or may not be read, as by policies of an older
        installation; the first renewal that grants less tells then.

        Raises:
            VaultError: nobody can tell now.
        """
        try:
            return await self._client.run(
                Operation(f"read database role {role}", Effect.PURE, label="database_role"),
                lambda vault: vault.read(self._path("roles", role)),
                lambda answer: float(answer["data"]["max_ttl"]) or None,
                token=self._token,
            )
        except VaultError as error:
            if error.unavailable:
                raise
            return None

    async def static(self, role: str) -> StaticLogin:
        """The present password of a static role.

        Raises:
            VaultError: of kind SOURCE_MISSING, or another.
        """
        return await self._client.run(
            Operation(f"read database role {role}", Effect.PURE, label="database_static"),
            lambda vault: vault.read(self._path("static-creds", role)),
            _static,
            token=self._token,
        )

    async def renew(self, lease: str) -> float:
        """Renew a lease; seconds until it ends then.

        Raises:
            VaultError: of kind LEASE_GONE, or another.
        """
        return await self._client.run(
            Operation("renew a database lease", Effect.IDEMPOTENT, label="lease_renew"),
            lambda vault: vault.sys.renew_lease(lease),
            lambda answer: float(answer["lease_duration"]),
            token=self._token,
        )

    def _path(self, kind: str, role: str) -> str:
        return f"{self._client.access.database_mount}/{kind}/{role}"


def _dynamic(answer: Mapping[str, Any]) -> DynamicLogin:
    data = answer["data"]
    return DynamicLogin(
        str(data["username"]),
        str(data["password"]),
        str(answer["lease_id"]),
        float(answer["lease_duration"]),
    )


def _static(answer: Mapping[str, Any]) -> StaticLogin:
    data = answer["data"]
    return StaticLogin(
        str(data["username"]), str(data["password"]), read_time(data["last_vault_rotation"])
    )
