# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""How single credentials end when nothing follows them: by what the ledger says, without a spec.

Ending again what has ended does no harm, and what somebody else made, a namesake of the workflow
above all, is never touched. Nothing here writes to the ledger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.credential import PASSWORDS, Engine
from wardkeeper.engine.secrets.issue import recall
from wardkeeper.rotation.record import write_time
from wardkeeper.vault.errors import Kind, VaultError

if TYPE_CHECKING:
    from datetime import datetime

    from wardkeeper.engine.secrets.job import SecretServices
    from wardkeeper.engine.secrets.ledger import Owner
    from wardkeeper.rotation.credential import Credential
    from wardkeeper.vault.own import OwnVault

ENDS = PASSWORDS | {Engine.PKI, Engine.DATABASE_DYNAMIC}
"""Engines whose credentials are ended one by one; what others made ends with KV, or stays."""


class NotEnded(Exception):
    """A credential that we cannot end, with what a person can do."""


class Ending:
    """Ends credentials of one workflow.

    Args:
        owner: the workflow.
        services: what may be touched.
        may_log_in: a new login as the workflow is allowed, and its ServiceAccount is there.

    Raises:
        ValueError: there is no Vault.
    """

    def __init__(self, owner: Owner, services: SecretServices, *, may_log_in: bool) -> None:
        if services.vault is None or services.tokens is None:
            raise ValueError("nothing can be ended without a Vault")
        self.vault = services.vault
        self.tokens = services.tokens
        self._owner = owner
        self._ledger = services.ledger
        self._clock = services.clock
        self._may_log_in = may_log_in
        self._own: OwnVault | None = None
        self._asked = False
        self._rotated: set[str] = set()

    def now(self) -> datetime:
        """The time on Vault's clock, as well as it is known."""
        return self._clock() + self.vault.skew

    def has_ended(self, entry: Credential) -> bool:
        """Whether it came to its end by itself, or was ended and that was noted."""
        return entry.expires_at is not None and entry.expires_at <= self.now()

    async def end(self, entry: Credential) -> None:
        """End one credential of an engine in `ENDS`.

        Raises:
            VaultError: it cannot be ended now.
            NotEnded: it cannot be ended by us.
        """
        if entry.engine is Engine.PKI:
            await self.certificate(entry)
        elif entry.engine is Engine.DATABASE_DYNAMIC:
            await self.leases(entry)
        elif entry.engine in PASSWORDS:
            await self.password(entry)

    async def certificate(self, entry: Credential) -> None:
        """Revoke a certificate by its key, which KV keeps.

        An end that was noted, because KV lost the key, need not be the certificate's own.

        Raises:
            VaultError: it cannot be revoked now.
            NotEnded: its key is gone, or nobody can act as the workflow.
        """
        from wardkeeper.engine.secrets.drivers.pki import is_over, revoke  # large: if one is there

        serial, ended = entry.handle.serial, self.has_ended(entry)
        if ended and (not serial or await is_over(self.vault, serial, self.now())):
            return
        until = write_time(entry.expires_at) if entry.expires_at and not ended else "its end"
        own = await self._as_workflow()
        if own is None:
            if entry.issued_at is None:
                return  # nobody has its key but KV, if it was signed at all
            raise NotEnded(
                f"nobody can act as the workflow any more; let an administrator revoke "
                f"certificate {serial}, or wait until {until}"
            )
        version = await recall(own, entry.secret, entry, self._owner.uid)
        if version is not None:
            await revoke(own, self.vault, version.data)
            return
        if serial and not await is_over(self.vault, serial, self.now()):
            raise NotEnded(
                f"the key of certificate {serial} is gone from KV; let an administrator revoke "
                f"it, or wait until {until}"
            )

    async def leases(self, entry: Credential) -> None:
        """End a lease by its path; of an intent whatever a lost answer made of it.

        Raises:
            VaultError: it cannot be ended now.
        """
        if entry.handle.lease:
            await self.vault.revoke_lease(await self.vault.decrypt(entry.handle.lease))
        elif entry.issued_at is None and entry.role:
            known = await self._known_leases()
            for lease in await self.vault.leases(entry.role):
                if lease not in known:
                    await self.vault.revoke_lease(lease)

    async def password(self, entry: Credential) -> None:
        """Have a static user's password changed once; nobody learns the new one.

        Not of a user that another secret of the workflow works with.

        Raises:
            VaultError: it cannot be changed now.
        """
        if entry.issued_at is None or entry.role in self._rotated:
            return
        if entry.role in self._ledger.users_of_others(self._owner.uid, entry.secret):
            return
        await self.vault.rotate_static(entry.role)
        self._rotated.add(entry.role)

    async def as_workflow(self) -> OwnVault:
        """Vault as the workflow: with a token that is kept, or after a login where that is allowed.

        The token of a namesake does as well: what Vault grants goes by name, not by uid.

        Raises:
            VaultError: of kind TOKEN_DEAD when nobody can act as the workflow, or another.
        """
        own = await self._as_workflow()
        if own is None:
            raise VaultError(Kind.TOKEN_DEAD, f"act as {self._owner.namespace}/{self._owner.name}")
        return own

    def namesakes(self) -> tuple[Owner, ...]:
        """Other workflows of the same name that have entries."""
        mine = self._owner
        return tuple(
            one
            for one in self._ledger.owners()
            if (one.namespace, one.name) == (mine.namespace, mine.name) and one.uid != mine.uid
        )

    async def _as_workflow(self) -> OwnVault | None:
        if not self._asked:
            for one in (self._owner, *self.namesakes()):
                self._own = self._own or await self.tokens.kept(one)
            if self._own is None and self._may_log_in:
                self._own = await self.tokens.own(self._owner)
            self._asked = True
        return self._own

    async def _known_leases(self) -> frozenset[str]:
        known: frozenset[str] = frozenset()
        for one in (self._owner, *self.namesakes()):
            known |= await self.tokens.known_leases(one.uid)
        return known
