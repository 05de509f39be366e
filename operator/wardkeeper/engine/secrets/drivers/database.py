# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What logins to databases have in common: their files, their URL, and a real login as proof."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from wardkeeper.api.secret_sources import DatabaseTls
from wardkeeper.engine.secrets.drivers.plain import PlainDriver
from wardkeeper.proof.database import log_in
from wardkeeper.vault.names import database_role

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractAsyncContextManager

    from wardkeeper.api.secret_sources import Database
    from wardkeeper.api.secrets import SecretSpec
    from wardkeeper.engine.secrets.driver import Desk
    from wardkeeper.engine.secrets.drivers.paces import DatabasePaces

PROOF_SECONDS = 10.0
_SSL_MODES = {DatabaseTls.VERIFY_FULL: "verify-full", DatabaseTls.REQUIRE: "require"}


class DatabaseDriver(PlainDriver):
    """A login to a database.

    Args:
        ca_file: PEM that databases' certificates are checked with; None: the system's.
        paces: shared by everything that changes users.
    """

    def __init__(self, ca_file: str | None, paces: DatabasePaces) -> None:
        self._ca_file = ca_file
        self._paces = paces

    def turn(self, desk: Desk) -> AbstractAsyncContextManager[None]:
        """Wait for a turn at the server of this secret."""
        told = desk.spec.source.database
        return self._paces.turn(told.connection if told else None)

    async def prove(self, desk: Desk, data: Mapping[str, str]) -> None:
        """Log in with it.

        Raises:
            NotProven: the database does not let it in, or cannot be reached.
        """
        where = declared(desk.spec).connection
        await log_in(
            where.host,
            where.port,
            where.database,
            data["username"],
            data["password"],
            tls=str(where.tls),
            ca_file=self._ca_file,
            timeout=PROOF_SECONDS,
        )

    async def change_password(self, desk: Desk) -> None:
        """Have the password of an entry's static user changed, unless somebody works with it.

        Nobody learns the new one, so whoever has the old one is out.
        """
        if desk.goes_on or desk.intent.role in desk.in_use:
            return
        async with self.turn(desk):
            await desk.vault.rotate_static(desk.intent.role)


def declared(spec: SecretSpec) -> Database:
    """The database that a secret is for.

    Raises:
        ValueError: it is for none.
    """
    if spec.source.database is None:
        raise ValueError(f"secret {spec.name} is for no database")
    return spec.source.database


def role_of(desk: Desk, slot: str = "") -> str:
    """Name of the role in Vault."""
    return database_role(desk.namespace, desk.workflow, declared(desk.spec).role, slot)


def files(spec: SecretSpec, username: str, password: str) -> dict[str, str]:
    """What is delivered: user, password and the URL of both (RFC 3986, libpq's words)."""
    where = declared(spec).connection
    user, word = quote(username, safe=""), quote(password, safe="")
    mode = _SSL_MODES[where.tls]
    return {
        "username": username,
        "password": password,
        "url": f"postgresql://{user}:{word}@{where.host}:{where.port}/{where.database}"
        f"?sslmode={mode}",
    }
