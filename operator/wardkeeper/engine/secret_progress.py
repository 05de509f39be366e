# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Carries one secret from step to step, until the state machine says that it has to wait.

What each step does is written down before the next begins, in the ledger or in the Secret, so a
process that dies between any two of them is followed by one that goes on from there. No value may
leave here but in the Secret that is published.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wardkeeper.api.credential import Engine
from wardkeeper.engine.driver import Desk
from wardkeeper.engine.issue import NothingMade, issue, recall
from wardkeeper.engine.ledger import Owner
from wardkeeper.engine.secret_report import Trouble, report, without_vault
from wardkeeper.engine.secret_wish import wish_of
from wardkeeper.proof.errors import Cause as NotProvenCause
from wardkeeper.proof.errors import NotProven
from wardkeeper.render.secret import render_secret
from wardkeeper.rotation.credential import Credential
from wardkeeper.rotation.facts import Cause, Facts, Step
from wardkeeper.rotation.machine import decide
from wardkeeper.rotation.record import annotations_of, record_for, record_of
from wardkeeper.rotation.times import backoff, deadline_of
from wardkeeper.vault.errors import Kind, VaultError

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from wardkeeper.api.secrets import SecretSpec
    from wardkeeper.engine.driver import Driver
    from wardkeeper.engine.secret_job import Job, SecretOutcome, SecretServices
    from wardkeeper.engine.tokens import Tokens
    from wardkeeper.rotation.credential import Handle
    from wardkeeper.rotation.facts import Decision
    from wardkeeper.rotation.version import Version
    from wardkeeper.vault.workflows import WorkflowVault

RESTING = frozenset({Step.NOTHING, Step.WAIT, Step.ROLL})
"""Steps in which nothing is done for the secret itself."""

MOST_STEPS = 40
"""Steps of one secret in one pass: a rotation needs about ten, and a loop must not go unseen."""

_LOST = frozenset({Kind.LEASE_GONE})


class Progress:
    """One secret in one pass."""

    def __init__(
        self,
        job: Job,
        spec: SecretSpec,
        services: SecretServices,
        now: datetime,
        request: str,
        handled: str,
    ) -> None:
        self._job = job
        self._spec = spec
        self._services = services
        self._now = now
        self._measured = False
        self._owner = Owner(job.namespace, job.workflow, job.uid)
        self._driver: Driver = services.drivers[spec.engine]
        source = self._driver.fingerprint(spec)
        self._wish = wish_of(job, spec, source, services.verify, request, handled)
        live = job.delivered.get(spec.name)
        annotations = live.metadata.get("metadata", {}).get("annotations") or {} if live else {}
        self._record = record_of(annotations)
        self._intact = live is not None and not live.foreign_edit
        self._rolling = job.rolling
        self._proven: set[str] = set()
        self._versions: dict[str, Version] = {}
        self._restored: Cause | None = None
        self._doubted = False
        self._rotated = False

    async def run(self) -> SecretOutcome:
        """All steps that can be done now; where the secret stands then.

        Raises:
            ApiError: the API server refused.
            Outcome: the Secret or an entry of the ledger could not be written.
        """
        for _ in range(MOST_STEPS):
            decision = decide(self._wish, self._facts())
            if decision.step in RESTING:
                return self._report(decision, None)
            vault = self._services.vault
            if vault is None:
                return self._report(decision, without_vault(self._spec.name))
            try:
                if not self._measured:
                    self._now, self._measured = await vault.now(), True
                    continue
                await self._carry_out(decision, vault)
            except VaultError as error:
                trouble = await self._failed(decision, error)
                if trouble is not None:
                    return self._report(decision, trouble)
            except NotProven as refuted:
                if refuted.cause is NotProvenCause.UNREACHABLE:
                    return self._report(decision, Trouble.unproven(str(refuted)))
                await self._reject(decision, str(refuted))
            except NothingMade as nothing:
                return self._report(decision, Trouble.empty(str(nothing)))
        raise RuntimeError(
            f"secret {self._spec.name} of workflow {self._job.namespace}/{self._job.workflow} came "
            f"to no rest in {MOST_STEPS} steps"
        )

    def _facts(self) -> Facts:
        key = (self._job.uid, self._spec.name)
        return Facts(
            entries=self._services.ledger.of(*key),
            delivered=self._record,
            intact=self._intact,
            rolling=self._rolling,
            source=self._services.sources.of(*key),
            proven=frozenset(self._proven),
            now=self._now,
        )

    async def _carry_out(self, decision: Decision, vault: WorkflowVault) -> None:
        """Do one step; it is on record when this returns."""
        step, subject = decision.step, decision.subject
        if step is Step.LOOK:
            source = await self._driver.look(await self._desk(decision, vault))
            self._services.sources.put(self._job.uid, self._spec.name, source)
        elif step is Step.INTEND:
            await self._intend(decision, vault)
        elif subject is None:
            raise ValueError(f"step {step} needs an entry of the ledger")
        elif step is Step.ISSUE:
            desk = await self._desk(decision, vault)
            issued = await issue(self._driver, desk, subject, self._job.uid)
            if issued.version is not None:
                self._versions[subject.rotation_id] = issued.version
            changes = {**issued.changes, "handle": self._parented(issued.changes["handle"])}
            await self._note(subject, failures=0, retry_at=None, last_error="", **changes)
        elif step is Step.PROVE:
            version = await self._version(decision, vault, subject)
            desk = await self._desk(decision, vault)
            await self._driver.prove(desk, version.data if version else {})
            self._proven.add(subject.rotation_id)
        elif step is Step.PUBLISH:
            await self._publish(decision, vault, subject)
        elif step is Step.ACCEPT:
            await self._accept(decision, subject)
        elif step is Step.REJECT:
            await self._reject(decision, "")
        elif step is Step.RENEW:
            lease = await vault.decrypt(subject.handle.lease)
            ends = await self._driver.renew(await self._desk(decision, vault), lease)
            granted, wanted = ends - self._now, subject.term
            capped = wanted is not None and granted < wanted * 0.9
            at_most = {"ends_at": ends} if capped else {}  # its longest life is near
            await self._note(subject, expires_at=ends, **at_most)
        elif step is Step.RETIRE:
            await self._retire(decision, vault, subject)

    async def _desk(self, decision: Decision, vault: WorkflowVault) -> Desk:
        """Everything a driver may use, logged in as the workflow."""
        own = await self._tokens.own(self._owner)
        return Desk(
            namespace=self._job.namespace,
            workflow=self._job.workflow,
            spec=self._spec,
            own=own,
            vault=vault,
            now=self._now,
            random=self._services.random,
            entry=decision.subject,
            current=decision.current,
            known_leases=await self._known_leases(decision),
        )

    async def _known_leases(self, decision: Decision) -> frozenset[str]:
        """Only needed where an unknown one could be found."""
        looks = decision.step in (Step.ISSUE, Step.RETIRE)
        if self._wish.engine is not Engine.DATABASE_DYNAMIC or not looks:
            return frozenset()
        return await self._tokens.known_leases(self._job.uid)

    def _parented(self, handle: Handle) -> Handle:
        """With the token whose end is its end, if it is a lease."""
        return replace(
            handle, accessor=self._tokens.accessor(self._job.uid) if handle.lease else ""
        )

    @property
    def _tokens(self) -> Tokens:
        if self._services.tokens is None:
            raise ValueError("there is a Vault and nobody to log in")
        return self._services.tokens

    async def _intend(self, decision: Decision, vault: WorkflowVault) -> None:
        prepared = await self._driver.prepare(await self._desk(decision, vault))
        before = decision.current.request if decision.current else ""
        await self._services.ledger.intend(
            self._owner,
            Credential(
                name="",
                secret=self._spec.name,
                engine=self._wish.engine,
                rotation_id=decision.rotation_id,
                role=prepared.role,
                source=self._wish.source,
                request=self._wish.request or before,
                before=prepared.before,
            ),
        )

    async def _version(
        self, decision: Decision, vault: WorkflowVault, entry: Credential
    ) -> Version | None:
        """What an entry delivers; None when KV holds it no more, or never did."""
        if not self._wish.delivers:
            return None
        known = self._versions.get(entry.rotation_id)
        if known is None:
            desk = await self._desk(decision, vault)
            if desk.own is None:
                return None
            known = await recall(desk.own, self._spec.name, entry, self._job.uid)
            if known is not None:
                self._versions[entry.rotation_id] = known
        return known

    async def _publish(self, decision: Decision, vault: WorkflowVault, subject: Credential) -> None:
        """Deliver it in one write of the whole Secret; what is lost in KV has come to its end."""
        version = await self._version(decision, vault, subject)
        if version is None:
            await self._note(subject, expires_at=self._now, ends_at=self._now)
            return
        deadline = deadline_of(self._wish, subject) or self._now
        record = record_for(subject, version.content_mac, deadline)
        await self._services.publish(
            render_secret(
                namespace=self._job.namespace,
                workflow=self._job.workflow,
                secret=self._spec.name,
                data=version.data,
                labels=self._job.labels,
                annotations=annotations_of(record, deadline),
                owner=self._job.owner,
            )
        )
        changed = self._record is None or self._record.content_mac != record.content_mac
        if subject.proven_at is None:
            self._rotated = decision.current is not None
        elif decision.cause in (Cause.MISSING, Cause.EDITED):
            self._restored = decision.cause
        self._record, self._intact = record, True
        if changed:
            self._rolling = self._job.rolling_after(self._spec)

    async def _accept(self, decision: Decision, subject: Credential) -> None:
        """The new one first: between the two writes two are in use, which is safe."""
        seconds = None
        if subject.intended_at is not None:
            seconds = (self._now - subject.intended_at).total_seconds()
        await self._note(subject, proven_at=self._now, failures=0, retry_at=None)
        await self._supersede(subject, decision.revoke_after or self._now)
        self._services.count(self._wish.engine, "rotated", seconds)

    async def _supersede(self, subject: Credential, revoke_after: datetime) -> None:
        for entry in self._services.ledger.of(self._job.uid, self._spec.name):
            live = entry.revoke_after is None and entry.rejected_at is None
            if live and entry.rotation_id != subject.rotation_id:
                await self._note(entry, revoke_after=revoke_after, failures=0, retry_at=None)

    async def _reject(self, decision: Decision, why: str) -> None:
        """Note when another one is tried, then that this one does not work.

        In this order: a process that dies in between comes to the same end again, while the other
        way round the next one would bear the id of the one that did not work.
        """
        subject, current = decision.subject, decision.current
        if subject is None:
            return
        if current is not None and current.rotation_id != subject.rotation_id:
            failures = current.failures + 1
            await self._note(
                current,
                failures=failures,
                retry_at=self._now + backoff(failures),
                last_error=(why or "the workload did not become ready with it")[:256],
            )
        await self._note(subject, rejected_at=self._now, last_error=why[:256])
        self._services.count(self._wish.engine, "rolled_back" if current else "failed", None)

    async def _retire(self, decision: Decision, vault: WorkflowVault, subject: Credential) -> None:
        version = await self._version(decision, vault, subject)
        lease = version.beside.get("lease", "") if version else ""
        if subject.handle.lease:
            lease = await vault.decrypt(subject.handle.lease)
        desk = await self._desk(decision, vault)
        await self._driver.retire(desk, version.data if version else {}, lease)
        if version is not None and desk.own is not None:
            await desk.own.kv.destroy(self._spec.name, (version.number,))
        await self._services.ledger.close(subject)

    async def _failed(self, decision: Decision, error: VaultError) -> Trouble | None:
        """Take in what Vault would not do; None when the pass goes on all the same."""
        subject, step = decision.subject, decision.step
        if step is Step.RENEW and error.kind in _LOST and subject:
            await self._note(subject, expires_at=self._now, ends_at=self._now)
            return None
        if error.kind is Kind.DENIED and not self._doubted:
            self._doubted = True
            try:
                if await self._tokens.doubt(self._owner):
                    return None
            except VaultError as untold:  # Vault went away meanwhile, which says more
                error = untold
        if error.unavailable or subject is None:
            return Trouble.of(error)
        failures = subject.failures + 1
        if step in (Step.RETIRE, Step.ISSUE):
            await self._note(
                subject,
                failures=failures,
                retry_at=self._now + backoff(failures),
                last_error=str(error.kind),
            )
        return None if step is Step.RETIRE else Trouble.of(error)

    async def _note(self, entry: Credential, **changes: Any) -> None:
        await self._services.ledger.note(entry, **changes)

    def _report(self, decision: Decision, trouble: Trouble | None) -> SecretOutcome:
        return report(
            self._wish,
            self._spec,
            self._facts(),
            decision,
            trouble,
            restored=self._restored,
            rotated=self._rotated,
        )
