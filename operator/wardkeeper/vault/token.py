# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Logging in with a ServiceAccount token, and the operator's own token kept alive.

The operator's token makes no leases and reads no secret, so a new login is never a rotation.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from wardkeeper.vault.client import Effect, Operation, nothing
from wardkeeper.vault.errors import Kind, VaultError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from wardkeeper.vault.client import VaultClient

Result = TypeVar("Result")

_log = logging.getLogger(__name__)

LOGIN_PAUSE = 30.0
"""Seconds between two logins that a refusal asks for: a wrong policy causes no hammering."""

_RENEW = Operation("renew the operator's token", Effect.IDEMPOTENT, label="token_renew")
_REVOKE = Operation("revoke a token", Effect.IDEMPOTENT, label="token_revoke")


@dataclass(frozen=True, slots=True)
class Login:
    """A token and how long it lasts, in seconds."""

    token: str = field(repr=False)
    lasts: float
    accessor: str = ""


async def log_in(client: VaultClient, role: str, jwt: str) -> Login:
    """Log in with a ServiceAccount token.

    Raises:
        VaultError: of kind ROLE_MISSING, LOGIN_REFUSED, AUTH_NOT_CONFIGURED, or another.
    """
    return await client.run(
        Operation(f"log in to Vault as {role}", Effect.CREATES, login=True, label="login"),
        lambda vault: vault.auth.kubernetes.login(
            role=role, jwt=jwt, use_token=False, mount_point=client.access.auth_mount
        ),
        _read_login,
    )


async def revoke(client: VaultClient, token: str) -> None:
    """Revoke a token with itself. What goes wrong is logged: it ends by itself later."""
    try:
        await client.run(
            _REVOKE, lambda vault: vault.auth.token.revoke_self(), nothing, token=token
        )
    except VaultError as error:
        _log.warning("%s; the token ends by itself", error)


class OperatorToken:
    """The operator's periodic token: one login, renewed at half its period."""

    def __init__(
        self,
        client: VaultClient,
        jwt: Callable[[], Awaitable[str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._jwt = jwt
        self._clock = clock
        self._login: Login | None = None
        self._since = 0.0
        self._lock = asyncio.Lock()

    async def run(
        self,
        operation: Operation,
        act: Callable[[Any], Any],
        read: Callable[[Mapping[str, Any]], Result],
    ) -> Result:
        """Run an idempotent request as the operator, with one new login if it is denied.

        Raises:
            VaultError: whatever went wrong.
        """
        token = await self._current()
        try:
            return await self._client.run(operation, act, read, token=token)
        except VaultError as error:
            if error.kind is not Kind.DENIED or not await self._replace(token):
                raise
        return await self._client.run(operation, act, read, token=await self._current())

    async def close(self) -> None:
        """Revoke the token."""
        if self._login is not None:
            login, self._login = self._login, None
            await revoke(self._client, login.token)

    async def _current(self) -> str:
        """A token that lives, by login or renewal; concurrent callers share one."""
        async with self._lock:
            age = self._clock() - self._since
            if self._login is not None and age > self._login.lasts / 2:
                await self._renew(self._login)
            if self._login is None:
                self._login = await log_in(
                    self._client, self._client.access.operator_role, await self._jwt()
                )
                self._since = self._clock()
            return self._login.token

    async def _renew(self, login: Login) -> None:
        """Renew; a token that is beyond renewal is forgotten, so that a login follows."""
        try:
            self._login = await self._client.run(
                _RENEW, lambda vault: vault.auth.token.renew_self(), _read_login, token=login.token
            )
            self._since = self._clock()
        except VaultError as error:
            if error.unavailable:
                raise
            self._login = None

    async def _replace(self, denied: str) -> bool:
        """Forget a denied token, unless it is so young that another one would fare no better."""
        async with self._lock:
            if self._login is not None and self._login.token == denied:
                if self._clock() - self._since < LOGIN_PAUSE:
                    return False
                self._login = None
            return True


def _read_login(answer: Mapping[str, Any]) -> Login:
    auth = answer["auth"]
    return Login(
        str(auth["client_token"]), float(auth["lease_duration"]), str(auth.get("accessor", ""))
    )
