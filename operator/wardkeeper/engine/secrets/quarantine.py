# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Cuts a workflow that may be compromised off from everything that Vault gave it.

The Kubernetes side comes first and needs no Vault: `engine.cut_off`. Here access goes before
neatness: what is refused is reported and stops nothing. Entries stay in the ledger, superseded, so
that whoever lifts the quarantine gets everything anew and nothing of the old is ever taken up
again. KV is evidence: nothing of it is removed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from wardkeeper.api.credential import PASSWORDS, Engine
from wardkeeper.api.schema import GROUP
from wardkeeper.engine.secrets.ending import Ending, NotEnded
from wardkeeper.engine.secrets.report import NO_VAULT_REMEDY, WAIT_REFUSED, wait_after
from wardkeeper.vault.errors import Kind, VaultError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any

    from wardkeeper.engine.secrets.job import SecretServices
    from wardkeeper.engine.secrets.ledger import Owner
    from wardkeeper.rotation.credential import Credential

QUARANTINE = f"{GROUP}/quarantine"
"""Annotation of a workflow that is to be cut off; its value is the reason, for people."""

WHAT_WAS_DELIVERED = "credentials, and the Secrets with them"
IDENTITY = "auth roles, token and entities"
CERTIFICATE_TRIES = 3
"""Failures to revoke a certificate after which the other steps wait for it no longer."""

_NO_REASON = "no reason given"


def is_quarantined(annotations: Mapping[str, str]) -> str:
    """Why a workflow is to be cut off; empty when it is not.

    An annotation without a value asks for it too: whoever cuts something off may be in a hurry.
    """
    reason = annotations.get(QUARANTINE)
    return "" if reason is None else reason.strip() or _NO_REASON


@dataclass(frozen=True, slots=True)
class Isolated:
    """How far a workflow is cut off from Vault.

    Attributes:
        left: what is not done yet, in the order in which it is done, with the reason.
        left_out: what the administrator did not let the operator do, with the reason; told in
            the pass that finds it.
        unavailable: Vault is away: it is the first thing done when Vault returns.
        next_look: seconds until another call makes sense; None when everything is done.
    """

    left: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    unavailable: bool = False
    next_look: float | None = None

    @property
    def done(self) -> bool:
        """Nothing that Vault gave to the workflow is of use any more."""
        return not self.left


async def isolate(owner: Owner, services: SecretServices) -> Isolated:
    """Cut a workflow off; asks nothing of Vault once everything is done.

    Args:
        owner: the workflow.
        services: what may be touched.

    Raises:
        ApiError: the API server refused an entry of the ledger.
        Transient: an entry changed meanwhile.
    """
    if services.vault is None:
        if not services.ledger.all_of(owner.uid):
            return Isolated()
        words = f"no Vault is configured, and without one no Secret is touched; {NO_VAULT_REMEDY}"
        return Isolated({WHAT_WAS_DELIVERED: words}, next_look=WAIT_REFUSED)
    isolating = _Isolating(owner, services)
    await isolating.run()
    return isolating.result()


class _Isolating:
    """One try, and what of it could not be done."""

    def __init__(self, owner: Owner, services: SecretServices) -> None:
        self._owner = owner
        self._ledger = services.ledger
        self._ending = Ending(owner, services, may_log_in=False)
        self._pending: dict[str, str] = {}
        self._left_out: dict[str, str] = {}
        self._waits: list[float] = []
        self._away: VaultError | None = None

    async def run(self) -> None:
        """All steps in their order; when Vault goes away the rest is only listed."""
        await self._supersede()
        await self._each("certificate of", self._certificate, Engine.PKI)
        if self._ledger.tokens(self._owner.uid):
            await self._step(IDENTITY, self._identity)
        await self._each("leases of", self._lease, Engine.DATABASE_DYNAMIC)
        await self._each("password of", self._password, *PASSWORDS)

    def result(self) -> Isolated:
        """How far it has come."""
        away = self._away is not None
        return Isolated(self._pending, self._left_out, away, min(self._waits, default=None))

    async def _supersede(self) -> None:
        """Note of every entry that it is to be ended; takes no Vault, and outlives this process."""
        for entry in self._ledger.all_of(self._owner.uid):
            if entry.secret and entry.revoke_after is None:
                await self._ledger.note(entry, revoke_after=self._ending.now())

    def _is_done(self, entry: Credential) -> bool:
        """Whether it has ended, and that was noted; the lease of one that was ended is not kept.

        What a lease's token left of it may live on in the database when that was away.
        """
        if entry.engine is Engine.DATABASE_DYNAMIC and entry.issued_at is not None:
            return not entry.handle.lease
        return self._ending.has_ended(entry)

    async def _each(
        self, what: str, act: Callable[[Credential], Awaitable[None]], *engines: Engine
    ) -> None:
        for entry in self._ledger.all_of(self._owner.uid):
            if entry.engine in engines and not self._is_done(entry):
                await self._step(f"{what} secret {entry.secret}", partial(act, entry))

    async def _step(self, what: str, act: Callable[[], Awaitable[None]]) -> None:
        """Try one step, unless Vault is away; what is refused stops no other."""
        if self._away is not None:
            self._pending[what] = str(self._away)
            return
        try:
            await act()
        except NotEnded as error:
            self._pending[what] = str(error)
            self._waits.append(WAIT_REFUSED)
        except VaultError as error:
            self._pending[what] = str(error)
            self._waits.append(wait_after(error))
            if error.outage:
                self._away = error

    async def _certificate(self, entry: Credential) -> None:
        """Revoke it before the token goes that can; a few failures do not give up on it."""
        try:
            await self._ending.certificate(entry)
        except VaultError as error:
            if error.unavailable and not error.outage and entry.failures < CERTIFICATE_TRIES:
                await self._ledger.note(entry, failures=entry.failures + 1)
                self._away = error
            raise
        await self._ended(entry)

    async def _identity(self) -> None:
        """Roles, token, entities: each though the one before was refused, unless Vault is away."""
        refused: list[VaultError] = []
        try:
            await self._ending.vault.delete_roles(self._owner.namespace, self._owner.name)
        except VaultError as error:
            if error.unavailable:
                raise
            refused.append(error)

        async def also() -> None:
            await self._disable()
            if refused:
                raise refused[0]

        await self._ending.tokens.end(self._owner, also)

    async def _disable(self) -> None:
        """Cut off the tokens that pods got for themselves, where the operator may do so."""
        try:
            await self._ending.vault.disable_entities(self._owner.namespace, self._owner.name)
        except VaultError as error:
            if error.kind is not Kind.DENIED:
                raise
            self._left_out["entities"] = str(error)

    async def _lease(self, entry: Credential) -> None:
        await self._ending.leases(entry)
        await self._ended(entry, handle=replace(entry.handle, lease=""))

    async def _password(self, entry: Credential) -> None:
        await self._ending.password(entry)
        await self._ended(entry)

    async def _ended(self, entry: Credential, **changes: Any) -> None:
        """Note that it has ended, which is what makes doing all this again cost nothing."""
        now = self._ending.now()
        await self._ledger.note(entry, expires_at=now, ends_at=now, **changes)
