# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What is known of one secret while a pass works on it, and what its steps work with.

Nothing here decides and nothing is delivered here. Values stay in `versions`, in memory only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wardkeeper.api.credential import Engine
from wardkeeper.engine.secrets.driver import Desk
from wardkeeper.engine.secrets.issue import recall
from wardkeeper.engine.secrets.ledger import Owner
from wardkeeper.engine.secrets.wish import wish_of
from wardkeeper.rotation.facts import Cause, Facts, Step
from wardkeeper.rotation.record import record_of

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from wardkeeper.api.secrets import SecretSpec
    from wardkeeper.engine.secrets.driver import Driver
    from wardkeeper.engine.secrets.job import Job, SecretServices
    from wardkeeper.engine.secrets.tokens import Tokens
    from wardkeeper.rotation.credential import Credential, Handle
    from wardkeeper.rotation.facts import Decision
    from wardkeeper.rotation.version import Version
    from wardkeeper.vault.workflows import WorkflowVault


class Work:
    """One secret in one pass.

    Attributes:
        job: the workflow.
        spec: the declared secret.
        services: what may be touched.
        now: the time; Vault's once it was asked.
        owner: the workflow, as the ledger names it.
        driver: the secret's engine.
        wish: what is wanted.
        record: what is delivered; None when nothing is.
        intact: it is as it was published.
        rolling: how the workload takes it up.
        proven: rotation ids that were proven in this pass.
        versions: what was made or read in this pass, by rotation id.
        restored: why the same content was delivered again; None when it was not.
        rotated: another credential was delivered in place of one before.
    """

    def __init__(
        self,
        job: Job,
        spec: SecretSpec,
        services: SecretServices,
        now: datetime,
        request: str,
        handled: str,
    ) -> None:
        self.job = job
        self.spec = spec
        self.services = services
        self.now = now
        self.owner = Owner(job.namespace, job.workflow, job.uid)
        self.driver: Driver = services.drivers[spec.engine]
        source = self.driver.fingerprint(spec)
        self.wish = wish_of(job, spec, source, services.verify, request, handled)
        live = job.delivered.get(spec.name)
        annotations = live.metadata.get("metadata", {}).get("annotations") or {} if live else {}
        self.record = record_of(annotations)
        self.intact = live is not None and not live.foreign_edit
        self.rolling = job.rolling
        self.proven: set[str] = set()
        self.versions: dict[str, Version] = {}
        self.restored: Cause | None = None
        self.rotated = False

    @property
    def tokens(self) -> Tokens:
        """The workflows' tokens.

        Raises:
            ValueError: no Vault is configured.
        """
        if self.services.tokens is None:
            raise ValueError("there is a Vault and nobody to log in")
        return self.services.tokens

    def driver_of(self, entry: Credential) -> Driver:
        """What made a credential: its secret may have come from somewhere else by then."""
        return self.services.drivers[entry.engine]

    def is_last_kept(self, entry: Credential) -> bool:
        """Whether KV keeps something of this secret for this entry alone, and never will again."""
        entries = self.services.ledger.of(self.job.uid, self.spec.name)
        kept = [one.name for one in entries if self.driver_of(one).delivers]
        return not self.wish.delivers and kept == [entry.name]

    def facts(self) -> Facts:
        """What is known now."""
        key = (self.job.uid, self.spec.name)
        return Facts(
            entries=self.services.ledger.of(*key),
            delivered=self.record,
            intact=self.intact,
            rolling=self.rolling,
            source=self.services.sources.of(*key),
            proven=frozenset(self.proven),
            now=self.now,
        )

    async def note(self, entry: Credential, **changes: Any) -> None:
        """Record how far an entry has come.

        Raises:
            Outcome: it is not as it was when it was looked at.
            ApiError: the API server refused.
        """
        await self.services.ledger.note(entry, **changes)

    async def desk(self, decision: Decision, vault: WorkflowVault) -> Desk:
        """Everything a driver may use, logged in as the workflow.

        Raises:
            VaultError: nobody can log in now.
        """
        own = await self.tokens.own(self.owner)
        return Desk(
            namespace=self.job.namespace,
            workflow=self.job.workflow,
            spec=self.spec,
            own=own,
            vault=vault,
            now=self.now,
            random=self.services.random,
            entry=decision.subject,
            current=decision.current,
            known_leases=await self._known_leases(decision),
            in_use=self._in_use(decision),
        )

    async def version(
        self, decision: Decision, vault: WorkflowVault, entry: Credential
    ) -> Version | None:
        """What an entry delivers; None when KV holds it no more, or never did.

        Raises:
            VaultError: it cannot be read now.
        """
        if not self.driver_of(entry).delivers:
            return None
        known = self.versions.get(entry.rotation_id)
        if known is None:
            desk = await self.desk(decision, vault)
            if desk.own is None:
                return None
            known = await recall(desk.own, self.spec.name, entry, self.job.uid)
            if known is not None:
                self.versions[entry.rotation_id] = known
        return known

    def parented(self, handle: Handle) -> Handle:
        """With the token whose end is its end, if it is a lease."""
        return replace(handle, accessor=self.tokens.accessor(self.job.uid) if handle.lease else "")

    def _in_use(self, decision: Decision) -> frozenset[str]:
        """Only needed where a user's password may be changed."""
        if decision.step not in (Step.INTEND, Step.RETIRE):
            return frozenset()
        return self.services.ledger.users_of_others(self.job.uid, self.spec.name)

    async def _known_leases(self, decision: Decision) -> frozenset[str]:
        """Only needed where an unknown one could be found."""
        subject = decision.subject
        looks = decision.step in (Step.ISSUE, Step.RETIRE)
        if subject is None or subject.engine is not Engine.DATABASE_DYNAMIC or not looks:
            return frozenset()
        return await self.tokens.known_leases(self.job.uid)
