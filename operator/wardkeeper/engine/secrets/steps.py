# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The steps of a secret, one function for each; what a step did is on record when it returns.

So a process that dies between any two of them is followed by one that goes on from there. No value
may leave here but in the Secret that is published.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from wardkeeper.engine.secrets.issue import issue, tidy
from wardkeeper.render.secret import render_secret
from wardkeeper.rotation.credential import Credential
from wardkeeper.rotation.facts import Cause, Phase, Step
from wardkeeper.rotation.record import annotations_of, record_for
from wardkeeper.rotation.times import backoff, deadline_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from wardkeeper.engine.secrets.work import Work
    from wardkeeper.rotation.facts import Decision
    from wardkeeper.vault.workflows import WorkflowVault

LONGEST_PROOF_PAUSE = timedelta(minutes=5)
"""Between two proofs that nobody answered: a proof costs little, and a credential waits for it."""

LONGEST_NOTE = 256
"""Characters of an error that the ledger keeps."""


async def carry_out(work: Work, decision: Decision, vault: WorkflowVault) -> None:
    """Do one step that needs Vault.

    Raises:
        VaultError: Vault could not or would not.
        NotProven: a new credential does not work, or nobody could be asked.
        NothingMade: its source is empty.
        ApiError: the API server refused.
        Outcome: the Secret or an entry of the ledger could not be written.
    """
    if decision.step is Step.LOOK:
        await _look(work, decision, vault)
    elif decision.step is Step.INTEND:
        await _intend(work, decision, vault)
    elif decision.subject is None:
        raise ValueError(f"step {decision.step} needs an entry of the ledger")
    else:
        await _STEPS[decision.step](work, decision, vault, decision.subject)


async def reject(work: Work, decision: Decision, why: str) -> None:
    """Note when another one is tried, then that this one does not work.

    In this order: a process that dies in between comes to the same end again, while the other
    way round the next one would bear the id of the one that did not work.
    """
    subject, current = decision.subject, decision.current
    if subject is None:
        return
    if current is not None and current.rotation_id != subject.rotation_id:
        failures = current.failures + 1
        await work.note(
            current,
            failures=failures,
            retry_at=work.now + backoff(failures),
            last_error=why[:LONGEST_NOTE],
        )
    await work.note(subject, rejected_at=work.now, last_error=why[:LONGEST_NOTE])
    work.services.count(work.wish.engine, "rolled_back" if current else "failed", None)


async def put_off(work: Work, subject: Credential, why: str) -> None:
    """Note that nobody could tell whether it works, and when that is tried again.

    Until then the pass does what else there is to do: leases are renewed, old ones end.
    """
    failures = subject.failures + 1
    pause = min(backoff(failures), LONGEST_PROOF_PAUSE)
    await work.note(
        subject, failures=failures, retry_at=work.now + pause, last_error=why[:LONGEST_NOTE]
    )


async def _look(work: Work, decision: Decision, vault: WorkflowVault) -> None:
    source = await work.driver.look(await work.desk(decision, vault))
    work.services.sources.put(work.job.uid, work.spec.name, source)


async def _intend(work: Work, decision: Decision, vault: WorkflowVault) -> None:
    prepared = await work.driver.prepare(await work.desk(decision, vault))
    before = decision.current.request if decision.current else ""
    await work.services.ledger.intend(
        work.owner,
        Credential(
            name="",
            secret=work.spec.name,
            engine=work.wish.engine,
            rotation_id=decision.rotation_id,
            role=prepared.role,
            source=work.wish.source,
            request=work.wish.request or before,
            before=prepared.before,
        ),
    )


async def _issue(work: Work, decision: Decision, vault: WorkflowVault, subject: Credential) -> None:
    work.services.sources.put(work.job.uid, work.spec.name, None)  # it is older than what comes
    issued = await issue(work.driver, await work.desk(decision, vault), subject, work.job.uid)
    if issued.version is not None:
        work.versions[subject.rotation_id] = issued.version
    changes = {**issued.changes, "handle": work.parented(issued.changes["handle"])}
    await work.note(subject, failures=0, retry_at=None, last_error="", **changes)


async def _prove(work: Work, decision: Decision, vault: WorkflowVault, subject: Credential) -> None:
    version = await work.version(decision, vault, subject)
    desk = await work.desk(decision, vault)
    await work.driver.prove(desk, version.data if version else {})
    work.proven.add(subject.rotation_id)


async def _publish(
    work: Work, decision: Decision, vault: WorkflowVault, subject: Credential
) -> None:
    """Deliver it in one write of the whole Secret; what is lost in KV has come to its end."""
    version = await work.version(decision, vault, subject)
    if version is None:
        await work.note(subject, expires_at=work.now, ends_at=work.now)
        return
    job, spec = work.job, work.spec
    deadline = deadline_of(work.wish, subject) or work.now
    record = record_for(subject, version.content_mac, deadline)
    await work.services.publish(
        render_secret(
            namespace=job.namespace,
            workflow=job.workflow,
            secret=spec.name,
            data=version.data,
            labels=job.labels,
            annotations=annotations_of(record, deadline),
            owner=job.owner,
        )
    )
    changed = work.record is None or work.record.content_mac != record.content_mac
    if subject.proven_at is None:
        work.rotated = decision.current is not None
    elif decision.cause in (Cause.MISSING, Cause.EDITED):
        work.restored = decision.cause
    work.record, work.intact = record, True
    if changed:
        work.rolling = job.rolling_after(spec)


async def _accept(
    work: Work, decision: Decision, vault: WorkflowVault, subject: Credential
) -> None:
    """The new one first: between the two writes two are in use, which is safe."""
    seconds = None
    if subject.intended_at is not None:
        seconds = (work.now - subject.intended_at).total_seconds()
    await work.note(subject, proven_at=work.now, failures=0, retry_at=None, last_error="")
    await _supersede(work, subject, decision.revoke_after or work.now)
    work.services.count(work.wish.engine, "rotated", seconds)


async def _supersede(work: Work, subject: Credential, revoke_after: datetime) -> None:
    for entry in work.services.ledger.of(work.job.uid, work.spec.name):
        live = entry.revoke_after is None and entry.rejected_at is None
        if live and entry.rotation_id != subject.rotation_id:
            await work.note(entry, revoke_after=revoke_after, failures=0, retry_at=None)


async def _reject(
    work: Work, decision: Decision, vault: WorkflowVault, subject: Credential
) -> None:
    if decision.phase in (Phase.INTENT, Phase.ISSUED):  # the spec asks for something else by now
        await work.note(subject, rejected_at=work.now, retry_at=None, last_error="")
    elif decision.cause is Cause.ENDED:
        await reject(work, decision, "it ended before it was in use")
    else:
        await reject(work, decision, "the workload did not become ready with it")


async def _renew(work: Work, decision: Decision, vault: WorkflowVault, subject: Credential) -> None:
    lease = await vault.decrypt(subject.handle.lease)
    ends = await work.driver_of(subject).renew(await work.desk(decision, vault), lease)
    granted, wanted = ends - work.now, subject.term
    capped = wanted is not None and granted < wanted * 0.9
    at_most = {"ends_at": ends} if capped else {}  # its longest life is near
    await work.note(subject, expires_at=ends, **at_most)


async def _retire(
    work: Work, decision: Decision, vault: WorkflowVault, subject: Credential
) -> None:
    version = await work.version(decision, vault, subject)
    lease = version.beside.get("lease", "") if version else ""
    if subject.handle.lease:
        lease = await vault.decrypt(subject.handle.lease)
    desk = await work.desk(decision, vault)
    await work.driver_of(subject).retire(desk, version.data if version else {}, lease)
    if version is not None and desk.own is not None:
        await tidy(desk.own, work.spec.name, version, work.job.uid)
        await desk.own.kv.destroy(work.spec.name, (version.number,))
    if desk.own is not None and work.is_last_kept(subject):
        await desk.own.kv.remove(work.spec.name)
    await work.services.ledger.close(subject)


if TYPE_CHECKING:
    _Act = Callable[[Work, Decision, WorkflowVault, Credential], Awaitable[None]]

_STEPS: Mapping[Step, _Act] = {
    Step.ISSUE: _issue,
    Step.PROVE: _prove,
    Step.PUBLISH: _publish,
    Step.ACCEPT: _accept,
    Step.REJECT: _reject,
    Step.RENEW: _renew,
    Step.RETIRE: _retire,
}
