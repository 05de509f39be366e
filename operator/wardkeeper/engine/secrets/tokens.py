# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""One token of Vault for each workflow, kept across restarts of the operator.

It makes the workflow's leases, so it is periodic, renewed long before its time, and kept in the
ledger, encrypted for the operator alone. Nobody logs in who need not: a start asks Vault nothing.

A token that Vault refuses may be dead, or only cut off for a while (its role is gone, its entity is
disabled). Either way it is rejected and replaced, and so are its leases, which may still work;
then it is revoked, in case it lives.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from wardkeeper.engine.secrets.token_leases import TokenLeases
from wardkeeper.engine.secrets.token_login import TokenLogin
from wardkeeper.rotation.token import lives, renews_at, serves
from wardkeeper.vault.errors import Kind, VaultError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from wardkeeper.engine.secrets.ledger import Ledger, Owner
    from wardkeeper.rotation.credential import Credential
    from wardkeeper.vault.own import OwnVault
    from wardkeeper.vault.workflows import WorkflowVault

_REFUSED = frozenset({Kind.TOKEN_DEAD, Kind.DENIED, Kind.INVALID})

DOUBT_PAUSE = timedelta(minutes=10)
"""Between two logins because something was denied: wrong policies make no heap of tokens."""


@dataclass(slots=True)
class _Live:
    """A token in the clear, and the entry that keeps it."""

    entry: str
    token: str = field(repr=False)


class Tokens:
    """The workflows' tokens.

    Args:
        ledger: where they are kept.
        vault: Vault.
        workflow_jwt: (namespace, ServiceAccount) -> a token for the audience `vault-operator`.
        clock: the time, with time zone.
    """

    def __init__(
        self,
        ledger: Ledger,
        vault: WorkflowVault,
        workflow_jwt: Callable[[str, str], Awaitable[str]],
        clock: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._vault = vault
        self._login = TokenLogin(ledger, vault, workflow_jwt)
        self._clock = clock
        self._live: dict[str, _Live] = {}
        self._leases = TokenLeases(ledger, vault)
        self._locks: dict[str, asyncio.Lock] = {}
        self._refused: dict[str, datetime] = {}

    async def own(self, owner: Owner) -> OwnVault:
        """Vault as the workflow: with the token that is kept, else after a login.

        Raises:
            VaultError: neither is possible now.
            ApiError: the API server refused a token, or an entry of the ledger.
            Transient: an entry of the ledger changed meanwhile.
        """
        async with self._lock(owner.uid):
            entry = await self._usable(owner) or await self._logged_in(owner)
            token = await self._open(owner.uid, entry)
            await self._close_replaced(owner, entry)
            return self._vault.as_workflow(token, owner.namespace, owner.name)

    async def kept(self, owner: Owner) -> OwnVault | None:
        """Vault as the workflow with the token that is kept; None when none is. Never a login.

        It is renewed when it is due, so that what is left of a workflow that is gone can still be
        taken back weeks later.

        Raises:
            VaultError: it cannot be decrypted now.
            ApiError: an entry of the ledger could not be written.
        """
        async with self._lock(owner.uid):
            entry = await self._usable(owner, doomed=True)
            if entry is None:
                return None
            token = await self._open(owner.uid, entry)
            return self._vault.as_workflow(token, owner.namespace, owner.name)

    async def tend(self, owner: Owner) -> None:
        """Renew the token if that is due, and tidy away those that it has replaced.

        When it turns out to be of no use any more, its leases count as ended. A pass calls it
        though its secrets need nothing. Without a token, or before its time, it asks nothing of
        Vault. One that somebody asked to delete is replaced at once, for that it is revoked.

        Raises:
            VaultError: nobody can tell now; it is renewed later.
            ApiError: an entry of the ledger could not be written.
        """
        async with self._lock(owner.uid):
            tokens = self._ledger.tokens(owner.uid)
            if not tokens:
                return
            entry = await self._usable(owner)
            if entry is None and any(one.doomed for one in tokens):
                entry = await self._logged_in(owner)
            if entry is not None:
                await self._close_replaced(owner, entry)

    async def doubt(self, owner: Owner) -> bool:
        """Vault denied something: whether it refuses the token, so that a login may help.

        One that followed another a moment ago is not looked into: a third would fare no better.

        Raises:
            VaultError: nobody can tell now.
        """
        async with self._lock(owner.uid):
            entry, last = self._ledger.token(owner.uid), self._refused.get(owner.uid)
            if entry is None or not serves(entry, self._now()):
                return False
            if last is not None and self._now() - last < DOUBT_PAUSE:
                return False
            if await self._renewed(owner, entry):
                return False
            self._refused[owner.uid] = self._now()
            return True

    async def end(self, owner: Owner, also: Callable[[], Awaitable[None]] | None = None) -> None:
        """Revoke the token, and with it the leases that it made; close its entries.

        Args:
            owner: the workflow.
            also: done when the token is revoked and before its entry goes, so that it is done
                again when it fails.

        Raises:
            VaultError: it cannot be revoked now.
            ApiError: an entry of the ledger could not be written.
        """
        async with self._lock(owner.uid):
            entries = self._ledger.tokens(owner.uid)
            for entry in entries:
                if lives(entry, self._now()):
                    await self._revoke(entry)
                    await self._ended(owner, entry)
            if entries and also is not None:
                await also()
            for entry in self._ledger.tokens(owner.uid):
                await self._ledger.close(entry)
            self._live.pop(owner.uid, None)

    def renews_at(self, uid: str) -> datetime | None:
        """When the token is renewed: between a third and half of its period.

        None without one that lives: the next who needs one logs in.
        """
        entry = self._ledger.token(uid)
        if entry is None or not serves(entry, self._now()):
            return None
        return renews_at(uid, entry)

    def accessor(self, uid: str) -> str:
        """Accessor of the token that the workflow uses; empty without one."""
        entry = self._ledger.token(uid)
        return entry.handle.accessor if entry is not None else ""

    async def known_leases(self, uid: str) -> frozenset[str]:
        """Ids of the leases that the ledger knows for a workflow, in the clear.

        Raises:
            VaultError: they cannot be decrypted now.
        """
        return await self._leases.known(uid)

    def forget(self, uid: str) -> None:
        """The workflow is gone: nothing of it is kept in memory."""
        self._live.pop(uid, None)
        self._leases.forget(uid)
        self._locks.pop(uid, None)
        self._refused.pop(uid, None)

    def _lock(self, uid: str) -> asyncio.Lock:
        return self._locks.setdefault(uid, asyncio.Lock())

    def _now(self) -> datetime:
        return self._clock() + self._vault.skew

    async def _usable(self, owner: Owner, *, doomed: bool = False) -> Credential | None:
        """The entry of a token that serves, renewed when that is due; None: a login is needed.

        What hung on a token whose time is over has ended by then. While Vault is away nothing is
        known to be of no use that has time left.
        """
        for entry in self._ledger.tokens(owner.uid):
            if entry.issued_at is None or entry.rejected_at or (entry.doomed and not doomed):
                continue
            if not serves(entry, self._now()):
                await self._ended(owner, entry)
                continue
            due = renews_at(owner.uid, entry)
            if due is None or due > self._now() or await self._renewed(owner, entry):
                return entry
        return None

    async def _logged_in(self, owner: Owner) -> Credential:
        """The entry of a new token."""
        entry, token = await self._login.log_in(owner)
        self._live[owner.uid] = _Live(entry.name, token)
        return entry

    async def _open(self, uid: str, entry: Credential) -> str:
        live = self._live.get(uid)
        if live is None or live.entry != entry.name:
            token = await self._vault.decrypt(entry.handle.lease)
            live = self._live[uid] = _Live(entry.name, token)
        return live.token

    async def _renewed(self, owner: Owner, entry: Credential) -> bool:
        """Renew it; False when Vault refuses it: what hangs on it is replaced, then it goes."""
        token = await self._open(owner.uid, entry)
        try:
            lasts = timedelta(seconds=int(await self._vault.renew(token)))
        except VaultError as error:
            if error.kind not in _REFUSED:
                raise
            await self._leases.end_with(owner.uid, entry, self._now())
            await self._ledger.note(entry, rejected_at=self._now(), last_error=str(error.kind))
            self._live.pop(owner.uid, None)
            return False
        now = await self._vault.now()
        await self._ledger.note(entry, expires_at=now + lasts, term=lasts)
        return True

    async def _ended(self, owner: Owner, token: Credential) -> None:
        """The token has ended, and so has every lease that it made. Its own entry comes last."""
        now = self._now()
        await self._leases.end_with(owner.uid, token, now)
        if lives(token, now):
            await self._ledger.note(token, expires_at=now, ends_at=now)
        self._live.pop(owner.uid, None)

    async def _revoke(self, entry: Credential) -> None:
        """Revoke a token, and with it what hangs on it; done when it has ended already."""
        await self._vault.revoke_self(await self._vault.decrypt(entry.handle.lease))

    async def _close_replaced(self, owner: Owner, used: Credential) -> None:
        """Close the entries of tokens that are not used any more.

        One that may live is revoked when no lease hangs on it any more: until then its leases
        work, and are replaced.
        """
        for old in self._ledger.tokens(owner.uid):
            if old.name == used.name or (old.issued_at is None and not old.doomed):
                continue
            if lives(old, self._now()):
                if await self._leases.end_with(owner.uid, old, self._now()):
                    continue
                await self._revoke(old)
            await self._ledger.close(old)
