# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What every engine of credentials can be asked to do; one module of `drivers` for each.

A driver keeps nothing: what it made is kept as a version of the workflow's own KV entry, whatever
engine made it, with marks that say which rotation it belongs to. So restoring, going back and
adopting what a lost answer made are the same for all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from wardkeeper.rotation.credential import Handle
from wardkeeper.vault.errors import Kind, VaultError

NO_HANDLE = Handle()

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime
    from random import Random

    from wardkeeper.api.credential import Engine
    from wardkeeper.api.secrets import SecretSpec
    from wardkeeper.rotation.credential import Credential
    from wardkeeper.rotation.facts import Source
    from wardkeeper.vault.own import OwnVault
    from wardkeeper.vault.workflows import WorkflowVault


@dataclass(frozen=True, slots=True)
class Desk:
    """What a driver works with, for one secret of one workflow.

    Attributes:
        namespace: of the workflow.
        workflow: its name, and that of its ServiceAccount.
        spec: the declared secret.
        own: Vault as the workflow; None when nobody can act as it any more.
        vault: Vault as the operator, who can read no secret.
        entry: the ledger's entry that this is about; None for `look` and `prepare`.
        current: the entry that is in use; None when none is.
        known_leases: lease ids that the ledger knows for this workflow, in the clear.
        in_use: roles of static users that other secrets of this workflow work with.
        pending: what `keep` kept earlier for this very entry; empty when nothing.
        keep: keeps half-made material in KV before something is asked for that needs it again.
        now: the time on Vault's clock.
        random: source of new values.
    """

    namespace: str
    workflow: str
    spec: SecretSpec
    own: OwnVault | None
    vault: WorkflowVault
    now: datetime
    random: Random
    entry: Credential | None = None
    current: Credential | None = None
    known_leases: frozenset[str] = frozenset()
    in_use: frozenset[str] = frozenset()
    pending: Mapping[str, str] = field(default_factory=dict, repr=False)
    keep: Callable[[Mapping[str, str]], Awaitable[None]] | None = None

    @property
    def goes_on(self) -> bool:
        """Whether what is in use is of the same engine and the same role, key or path as this."""
        entry, current = self.entry, self.current
        if entry is None or current is None:
            return False
        return (entry.engine, entry.role) == (current.engine, current.role)

    @property
    def working_as(self) -> OwnVault:
        """Vault as the workflow.

        Raises:
            VaultError: nobody can act as it any more.
        """
        if self.own is None:
            raise VaultError(Kind.TOKEN_DEAD, f"act as workflow {self.namespace}/{self.workflow}")
        return self.own

    @property
    def intent(self) -> Credential:
        """The entry that this is about.

        Raises:
            ValueError: there is none.
        """
        if self.entry is None:
            raise ValueError("there is no entry of the ledger to work on")
        return self.entry


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is recorded of an intent: the role, key or path, and what it said of itself before."""

    role: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """A credential as its engine made it.

    Attributes:
        data: what is delivered, by file name; empty when nothing is.
        handle: how to find and end it; `kv_version` and `lease` are filled in later.
        issued_at: when it was made; None: when KV kept it.
        expires_at: when it ends unless it is renewed.
        ends_at: when it ends however often it is renewed.
        lease: id of its lease, in the clear; encrypted before it gets into the ledger.
    """

    data: Mapping[str, str] = field(repr=False)
    handle: Handle = NO_HANDLE
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    ends_at: datetime | None = None
    lease: str = field(default="", repr=False)


class Driver(Protocol):
    """One engine. Every method raises VaultError for what Vault would not do."""

    engine: Engine
    delivers: bool

    def fingerprint(self, spec: SecretSpec) -> str:
        """Fingerprint of what is asked for; another one asks for another credential."""

    async def look(self, desk: Desk) -> Source | None:
        """What the source says of itself (a read); None for engines that are not polled."""

    async def prepare(self, desk: Desk) -> Prepared:
        """What to record before anything is asked for (reads only)."""

    async def make(self, desk: Desk) -> Made:
        """Make what `desk.entry` intends; called again after a lost answer, it makes no second."""

    async def prove(self, desk: Desk, data: Mapping[str, str]) -> None:
        """Prove it directly.

        Raises:
            NotProven: it does not work.
        """

    async def renew(self, desk: Desk, lease: str) -> datetime:
        """Renew it; when it then ends."""

    async def retire(self, desk: Desk, data: Mapping[str, str], lease: str) -> None:
        """End it; done when it has ended already. `data` is empty when nobody can read it.

        The spec may declare another engine or role by now: only the entry tells.
        """
