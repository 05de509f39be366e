# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""One token of Vault for each workflow, kept across restarts of the operator.

It makes the workflow's leases, so its end is theirs, whatever Vault says of a lease: it is
periodic, renewed long before its time, and kept in the ledger, encrypted for the operator alone.
Nobody logs in who need not: a start asks Vault nothing. A login whose answer was lost leaves a
token that ends after its period, with nothing made by it; nobody can find it earlier.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from wardkeeper.api.credential import Engine
from wardkeeper.engine.outcome import Transient
from wardkeeper.rotation.credential import Credential, Handle
from wardkeeper.rotation.identity import rotation_id, spread
from wardkeeper.vault.errors import Kind, VaultError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from wardkeeper.engine.ledger import Ledger, Owner
    from wardkeeper.vault.own import OwnVault
    from wardkeeper.vault.token import Login
    from wardkeeper.vault.workflows import WorkflowVault

_CHAIN = ""
"""What its chain of rotation ids is called; no secret can be called so."""
_DEAD = frozenset({Kind.TOKEN_DEAD, Kind.DENIED, Kind.INVALID})
_MARGIN = timedelta(seconds=30)


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
        self._jwt = workflow_jwt
        self._clock = clock
        self._live: dict[str, _Live] = {}
        self._leases: dict[str, dict[str, str]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def own(self, owner: Owner) -> OwnVault:
        """Vault as the workflow: with the token that is kept, else after a login.

        Raises:
            VaultError: neither is possible now.
            ApiError: the API server refused a token, or an entry of the ledger.
            Transient: an entry of the ledger changed meanwhile.
        """
        async with self._lock(owner.uid):
            entry = await self._usable(owner)
            if entry is None:
                entry = await self._log_in(owner)
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
        """Renew the token if that is due, or if it is lost: then its leases count as ended.

        A pass calls it though its secrets need nothing. Without a token, or before its time, it
        asks nothing of Vault.

        Raises:
            VaultError: nobody can tell now; it is renewed later.
            ApiError: an entry of the ledger could not be written.
        """
        async with self._lock(owner.uid):
            if self._ledger.token(owner.uid) is not None:
                await self._usable(owner)

    async def doubt(self, owner: Owner) -> bool:
        """Vault denied something: whether the token is dead, so that a login may help.

        Raises:
            VaultError: nobody can tell now.
        """
        async with self._lock(owner.uid):
            entry = self._ledger.token(owner.uid)
            if entry is None or not self._lives(entry):
                return False
            return not await self._renewed(owner, entry)

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
                if self._lives(entry):
                    await self._vault.revoke_self(await self._open(owner.uid, entry))
                    await self._lost(owner, entry)
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
        return self._due_at(uid, entry) if entry is not None and self._lives(entry) else None

    def accessor(self, uid: str) -> str:
        """Accessor of the token that the workflow uses; empty without one."""
        entry = self._ledger.token(uid)
        return entry.handle.accessor if entry is not None else ""

    async def known_leases(self, uid: str) -> frozenset[str]:
        """Ids of the leases that the ledger knows for a workflow, in the clear.

        Raises:
            VaultError: they cannot be decrypted now.
        """
        before, known = self._leases.get(uid, {}), {}
        for entry in self._ledger.all_of(uid):
            kept = entry.handle.lease
            if entry.engine is Engine.DATABASE_DYNAMIC and kept:
                known[kept] = before.get(kept) or await self._vault.decrypt(kept)
        self._leases[uid] = known
        return frozenset(known.values())

    def forget(self, uid: str) -> None:
        """The workflow is gone: nothing of it is kept in memory."""
        self._live.pop(uid, None)
        self._leases.pop(uid, None)
        self._locks.pop(uid, None)

    def _lock(self, uid: str) -> asyncio.Lock:
        return self._locks.setdefault(uid, asyncio.Lock())

    def _now(self) -> datetime:
        return self._clock() + self._vault.skew

    def _lives(self, entry: Credential) -> bool:
        now = self._now()
        return bool(entry.handle.lease) and (entry.expires_at or now) > now + _MARGIN

    def _due_at(self, uid: str, entry: Credential) -> datetime | None:
        if entry.expires_at is None or entry.term is None:
            return None
        share = 2 / 3 - spread(uid, _CHAIN, entry.rotation_id) / 6
        return entry.expires_at - timedelta(seconds=int(entry.term.total_seconds() * share))

    async def _usable(self, owner: Owner, *, doomed: bool = False) -> Credential | None:
        """The entry of a token that lives, renewed when that is due; None when a login is needed.

        What hung on a token that is dead has ended by then. While Vault is away nothing is known
        to be dead that has time left.
        """
        for entry in self._ledger.tokens(owner.uid):
            if entry.issued_at is None or (entry.doomed and not doomed):
                continue
            if not self._lives(entry):
                await self._lost(owner, entry)
                continue
            due = self._due_at(owner.uid, entry)
            if due is None or due > self._now() or await self._renewed(owner, entry):
                return entry
        return None

    async def _open(self, uid: str, entry: Credential) -> str:
        live = self._live.get(uid)
        if live is None or live.entry != entry.name:
            token = await self._vault.decrypt(entry.handle.lease)
            live = self._live[uid] = _Live(entry.name, token)
        return live.token

    async def _renewed(self, owner: Owner, entry: Credential) -> bool:
        """Renew it; False when it is dead, and then what hung on it has ended."""
        token = await self._open(owner.uid, entry)
        try:
            lasts = timedelta(seconds=int(await self._vault.renew(token)))
        except VaultError as error:
            if error.kind not in _DEAD:
                raise
            await self._lost(owner, entry)
            return False
        now = await self._vault.now()
        await self._ledger.note(entry, expires_at=now + lasts, term=lasts)
        return True

    async def _lost(self, owner: Owner, token: Credential) -> None:
        """The token is dead, and so is every lease that it made. The token's entry comes last."""
        now = self._now()
        for entry in self._ledger.all_of(owner.uid):
            if _hangs_on(entry, token) and (entry.expires_at is None or entry.expires_at > now):
                await self._ledger.note(entry, expires_at=now, ends_at=now)
        if self._lives(token):
            await self._ledger.note(token, expires_at=now, ends_at=now)
        self._live.pop(owner.uid, None)

    async def _log_in(self, owner: Owner) -> Credential:
        """Log in and keep the token; the entry stands before the token exists."""
        tokens = self._ledger.tokens(owner.uid)
        entry = next((one for one in tokens if one.issued_at is None and not one.doomed), None)
        if entry is None:
            before = max(tokens, key=lambda one: int(one.resource_version), default=None)
            previous = before.rotation_id if before else ""
            entry = await self._ledger.intend(
                owner,
                Credential(
                    name="",
                    secret="",
                    engine=Engine.TOKEN,
                    rotation_id=rotation_id(owner.uid, _CHAIN, previous),
                ),
            )
        await self._vault.ensure_roles(owner.namespace, owner.name)
        jwt = await self._jwt(owner.namespace, owner.name)
        login = await self._vault.log_in(owner.namespace, owner.name, jwt)
        try:
            entry = await self._keep(entry, login)
        except (Transient, VaultError):
            await self._give_back(login)
            raise
        self._live[owner.uid] = _Live(entry.name, login.token)
        return entry

    async def _keep(self, entry: Credential, login: Login) -> Credential:
        now = await self._vault.now()
        lasts = timedelta(seconds=int(login.lasts))
        return await self._ledger.note(
            entry,
            handle=Handle(lease=await self._vault.encrypt(login.token), accessor=login.accessor),
            issued_at=now,
            proven_at=now,
            expires_at=now + lasts,
            term=lasts,
        )

    async def _give_back(self, login: Login) -> None:
        """Revoke a token that could not be kept; else it ends after its period."""
        try:
            await self._vault.revoke_self(login.token)
        except VaultError:
            return

    async def _close_replaced(self, owner: Owner, used: Credential) -> None:
        """Close the entries of tokens that are not used any more.

        One that lives, for somebody asked to delete its entry, is revoked when no lease hangs on
        it any more: until then its leases are replaced.
        """
        for old in self._ledger.tokens(owner.uid):
            if old.name == used.name or (old.issued_at is None and not old.doomed):
                continue
            if self._lives(old):
                if await self._leases_stay(owner, old):
                    continue
                await self._vault.revoke_self(await self._vault.decrypt(old.handle.lease))
            await self._ledger.close(old)

    async def _leases_stay(self, owner: Owner, old: Credential) -> bool:
        """Whether leases of a token hang on it still; they work, and are replaced now."""
        now, stay = self._now(), False
        for entry in self._ledger.all_of(owner.uid):
            if _is_lease(entry) and entry.handle.accessor == old.handle.accessor:
                stay = True
                if entry.expires_at is None or entry.expires_at > now:
                    await self._ledger.note(entry, expires_at=now, ends_at=now)
        return stay


def _is_lease(entry: Credential) -> bool:
    return entry.engine is Engine.DATABASE_DYNAMIC and entry.issued_at is not None


def _hangs_on(entry: Credential, token: Credential) -> bool:
    """Whether this token made the lease; one of an unknown token is taken for one of any."""
    return _is_lease(entry) and entry.handle.accessor in ("", token.handle.accessor)
