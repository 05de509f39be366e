# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Takes back from Vault what a workflow, or one of its secrets, has: what the ledger knows.

In an order in which nothing needs an identity that is gone already: with the kept token the
certificates are revoked by their key and KV is emptied, the operator ends leases and passwords;
then the roles go, then the token, then its entry. May be called again and again until it is done;
what could not be done stays in the ledger and is done later.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from wardkeeper.api.credential import PASSWORDS, Engine
from wardkeeper.api.secret_sources import OnDelete
from wardkeeper.engine.secrets.ending import ENDS, Ending, NotEnded
from wardkeeper.engine.secrets.issue import recall
from wardkeeper.engine.secrets.job import Withdrawn
from wardkeeper.engine.secrets.quarantine import is_quarantined
from wardkeeper.engine.secrets.report import NO_VAULT_REMEDY, WAIT_REFUSED, wait_after
from wardkeeper.vault.errors import Kind, VaultError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from wardkeeper.engine.secrets.job import SecretServices
    from wardkeeper.engine.secrets.ledger import Owner
    from wardkeeper.engine.seen import Observed
    from wardkeeper.rotation.credential import Credential

ROLES = "auth roles"
TOKEN = "token"  # noqa: S105 - what is left, not a token
_NO_IDENTITY = (
    "its token has ended and its ServiceAccount is gone, so nobody can act as it; let an "
    "administrator remove it"
)
_NOBODY_SAYS: dict[str, bool] = {}


def keeps_of(seen: Observed) -> dict[str, bool]:
    """Whether the values of each secret stay in KV, as far as the last spec says.

    Of a workflow that is cut off everything stays: it is evidence.
    """
    secrets = orjson.loads(seen.spec).get("secrets") or ()
    evidence = bool(is_quarantined(seen.annotations))
    return {
        str(one["name"]): evidence or source.get("onDelete") == OnDelete.KEEP
        for one in secrets
        if (source := one.get("source", {}).get("kvGenerated")) is not None or evidence
    }


async def withdraw(
    owner: Owner,
    services: SecretServices,
    *,
    has_identity: bool,
    keeps: Mapping[str, bool] = _NOBODY_SAYS,
    namesake: Callable[[], bool] = lambda: False,
) -> Withdrawn:
    """Take back everything of a workflow that is deleted, or gone.

    Args:
        owner: the workflow.
        services: what may be touched.
        has_identity: its ServiceAccount still exists, so that a login as the workflow is possible.
        keeps: by secret, whether its values stay in KV (`keeps_of`); of others the ledger says.
        namesake: whether another workflow bears the name by now, asked anew before each step: what
            is shared by name stays with it.

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
    taking = _Taking(owner, services, may_log_in=has_identity, keeps=keeps, namesake=namesake)
    await taking.take({one.secret for one in entries if one.secret})
    if taking.nothing_left and not namesake():
        await taking.roles()
    if taking.nothing_left:
        await taking.token()
    return taking.result()


async def drop(owner: Owner, services: SecretServices, secrets: Collection[str]) -> Withdrawn:
    """Take back single secrets of a workflow that goes on without them.

    Raises:
        ApiError: the API server refused a token, or an entry of the ledger.
        Transient: an entry changed meanwhile.
    """
    if services.vault is None:
        words = f"no Vault is configured; {NO_VAULT_REMEDY}"
        return Withdrawn(dict.fromkeys(secrets, words), next_look=WAIT_REFUSED)
    taking = _Taking(owner, services, may_log_in=True, keeps=_NOBODY_SAYS)
    await taking.take(secrets)
    return taking.result()


class _Taking:
    """One try, and what of it could not be done."""

    def __init__(
        self,
        owner: Owner,
        services: SecretServices,
        *,
        may_log_in: bool,
        keeps: Mapping[str, bool],
        namesake: Callable[[], bool] = lambda: False,
    ) -> None:
        self._ending = Ending(owner, services, may_log_in=may_log_in)
        self._owner = owner
        self._ledger = services.ledger
        self._keeps = keeps
        self._namesake = namesake
        self._left: dict[str, str] = {}
        self._waits: list[float] = []
        self._unavailable = False
        self._outage: VaultError | None = None

    @property
    def nothing_left(self) -> bool:
        """Everything that was tried could be done."""
        return not self._left

    async def take(self, secrets: Collection[str]) -> None:
        """All credentials of these secrets, then their KV entries."""
        for secret in sorted(secrets):
            entries = self._ledger.of(self._owner.uid, secret)
            keep = self._stays(secret, entries)
            ended = [await self._end(secret, entry) for entry in entries]
            if all(ended) and (keep or await self._empty(secret, entries)):
                for entry in entries:
                    await self._ledger.close(entry)
            else:
                await self._put_off(entries, keep=keep)

    async def roles(self) -> None:
        """The auth roles: nobody logs in as the workflow any more."""
        try:
            await self._ending.vault.delete_roles(self._owner.namespace, self._owner.name)
        except VaultError as error:
            self._stuck(ROLES, error)

    async def token(self) -> None:
        """The kept token."""
        try:
            await self._ending.tokens.end(self._owner)
            self._ending.tokens.forget(self._owner.uid)
        except VaultError as error:
            self._stuck(TOKEN, error)

    def result(self) -> Withdrawn:
        """What is left."""
        return Withdrawn(self._left, self._unavailable, min(self._waits, default=None))

    async def _end(self, secret: str, entry: Credential) -> bool:
        """End one credential; whether it has ended."""
        if entry.engine not in ENDS or (entry.engine in PASSWORDS and self._namesake()):
            return True
        if self._outage is not None:
            self._stuck(f"secret {secret}", self._outage)
            return False
        try:
            await self._ending.end(entry)
        except (VaultError, NotEnded) as error:
            self._stuck(f"secret {secret}", error)
            return False
        return True

    async def _empty(self, secret: str, entries: tuple[Credential, ...]) -> bool:
        """Remove what KV keeps of a secret; whether nothing is left."""
        if entries and all(one.engine is Engine.TRANSIT for one in entries):
            return True
        if self._outage is not None:
            self._stuck(f"KV entry {secret}", self._outage)
            return False
        try:
            own = await self._ending.as_workflow()
            if not self._namesake():
                await own.kv.remove(secret)
                return True
            for entry in entries:
                version = await recall(own, secret, entry, self._owner.uid)
                if version is not None:
                    await own.kv.destroy(secret, (version.number,))
        except VaultError as error:
            self._stuck(f"KV entry {secret}", error)
            return False
        return True

    def _stays(self, secret: str, entries: tuple[Credential, ...]) -> bool:
        """Whether the values stay in KV: as the last spec says, else as the ledger says."""
        noted = any(OnDelete.KEEP in (one.handle.marker, one.role) for one in entries)
        return self._keeps.get(secret, noted)

    async def _put_off(self, entries: tuple[Credential, ...], *, keep: bool) -> None:
        """Note that these are to be ended, and what becomes of their values."""
        for entry in entries:
            if entry.revoke_after is None:
                marker = str(OnDelete.KEEP) if keep else entry.handle.marker
                handle = replace(entry.handle, marker=marker)
                await self._ledger.note(entry, revoke_after=self._ending.now(), handle=handle)

    def _stuck(self, what: str, error: VaultError | NotEnded) -> None:
        if isinstance(error, NotEnded):
            self._left[what] = str(error)
            self._waits.append(WAIT_REFUSED)
            return
        self._left[what] = _NO_IDENTITY if error.kind is Kind.TOKEN_DEAD else str(error)
        self._unavailable |= error.unavailable
        if error.outage:
            self._outage = error
        self._waits.append(wait_after(error))
