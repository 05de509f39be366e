# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Takes back from Vault what a workflow, or one of its secrets, has: what the ledger knows.

In an order in which nothing needs an identity that is gone already: with the kept token the
certificates are revoked by their key and KV is emptied; the operator ends leases and passwords;
then the roles go, then the token, then the entries. May be called again and again until it is
done; what could not be done stays in the ledger and is done later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.credential import Engine
from wardkeeper.api.secrets import OnDelete
from wardkeeper.engine.issue import recall
from wardkeeper.engine.secret_job import Withdrawn
from wardkeeper.engine.secret_report import NO_VAULT_REMEDY, WAIT_REFUSED, wait_after
from wardkeeper.vault.errors import Kind, VaultError

if TYPE_CHECKING:
    from collections.abc import Collection

    from wardkeeper.engine.ledger import Owner
    from wardkeeper.engine.secret_job import SecretServices
    from wardkeeper.rotation.credential import Credential
    from wardkeeper.vault.own import OwnVault

ROLES = "auth roles"
TOKEN = "token"  # noqa: S105 - what is left, not a token
_PASSWORDS = (Engine.DATABASE_ALTERNATING, Engine.DATABASE_STATIC)
_NO_IDENTITY = "its token has ended and its ServiceAccount is gone; an admin removes it"


async def withdraw(owner: Owner, services: SecretServices, *, has_identity: bool) -> Withdrawn:
    """Take back everything of a workflow that is deleted, or gone.

    Args:
        owner: the workflow.
        services: what may be touched.
        has_identity: its ServiceAccount still exists, so that a login as the workflow is possible.

    Raises:
        ApiError: the API server refused a token, or an entry of the ledger.
        Transient: an entry changed meanwhile.
    """
    entries = services.ledger.all_of(owner.uid)
    if services.vault is None:
        if not entries:
            return Withdrawn()
        words = f"no Vault is configured; {NO_VAULT_REMEDY}"
        return Withdrawn({"all": words}, next_look=WAIT_REFUSED)
    taking = _Taking(owner, services, has_identity=has_identity)
    await taking.take({one.secret for one in entries if one.secret})
    if not taking.stuck:
        await taking.roles()
    if not taking.stuck:
        await taking.token()
    return taking.result()


async def drop(owner: Owner, services: SecretServices, secrets: Collection[str]) -> Withdrawn:
    """Take back single secrets of a workflow that goes on without them."""
    if services.vault is None:
        words = f"no Vault is configured; {NO_VAULT_REMEDY}"
        return Withdrawn(dict.fromkeys(secrets, words), next_look=WAIT_REFUSED)
    taking = _Taking(owner, services, has_identity=True)
    await taking.take(secrets)
    return taking.result()


class _Taking:
    """One try, and what of it could not be done."""

    def __init__(self, owner: Owner, services: SecretServices, *, has_identity: bool) -> None:
        if services.vault is None or services.tokens is None:
            raise ValueError("nothing can be taken back without a Vault")
        self.stuck: dict[str, VaultError] = {}
        self._owner = owner
        self._ledger = services.ledger
        self._vault = services.vault
        self._tokens = services.tokens
        self._has_identity = has_identity
        self._own: OwnVault | None = None
        self._asked = False

    async def take(self, secrets: Collection[str]) -> None:
        """All credentials of these secrets, then their KV entries."""
        for secret in sorted(secrets):
            entries = self._ledger.of(self._owner.uid, secret)
            for entry in entries:
                try:
                    await self._end(entry)
                except VaultError as error:
                    self.stuck[f"secret {secret}"] = error
            if f"secret {secret}" in self.stuck:
                continue
            try:
                if not any(one.role == OnDelete.KEEP for one in entries):
                    await self._empty(secret)
            except VaultError as error:
                self.stuck[f"KV entry {secret}"] = error
                continue
            for entry in self._ledger.of(self._owner.uid, secret):
                await self._ledger.close(entry)

    async def roles(self) -> None:
        """The auth roles: nobody logs in as the workflow any more."""
        try:
            await self._vault.delete_roles(self._owner.namespace, self._owner.name)
        except VaultError as error:
            self.stuck[ROLES] = error

    async def token(self) -> None:
        """The kept token."""
        try:
            await self._tokens.end(self._owner)
        except VaultError as error:
            self.stuck[TOKEN] = error

    def result(self) -> Withdrawn:
        """What is left."""
        left = {
            what: _NO_IDENTITY if error.kind is Kind.TOKEN_DEAD else str(error)
            for what, error in self.stuck.items()
        }
        return Withdrawn(
            left,
            unavailable=any(error.unavailable for error in self.stuck.values()),
            next_look=min(map(wait_after, self.stuck.values()), default=None),
        )

    async def _end(self, entry: Credential) -> None:
        """End one credential; done when it has ended already."""
        if entry.engine is Engine.PKI and entry.issued_at is not None:
            own = await self._as_workflow()
            version = await recall(own, entry.secret, entry, self._owner.uid)
            if version is not None:
                await own.pki.revoke_with_key(version.data["tls.crt"], version.data["tls.key"])
        elif entry.engine is Engine.DATABASE_DYNAMIC:
            await self._end_leases(entry)
        elif entry.engine in _PASSWORDS and entry.issued_at is not None:
            await self._vault.rotate_static(entry.role)

    async def _end_leases(self, entry: Credential) -> None:
        """The lease, and with an intent whatever a lost answer may have made of it."""
        if entry.handle.lease:
            await self._vault.revoke_lease(await self._vault.decrypt(entry.handle.lease))
        elif entry.issued_at is None:
            known = await self._tokens.known_leases(self._owner.uid)
            for lease in await self._vault.leases(entry.role):
                if lease not in known:
                    await self._vault.revoke_lease(lease)

    async def _empty(self, secret: str) -> None:
        entries = self._ledger.of(self._owner.uid, secret)
        if entries and all(one.engine is Engine.TRANSIT for one in entries):
            return
        await (await self._as_workflow()).kv.remove(secret)

    async def _as_workflow(self) -> OwnVault:
        """Vault as the workflow: with the kept token, or after a login while that is possible."""
        if not self._asked:
            self._asked = True
            self._own = await self._tokens.kept(self._owner)
            if self._own is None and self._has_identity:
                self._own = await self._tokens.own(self._owner)
        if self._own is None:
            raise VaultError(Kind.TOKEN_DEAD, f"act as {self._owner.namespace}/{self._owner.name}")
        return self._own
