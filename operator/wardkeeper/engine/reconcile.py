# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""One pass over one workflow: judge, render, plan, carry out, supply, report.

A pass knows nothing of what happened, only what is. It writes what differs and nothing else, the
guards before the workload, and one status at its end whatever it met on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from wardkeeper.api.read import read_workflow
from wardkeeper.api.reasons import Reason
from wardkeeper.api.workflow import KIND, HealthcareWorkflow
from wardkeeper.engine.converge import converge
from wardkeeper.engine.cut_off import cut_off
from wardkeeper.engine.digest import spec_digest
from wardkeeper.engine.findings import Findings
from wardkeeper.engine.holding import hold_guards
from wardkeeper.engine.outcome import Outcome, Terminal, Transient
from wardkeeper.engine.pod_labels import labels_of
from wardkeeper.engine.refusal import outcome_of
from wardkeeper.engine.report import Reporter, regarding
from wardkeeper.engine.revision import drop_revision, keep_revision, recall_revision
from wardkeeper.engine.secrets.quarantine import is_quarantined
from wardkeeper.engine.seen import is_audited
from wardkeeper.engine.teardown import teardown
from wardkeeper.kube.errors import ApiError, NotFound
from wardkeeper.kube.resource import Ref, resource_of
from wardkeeper.policy.judge import judge

if TYPE_CHECKING:
    from wardkeeper.engine.seen import Key, Observed
    from wardkeeper.engine.tools import Tools
    from wardkeeper.policy.verdict import Problem


@dataclass(slots=True)
class _Memory:
    """What passes over one workflow remember for the next.

    Attributes:
        uid: of the workflow; another one of the same name has nothing to do with it.
        carried_out: the last spec that was carried out; None when this process knows of none.
        kept: that spec is kept in the cluster.
    """

    uid: str
    carried_out: bytes | None = None
    kept: bool = False


class Reconciler:
    """Runs passes; holds what one pass must remember for the next and nothing that is elsewhere."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._reporter = Reporter(tools)
        self._memories: dict[Key, _Memory] = {}

    async def __call__(self, key: Key) -> float | None:
        """One pass; seconds until the next scheduled look, if any.

        Raises:
            Terminal: what is asked for cannot be done.
            Transient: something is in the way; try again with back-off.
            NotLeading: another process leads; stop.
        """
        seen = self._tools.world.workflow(key)
        self._forget_others(key, seen)
        if seen is None:
            return None
        if seen.deleting:
            return await self._take_down(key, seen)
        if self._tools.world.lost(key) and not await self._still_there(key, seen):
            return None
        found = self._begin(seen)
        later = None
        try:
            later = await self._look(key, seen, found)
        except Outcome as outcome:
            found.stop = outcome
        except ApiError as error:
            found.stop = outcome_of(error, Ref(KIND, key.namespace, key.name))
        if found.pods:
            found.opened = self._tools.world.strangers.openers(
                key, seen.uid, found.pods, guarded=not found.quarantine
            )
        await self._reporter.report(key, seen, found)
        if found.stop:
            raise found.stop
        return later

    async def _take_down(self, key: Key, seen: Observed) -> float | None:
        """One step of taking down a workflow that is being deleted."""
        found = self._begin(seen)

        async def hold() -> None:
            ran = None if is_audited(seen) else await self._in_force(key, seen, found)
            if ran is not None:
                await hold_guards(self._tools, key, seen, ran, found)

        try:
            return await teardown(self._tools, key, seen, regarding(key, seen), hold)
        finally:
            self._reporter.tell_of_repairs(key, seen, found)

    def _forget_others(self, key: Key, seen: Observed | None) -> None:
        """Whoever bore the name before must not be taken for the one that bears it now."""
        memory = self._memories.get(key)
        if memory is not None and (seen is None or memory.uid != seen.uid):
            del self._memories[key]
            self._reporter.forget(key)
            self._tools.restarts.forget(memory.uid)
            self._tools.secrets.sources.forget(memory.uid)
        if seen is not None and key not in self._memories:
            self._memories[key] = _Memory(seen.uid)

    async def _still_there(self, key: Key, seen: Observed) -> bool:
        """Whether the workflow exists, asked before children that vanished are made again.

        When a workflow is deleted, its children may be seen to go before it is itself.

        Raises:
            Transient: nobody can tell.
        """
        try:
            raw = await self._tools.client.get(
                resource_of(KIND), key.namespace, key.name, metadata_only=True
            )
        except NotFound:
            return False
        except ApiError as error:
            raise Transient(Reason.API_UNAVAILABLE, error.message) from error
        metadata = raw["metadata"]
        return metadata["uid"] == seen.uid and "deletionTimestamp" not in metadata

    def _begin(self, seen: Observed) -> Findings:
        status = orjson.loads(seen.status)
        return Findings(
            generation=seen.generation,
            digest=spec_digest(seen.spec),
            running=status.get("revision", {}).get("running"),
            reconcile_at=status.get("lastHandledReconcileAt"),
            rotate_now=status.get("lastHandledRotateNow"),
            enforcement=self._tools.enforcement(),
        )

    async def _look(self, key: Key, seen: Observed, found: Findings) -> float | None:
        """Carry out the spec; one that cannot be carried out leaves the last one in force."""
        found.quarantine = is_quarantined(seen.annotations)
        workflow, problems = self._judge(key, seen, seen.spec, found)
        if found.quarantine:
            ran = workflow if not problems else await self._ran(key, seen, found)
            return await cut_off(self._tools, key, seen, ran, found)
        if workflow is not None and not problems:
            try:
                later = await converge(self._tools, key, seen, workflow, found, found.digest)
            except Terminal as refused:
                if found.begun or not found.succeeds:
                    raise
                raise await self._kept(key, seen, found, refused.reason, refused.message) from None
            if found.running == found.digest:
                await self._carried_out(key, seen, workflow)
            return later
        subject = f"{KIND} {key.namespace}/{key.name}"
        text = "; ".join(one.message(subject) for one in problems[:5])
        raise await self._kept(key, seen, found, Reason.SPEC_INVALID, text)

    async def _kept(
        self, key: Key, seen: Observed, found: Findings, reason: Reason, text: str
    ) -> Terminal:
        """Look after the last spec; what is to be said of the one that is not carried out."""
        later = await self._go_on(key, seen, found)
        kept = "; what ran before keeps running" if found.running else ""
        return Terminal(reason, f"{text}{kept}", next_look=later)

    async def _carried_out(self, key: Key, seen: Observed, workflow: HealthcareWorkflow) -> None:
        """The newest spec is in force: no older one is kept any more."""
        memory = self._memories[key]
        memory.carried_out = seen.spec
        if memory.kept or _was_refused(workflow):
            await drop_revision(self._tools.client, key, seen.uid)
            memory.kept = False

    async def _go_on(self, key: Key, seen: Observed, found: Findings) -> float | None:
        """Carry out what ran before a spec that is refused; seconds to the next look.

        Nothing is written for a workflow that is only to be looked at.
        """
        before = None if is_audited(seen) else await self._before(key, seen, found)
        if before is None:
            return None
        last, problems = self._judge(key, seen, before, found)
        if last is None or problems:
            return None
        memory = self._memories[key]
        if not memory.kept:
            await keep_revision(self._tools.client, last, before)
            memory.kept = True
        self._tools.in_force(key, before)
        return await converge(self._tools, key, seen, last, found, spec_digest(before))

    async def _ran(self, key: Key, seen: Observed, found: Findings) -> HealthcareWorkflow | None:
        """The workflow as it last was carried out; None when it never was."""
        before = await self._before(key, seen, found)
        return self._judge(key, seen, before, found)[0] if before is not None else None

    async def _in_force(
        self, key: Key, seen: Observed, found: Findings
    ) -> HealthcareWorkflow | None:
        """The workflow as its children are; as it is when none was carried out to the end."""
        if found.running in (None, found.digest):
            return self._judge(key, seen, seen.spec, found)[0]
        return await self._ran(key, seen, found)

    async def _before(self, key: Key, seen: Observed, found: Findings) -> bytes | None:
        return self._memories[key].carried_out or await self._recall(key, seen, found)

    async def _recall(self, key: Key, seen: Observed, found: Findings) -> bytes | None:
        """The spec that ran when the operator was started; it was kept when a newer was refused."""
        if found.running is None:
            return None
        kept = await recall_revision(self._tools.client, key, seen.uid)
        if kept is None or spec_digest(kept) != found.running:
            return None
        memory = self._memories[key]
        memory.carried_out, memory.kept = kept, True
        return kept

    def _judge(
        self, key: Key, seen: Observed, spec: bytes, found: Findings
    ) -> tuple[HealthcareWorkflow | None, tuple[Problem, ...]]:
        read = read_workflow(_raw(key, seen, spec))
        if not isinstance(read, HealthcareWorkflow):
            return None, read
        found.verdict = judge(read, self._tools.world.exists)
        kept = found.quarantine and found.running != spec_digest(spec)
        found.pods = labels_of(read, runs=not kept)
        return read, found.verdict.problems


def _was_refused(workflow: HealthcareWorkflow) -> bool:
    """Whether status says that a spec is waiting that was not carried out."""
    revision = workflow.status.revision
    return revision is not None and revision.pending is not None


def _raw(key: Key, seen: Observed, spec: bytes) -> dict[str, Any]:
    return {
        "metadata": {
            "name": key.name,
            "namespace": key.namespace,
            "uid": seen.uid,
            "generation": seen.generation,
            "annotations": dict(seen.annotations),
        },
        "spec": orjson.loads(spec),
        "status": orjson.loads(seen.status),
    }
