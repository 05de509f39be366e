# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""One token of Vault for each workflow, kept across restarts of the operator.

It makes the workflow's leases, so its end is theirs: it is periodic, renewed long before its time,
and kept in the ledger, encrypted for the operator alone. Nobody logs in who need not: a start asks
Vault nothing. A login whose answer was lost leaves a token that ends after its period, with
nothing made by it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from wardkeeper.api.credential import Engine
from wardkeeper.rotation.credential import Credential, Handle
from wardkeeper.rotation.identity import rotation_id, spread
from wardkeeper.vault.errors import Kind, VaultError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from wardkeeper.engine.ledger import Ledger, Owner
    from wardkeeper.vault.own import OwnVault
    from wardkeeper.vault.workflows import WorkflowVault

_CHAIN = "token"
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
        self._leases: dict[str, str] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def own(self, owner: Owner) -> OwnVault:
        """Vault as the workflow: with the token that is kept, else after a login.

        Raises:
            VaultError: neither is possible now.
            ApiError: the API server refused a token, or an entry of the ledger.
        """
        async with self._lock(owner.uid):
            entry = self._ledger.token(owner.uid)
            if entry is not None and self._lives(entry):
                token = await self._open(owner.uid, entry)
                if not self._is_due(owner.uid, entry) or await self._renewed(entry, token):
                    return self._vault.as_workflow(token, owner.namespace, owner.name)
                await self._lost(owner)
                entry = self._ledger.token(owner.uid)
            return await self._log_in(owner, entry)

    async def kept(self, owner: Owner) -> OwnVault | None:
        """Vault as the workflow with the token that is kept; None when none is. Never a login.

        Raises:
            VaultError: it cannot be decrypted now.
        """
        async with self._lock(owner.uid):
            entry = self._ledger.token(owner.uid)
            if entry is None or not self._lives(entry):
                return None
            token = await self._open(owner.uid, entry)
            return self._vault.as_workflow(token, owner.namespace, owner.name)

    async def doubt(self, owner: Owner) -> bool:
        """Vault denied something: whether the token is dead, so that a login may help.

        Raises:
            VaultError: nobody can tell now.
        """
        async with self._lock(owner.uid):
            entry = self._ledger.token(owner.uid)
            if entry is None or not self._lives(entry):
                return False
            if await self._renewed(entry, await self._open(owner.uid, entry)):
                return False
            await self._lost(owner)
            return True

    async def end(self, owner: Owner) -> None:
        """Revoke the token, and with it the leases that it made; close its entry.

        Raises:
            VaultError: it cannot be revoked now.
        """
        async with self._lock(owner.uid):
            for entry in self._ledger.all_of(owner.uid):
                if entry.engine is not Engine.TOKEN:
                    continue
                if entry.handle.lease and self._lives(entry):
                    await self._vault.revoke_self(await self._vault.decrypt(entry.handle.lease))
                await self._ledger.close(entry)
            self._live.pop(owner.uid, None)
        self._locks.pop(owner.uid, None)

    def renews_at(self, uid: str) -> datetime | None:
        """When the token is renewed: between a third and half of its period; None without one."""
        entry = self._ledger.token(uid)
        if entry is None or entry.expires_at is None or entry.term is None:
            return None
        share = 2 / 3 - spread(uid, _CHAIN, entry.rotation_id) / 6
        return entry.expires_at - timedelta(seconds=int(entry.term.total_seconds() * share))

    async def known_leases(self, uid: str) -> frozenset[str]:
        """Ids of the leases that the ledger knows for a workflow, in the clear.

        Raises:
            VaultError: they cannot be decrypted now.
        """
        leases = []
        for entry in self._ledger.all_of(uid):
            if entry.engine is Engine.DATABASE_DYNAMIC and entry.handle.lease:
                kept = entry.handle.lease
                if kept not in self._leases:
                    self._leases[kept] = await self._vault.decrypt(kept)
                leases.append(self._leases[kept])
        return frozenset(leases)

    def forget(self, uid: str) -> None:
        """The workflow is gone."""
        self._live.pop(uid, None)
        self._locks.pop(uid, None)

    def _lock(self, uid: str) -> asyncio.Lock:
        return self._locks.setdefault(uid, asyncio.Lock())

    def _lives(self, entry: Credential) -> bool:
        now = self._clock() + self._vault.skew
        return bool(entry.handle.lease) and (entry.expires_at or now) > now + _MARGIN

    def _is_due(self, uid: str, entry: Credential) -> bool:
        due = self.renews_at(uid)
        return due is not None and due <= self._clock() + self._vault.skew

    async def _open(self, uid: str, entry: Credential) -> str:
        live = self._live.get(uid)
        if live is None or live.entry != entry.name:
            token = await self._vault.decrypt(entry.handle.lease)
            live = self._live[uid] = _Live(entry.name, token)
        return live.token

    async def _renewed(self, entry: Credential, token: str) -> bool:
        """Renew it; False when it is dead."""
        try:
            lasts = timedelta(seconds=int(await self._vault.renew(token)))
        except VaultError as error:
            if error.kind in _DEAD:
                return False
            raise
        now = await self._vault.now()
        await self._ledger.note(entry, expires_at=now + lasts, term=lasts)
        return True

    async def _lost(self, owner: Owner) -> None:
        """The token is dead, and so is every lease that it made."""
        now = await self._vault.now()
        for entry in self._ledger.all_of(owner.uid):
            dies_with_it = entry.engine in (Engine.TOKEN, Engine.DATABASE_DYNAMIC)
            if dies_with_it and entry.issued_at is not None:
                await self._ledger.note(entry, expires_at=now, ends_at=now)
        self._live.pop(owner.uid, None)

    async def _log_in(self, owner: Owner, before: Credential | None) -> OwnVault:
        entry = before
        if entry is None or entry.issued_at is not None:
            intent = Credential(
                name="",
                secret="",
                engine=Engine.TOKEN,
                rotation_id=rotation_id(owner.uid, _CHAIN, before.rotation_id if before else ""),
            )
            entry = await self._ledger.intend(owner, intent)
        await self._vault.ensure_roles(owner.namespace, owner.name)
        jwt = await self._jwt(owner.namespace, owner.name)
        login = await self._vault.log_in(owner.namespace, owner.name, jwt)
        now = await self._vault.now()
        lasts = timedelta(seconds=int(login.lasts))
        kept = await self._vault.encrypt(login.token)
        entry = await self._ledger.note(
            entry,
            handle=Handle(lease=kept, accessor=login.accessor),
            issued_at=now,
            proven_at=now,
            expires_at=now + lasts,
            term=lasts,
        )
        self._live[owner.uid] = _Live(entry.name, login.token)
        if before is not None and before.name != entry.name:
            await self._ledger.close(before)
        return self._vault.as_workflow(login.token, owner.namespace, owner.name)
