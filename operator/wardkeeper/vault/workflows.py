# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What the engine asks of Vault for one workflow: roles, a session as the workflow, its KV path.

The operator's token writes roles and reads no secret. Secrets are read and written with the token
of the workflow itself, one session for one pass, revoked at its end.
"""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from wardkeeper.vault import names
from wardkeeper.vault.breaker import Breaker
from wardkeeper.vault.client import Effect, Operation, VaultClient, nothing
from wardkeeper.vault.errors import Kind, VaultError
from wardkeeper.vault.health import Health, ask_health
from wardkeeper.vault.kv import OwnPath
from wardkeeper.vault.roles import READER_PINS, WRITER_PINS, role_body
from wardkeeper.vault.token import OperatorToken, log_in, revoke

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import datetime
    from random import Random

    from requests.adapters import BaseAdapter

    from wardkeeper.vault.access import VaultAccess

SKEW_KEEPS = 60.0
"""Seconds that a measured difference of the clocks is used before it is measured again."""


class WorkflowVault:
    """Vault as the engine sees it; `async with` it, so that its token and threads end."""

    def __init__(
        self,
        access: VaultAccess,
        operator_jwt: Callable[[], Awaitable[str]],
        *,
        clock: Callable[[], datetime],
        random: Random,
        monotonic: Callable[[], float] = time.monotonic,
        transport: BaseAdapter | None = None,
    ) -> None:
        """Make it; nothing is asked yet.

        Args:
            access: where Vault is.
            operator_jwt: the operator's ServiceAccount token for the audience `vault`, read anew;
                raises VaultError of kind NO_JWT when there is none.
            clock: the local time, with time zone.
            random: spreads waiting; no secret depends on it.
            monotonic: seconds that only ever grow.
            transport: takes the place of the network.
        """
        self._client = VaultClient(access, Breaker(random, clock=monotonic), transport)
        self._operator = OperatorToken(self._client, operator_jwt, monotonic)
        self._clock = clock
        self._monotonic = monotonic
        self._skew = timedelta()
        self._skew_at: float | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._operator.close()
        self._client.close()

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

    @property
    def skew(self) -> timedelta:
        """Vault's clock minus ours when it was last measured; zero before."""
        return self._skew

    async def now(self) -> datetime:
        """The time on Vault's clock, measured within the last minute.

        Raises:
            VaultError: it is sealed or cannot be reached.
        """
        if self._skew_at is None or self._monotonic() - self._skew_at > SKEW_KEEPS:
            await self._measure()
        return self._clock() + self._skew

    async def _measure(self) -> Health:
        """Ask for the health and take the server's clock at half the way."""
        start = self._clock()
        health = await ask_health(self._client)
        if health.server_time is not None:
            self._skew = health.server_time - (start + (self._clock() - start) / 2)
            self._skew_at = self._monotonic()
        return health

    async def ensure_roles(self, namespace: str, workflow: str) -> None:
        """Write both auth roles of a workflow, every field; as the operator.

        Raises:
            VaultError: a role cannot be written.
        """
        for role, pins in self._roles(namespace, workflow):
            write = partial(_write, self._role_path(role), role_body(pins, namespace, workflow))
            operation = Operation(f"write the auth role {role}", Effect.IDEMPOTENT)
            await self._operator.run(operation, write, nothing)

    async def delete_roles(self, namespace: str, workflow: str) -> None:
        """Delete both auth roles of a workflow; done when they are gone already.

        Raises:
            VaultError: a role cannot be deleted.
        """
        for role, _ in self._roles(namespace, workflow):
            delete = partial(_delete, self._role_path(role))
            operation = Operation(f"delete the auth role {role}", Effect.IDEMPOTENT)
            await self._operator.run(operation, delete, nothing)

    @asynccontextmanager
    async def session(self, namespace: str, workflow: str, jwt: str) -> AsyncIterator[OwnPath]:
        """Log in as the workflow; its token is revoked at the end, whatever happened.

        Args:
            namespace: namespace of the workflow.
            workflow: name of the workflow and of its ServiceAccount.
            jwt: token of that ServiceAccount for the audience `vault-operator`.

        Raises:
            VaultError: the login failed.
        """
        login = await log_in(self._client, names.writer_role(namespace, workflow), jwt)
        try:
            yield OwnPath(self._client, login.token, namespace, workflow)
        finally:
            await revoke(self._client, login.token)

    def _role_path(self, role: str) -> str:
        return f"auth/{self._client.access.auth_mount}/role/{role}"

    def _roles(self, namespace: str, workflow: str) -> tuple[tuple[str, dict[str, str]], ...]:
        return (
            (names.writer_role(namespace, workflow), WRITER_PINS),
            (names.reader_role(namespace, workflow), READER_PINS),
        )


def _write(path: str, body: dict[str, str], vault: Any) -> Any:
    return vault.write_data(path, data=body)


def _delete(path: str, vault: Any) -> Any:
    return vault.delete(path)
