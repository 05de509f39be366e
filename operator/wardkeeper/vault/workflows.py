# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What the engine asks of Vault for one workflow, as the operator and as the workflow.

The operator's token writes roles, ends leases and encrypts the ledger; it reads no secret. Secrets
are read and written with the token of the workflow itself, which the ledger keeps.
"""

from __future__ import annotations

import time
from base64 import b64decode, b64encode
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from wardkeeper.vault import names
from wardkeeper.vault.auth_roles import delete_roles, list_roles, write_roles
from wardkeeper.vault.breaker import Breaker
from wardkeeper.vault.client import Effect, Operation, VaultClient, keys_of, nothing
from wardkeeper.vault.clock import VaultClock
from wardkeeper.vault.entities import disable_entities
from wardkeeper.vault.errors import Kind, VaultError
from wardkeeper.vault.leases import leases_below, revoke_lease
from wardkeeper.vault.own import OwnVault
from wardkeeper.vault.pki import StoredCertificate
from wardkeeper.vault.session import or_nothing
from wardkeeper.vault.token import Login, OperatorToken, log_in

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime, timedelta
    from random import Random

    from requests.adapters import BaseAdapter

    from wardkeeper.vault.access import VaultAccess
    from wardkeeper.vault.client import Observe
    from wardkeeper.vault.health import Health
    from wardkeeper.vault.pace import Pace


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
        pace: Pace | None = None,
        observe: Observe | None = None,
        changed: Callable[[bool], None] = lambda _: None,
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
            pace: bounds how many requests that change something are sent in a second.
            observe: told the label, the outcome and the seconds of each request.
            changed: told when Vault turns out to be away (True), and when it answers again.
        """
        breaker = Breaker(random, clock=monotonic, changed=changed)
        self._client = VaultClient(access, breaker, transport, pace, observe)
        self._operator = OperatorToken(self._client, operator_jwt, monotonic)
        self._clock = VaultClock(self._client, clock, monotonic)

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
        return await self._clock.health()

    @property
    def skew(self) -> timedelta:
        """Vault's clock minus ours when it was last measured; zero before."""
        return self._clock.skew

    async def now(self) -> datetime:
        """The time on Vault's clock, measured within the last minute.

        Raises:
            VaultError: it is sealed or cannot be reached.
        """
        return await self._clock.now()

    async def ensure_roles(self, namespace: str, workflow: str) -> None:
        """Write both auth roles of a workflow, every field; as the operator.

        Raises:
            VaultError: a role cannot be written.
        """
        await write_roles(self._operator, self._client.access, namespace, workflow)

    async def delete_roles(self, namespace: str, workflow: str) -> None:
        """Delete both auth roles of a workflow; done when they are gone already.

        Raises:
            VaultError: a role cannot be deleted.
        """
        await delete_roles(self._operator, self._client.access, namespace, workflow)

    async def log_in(self, namespace: str, workflow: str, jwt: str) -> Login:
        """Log in as the workflow.

        Args:
            namespace: namespace of the workflow.
            workflow: name of the workflow and of its ServiceAccount.
            jwt: token of that ServiceAccount for the audience `vault-operator`.

        Raises:
            VaultError: the login failed.
        """
        return await log_in(self._client, names.writer_role(namespace, workflow), jwt)

    def as_workflow(self, token: str, namespace: str, workflow: str) -> OwnVault:
        """Vault as the holder of this token, which is the workflow's, sees it."""
        return OwnVault(self._client, token, namespace, workflow)

    async def renew(self, token: str) -> float:
        """Renew a workflow's token; seconds that it lasts then.

        Raises:
            VaultError: of kind TOKEN_DEAD or DENIED when it is beyond renewal, or another.
        """
        return await self._client.run(
            Operation("renew a workflow's token", Effect.IDEMPOTENT, label="token_renew"),
            lambda vault: vault.auth.token.renew_self(),
            lambda answer: float(answer["auth"]["lease_duration"]),
            token=token,
        )

    async def revoke_self(self, token: str) -> None:
        """Revoke a workflow's token and all leases that it made; done when it is gone already.

        Raises:
            VaultError: it cannot be revoked now.
        """
        try:
            await self._client.run(
                Operation("revoke a workflow's token", Effect.IDEMPOTENT, label="token_revoke"),
                lambda vault: vault.auth.token.revoke_self(),
                nothing,
                token=token,
            )
        except VaultError as error:
            if error.kind not in (Kind.DENIED, Kind.TOKEN_DEAD):
                raise

    async def encrypt(self, text: str) -> str:
        """Encrypt for the ledger, with a key that the operator alone may use.

        Raises:
            VaultError: the key is missing, or may not be used.
        """
        body = {"plaintext": b64encode(text.encode()).decode()}
        return await self._operator.run(
            Operation("encrypt for the ledger", Effect.IDEMPOTENT, label="ledger_encrypt"),
            partial(_write, self._transit("encrypt"), body),
            lambda answer: str(answer["data"]["ciphertext"]),
        )

    async def decrypt(self, ciphertext: str) -> str:
        """What `encrypt` was given.

        Raises:
            VaultError: the key is missing, or may not be used.
        """
        return await self._operator.run(
            Operation("decrypt from the ledger", Effect.PURE, label="ledger_decrypt"),
            partial(_write, self._transit("decrypt"), {"ciphertext": ciphertext}),
            lambda answer: b64decode(answer["data"]["plaintext"]).decode(),
        )

    async def revoke_lease(self, lease: str) -> None:
        """End a lease of a workflow at once; done when it has ended already.

        Raises:
            VaultError: it cannot be ended now: of kind DATABASE when the database is down.
        """
        await revoke_lease(self._operator, lease)

    async def leases(self, role: str) -> tuple[str, ...]:
        """Ids of the leases that live under a role of the database engine.

        Raises:
            VaultError: they cannot be listed.
        """
        path = f"{self._client.access.database_mount}/creds/{role}"
        return await leases_below(self._operator, path)

    async def disable_entities(self, namespace: str, workflow: str) -> int:
        """Disable every entity of a workflow's ServiceAccount; how many there are.

        Raises:
            VaultError: of kind DENIED when the admin left the policy for it out, or another.
        """
        mount = self._client.access.auth_mount
        return await disable_entities(self._operator, mount, namespace, workflow)

    async def auth_roles(self) -> tuple[str, ...]:
        """Names of all roles of the auth method, the operator's own and strangers' too.

        Raises:
            VaultError: they cannot be listed.
        """
        return await list_roles(self._operator, self._client.access)

    async def rotate_static(self, role: str) -> None:
        """Let Vault change the password of a static role now.

        Raises:
            VaultError: it may have been changed all the same: read before asking again.
        """
        path = f"{self._client.access.database_mount}/rotate-role/{role}"
        await self._operator.run(
            Operation(f"rotate database role {role}", Effect.CREATES, label="database_rotate"),
            partial(_write, path, {}),
            nothing,
        )

    async def certificates(self) -> tuple[str, ...]:
        """Serial numbers of the certificates that the PKI engine keeps.

        Raises:
            VaultError: they cannot be listed.
        """
        mount = self._client.access.pki_mount
        return await self._operator.run(
            Operation("list certificates", Effect.PURE, label="pki_list"),
            lambda vault: or_nothing(lambda one: one.list(f"{mount}/certs"), vault),
            keys_of,
        )

    async def certificate(self, serial: str) -> StoredCertificate:
        """A certificate in PEM, and whether it was revoked.

        Raises:
            VaultError: there is none of this serial number.
        """
        mount = self._client.access.pki_mount
        return await self._operator.run(
            Operation("read a certificate", Effect.PURE, label="pki_read"),
            lambda vault: vault.read(f"{mount}/cert/{serial}"),
            StoredCertificate.of,
        )

    def _transit(self, kind: str) -> str:
        return f"{self._client.access.transit_mount}/{kind}/{names.LEDGER_KEY}"


def _write(path: str, body: dict[str, str], vault: Any) -> Any:
    return vault.write_data(path, data=body)
