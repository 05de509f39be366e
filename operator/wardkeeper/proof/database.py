# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Logs in to a PostgreSQL with a new user and asks it something, over TLS and never without.

What goes wrong is told in words of our own: the library's errors are not chained, for nobody can
say what they will hold in its next version.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import asyncpg

from wardkeeper.proof.errors import Cause, NotProven

if TYPE_CHECKING:
    from collections.abc import Mapping

VERIFY_FULL = "VerifyFull"
REQUIRE = "Require"

_LAST_WORDS = 1.0
"""Seconds that a server gets to take note of the end; the proof is done by then."""

_REFUSED: Mapping[type[asyncpg.PostgresError], str] = {
    asyncpg.InvalidPasswordError: "refuses the password, or has no such user",
    asyncpg.InvalidAuthorizationSpecificationError: (
        "refuses the login; check the user, its LOGIN attribute and pg_hba.conf"
    ),
    asyncpg.InvalidCatalogNameError: "has no such database; correct connection.database",
    asyncpg.InsufficientPrivilegeError: (
        "lets the user in but not to this database; grant CONNECT in the role's statements"
    ),
}
_BUSY: tuple[type[asyncpg.PostgresError], ...] = (
    asyncpg.CannotConnectNowError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
)


async def log_in(
    host: str,
    port: int,
    database: str,
    user: str,
    password: str,
    *,
    tls: str = VERIFY_FULL,
    ca_file: str | None = None,
    timeout: float = 10.0,
) -> None:
    """Log in and run `SELECT 1`.

    Args:
        host: DNS name or address; with VerifyFull the certificate must name it.
        port: TCP port.
        database: its name.
        user: who logs in.
        password: never shown.
        tls: `VerifyFull`, or `Require`, which encrypts and trusts whoever answers.
        ca_file: PEM file of the trusted authorities; None takes the system's.
        timeout: seconds for all of it.

    Raises:
        NotProven: it did not work; its cause tells a refused login from a database that could not
            be asked.
    """
    where = f"database {database} at {host}:{port}"
    context = _context(tls, ca_file, where)
    try:
        async with asyncio.timeout(timeout):
            connection = await asyncpg.connect(
                host=host,
                port=port,
                database=database,
                user=user,
                password=password,
                ssl=context,
                timeout=timeout,
                statement_cache_size=0,  # a pooler in between may not know prepared statements
                server_settings={"application_name": "wardkeeper-proof"},
            )
            try:
                await connection.fetchval("SELECT 1")
            finally:
                await _hang_up(connection)
    except Exception as error:
        raise _told(error, f"user {user} cannot log in to {where}", timeout) from None


async def _hang_up(connection: asyncpg.Connection) -> None:
    try:
        await connection.close(timeout=_LAST_WORDS)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
        connection.terminate()


def _context(tls: str, ca_file: str | None, where: str) -> ssl.SSLContext:
    if tls not in (VERIFY_FULL, REQUIRE):
        raise NotProven(f"{where}: tls {tls!r} is neither {VERIFY_FULL} nor {REQUIRE}", Cause.TLS)
    if tls == REQUIRE:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError:
        raise NotProven(
            f"{where}: the authorities to trust cannot be read from {ca_file}; mount a PEM file "
            "there or correct the settings",
            Cause.TLS,
        ) from None


def _told(error: Exception, what: str, timeout: float) -> NotProven:
    """The error in words that hold no value."""
    for kind, words in _REFUSED.items():
        if isinstance(error, kind):
            return NotProven(f"{what}: PostgreSQL {words}", Cause.REFUSED)
    if isinstance(error, _BUSY):
        return NotProven(f"{what}: PostgreSQL takes no logins now", Cause.UNREACHABLE)
    if isinstance(error, asyncpg.PostgresError):
        return NotProven(f"{what}: PostgreSQL answers SQLSTATE {error.sqlstate}", Cause.REFUSED)
    if isinstance(error, ssl.SSLCertVerificationError):
        return NotProven(
            f"{what}: its certificate is not trusted: {error.verify_message}; compare it with the "
            "authorities of the settings and with connection.host",
            Cause.TLS,
        )
    if isinstance(error, ssl.SSLError) or _without_tls(error):
        return NotProven(f"{what}: it offers no TLS that can be used; turn TLS on", Cause.TLS)
    if isinstance(error, TimeoutError):
        return NotProven(f"{what}: no answer within {timeout:g} s", Cause.UNREACHABLE)
    if isinstance(error, OSError):
        return NotProven(
            f"{what}: it cannot be reached; check host, port and the network", Cause.UNREACHABLE
        )
    return NotProven(
        f"{what}: what answers does not speak PostgreSQL's protocol ({type(error).__name__})",
        Cause.UNREACHABLE,
    )


def _without_tls(error: Exception) -> bool:
    """A server that declines to encrypt shows as a ConnectionError without a number."""
    return isinstance(error, ConnectionError) and error.errno is None and "SSL" in str(error)
