# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Makes the cluster hold what a valid workflow wants: guards, then secrets, then the workload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.asked import RECONCILE_AT, asked
from wardkeeper.api.reasons import ConditionType, Reason
from wardkeeper.api.workflow import Mode
from wardkeeper.engine.carrier import Carrier, refused
from wardkeeper.engine.finalizer import add_finalizer, has_finalizer
from wardkeeper.engine.outcome import Outcome
from wardkeeper.engine.plan import Action
from wardkeeper.engine.rollout import Progress, Rollout
from wardkeeper.engine.run import is_over, judge_run
from wardkeeper.engine.secrets.drift import secret_drift, secret_edits
from wardkeeper.engine.secrets.facts import NOT_ROLLING, secret_job
from wardkeeper.engine.secrets.job import Supplied
from wardkeeper.engine.secrets.supply import supply
from wardkeeper.engine.secrets.undeclared import drop_undeclared
from wardkeeper.engine.seen import stamp_of
from wardkeeper.engine.stamp import known_macs, with_stamp
from wardkeeper.engine.waiting import CONFIG_MAP_LOOK, missing_config_maps, waits_for
from wardkeeper.kube.resource import Ref, ref_of
from wardkeeper.render.children import render
from wardkeeper.render.pod import secrets_mac
from wardkeeper.render.secret import delivered_secrets, secret_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.engine.findings import Findings
    from wardkeeper.engine.plan import Change, Plan
    from wardkeeper.engine.seen import Key, Observed
    from wardkeeper.engine.tools import Tools
    from wardkeeper.render.children import Rendered
    from wardkeeper.render.metadata import Obj
    from wardkeeper.rotation.facts import Rolling

NOT_WHOLE = (Reason.QUARANTINED, Reason.POLICIES_MISSING)
"""What is told of the network while children are not there that nobody else took away."""


async def converge(
    tools: Tools,
    key: Key,
    seen: Observed,
    workflow: HealthcareWorkflow,
    found: Findings,
    digest: str,
) -> float | None:
    """Carry out a workflow whose verdict, in `found`, holds no problems; seconds to the next look.

    Raises:
        Outcome: it cannot be carried out, or not now; `found` tells how far it came.
        ApiError: the API server refused something that is not a child.
    """
    return await _Convergence(tools, key, seen, workflow, found, digest).run()


class _Convergence:
    """The steps over one workflow, with what each needs of the ones before."""

    def __init__(
        self,
        tools: Tools,
        key: Key,
        seen: Observed,
        workflow: HealthcareWorkflow,
        found: Findings,
        digest: str,
    ) -> None:
        if found.verdict is None:
            raise ValueError("a workflow is judged before it is carried out")
        self._tools = tools
        self._key = key
        self._seen = seen
        self._workflow = workflow
        self._found = found
        self._digest = digest
        self._verdict = found.verdict
        status = workflow.status
        self._settled = (
            status.observed_generation == seen.generation
            and status.revision is not None
            and status.revision.running == digest
        )
        told = {one.type: one.reason for one in status.conditions}
        self._stood = self._settled and told.get(ConditionType.NETWORK_CLOSED) not in NOT_WHOLE
        self._carrier = Carrier(tools, key, seen, found.repaired, stood=self._stood)
        self._held: float | None = None

    async def run(self) -> float | None:
        """All steps, in order."""
        wanted = asked(self._seen.annotations, RECONCILE_AT)
        fresh = wanted is not None and wanted != self._found.reconcile_at
        macs = known_macs(self._workflow, self._carrier.children)
        rendered = self._render(macs)
        todo = await self._carrier.plan(rendered.guards, rendered.workload, fresh=fresh)
        if self._workflow.spec.mode is Mode.AUDIT:
            self._found.would = todo
            self._found.guards_in_place = not (todo.guards or todo.refused)
            self._found.rollout = self._rollout(rendered.workload)
            self._found.reconcile_at = wanted
            return None
        self._found.rollout = self._rollout(rendered.workload)
        await self._guards(todo)
        rolling = self._rolling(macs)
        later = await self._secrets(rolling)
        await self._workload(rendered.workload, todo, macs)
        later = _soonest((later, self._held, await self._drop_undeclared()))
        await self._carrier.carry_out(todo.obsolete)
        self._settle(rendered)
        self._found.rollout = self._rollout(rendered.workload)
        self._found.reconcile_at = wanted
        missing = await missing_config_maps(self._tools.client, self._workflow, self._found.rollout)
        if not missing:
            return later
        self._found.rollout = waits_for(missing, self._key.namespace)
        return _soonest((later, CONFIG_MAP_LOOK))

    def _render(self, macs: Mapping[str, str]) -> Rendered:
        return render(self._workflow, self._verdict, self._tools.surroundings(), macs=macs)

    async def _guards(self, todo: Plan) -> None:
        """Everything that must be there before the workload, all at once.

        Only the RoleBinding waits for the Role, whose rules Kubernetes looks at to admit it. Where
        another spec runs, everything does: rights that are refused leave that one as it is, whole.
        When one cannot be made, no workload is made or changed; but one that runs is still put
        back when somebody else changed it.
        """
        if self._workflow.spec.secrets and not has_finalizer(self._seen):
            stored = await add_finalizer(self._tools.client, self._key, self._seen)
            self._tools.observed("MODIFIED", stored)
        rights = [one for one in todo.guards if one.ref.kind == "Role"]
        bindings = [one for one in todo.guards if one.ref.kind == "RoleBinding"]
        others = [one for one in todo.guards if one not in rights and one not in bindings]
        try:
            if self._found.succeeds:
                await self._carrier.carry_out(rights)
                rights = []
            self._found.begun = True
            await self._carrier.carry_out([*rights, *others])
            await self._carrier.carry_out(bindings)
            if todo.refused:
                raise refused(todo)
        except Outcome:
            if self._settled and todo.workload and todo.workload.action is Action.REPAIR:
                await self._carrier.carry_out((todo.workload,))
            raise
        self._found.guards_in_place = True

    def _rolling(self, macs: Mapping[str, str]) -> Rolling:
        """How a Deployment takes up what is delivered; anything else does so at its next run."""
        name = self._key.name
        child = self._carrier.children.get(Ref("Deployment", self._key.namespace, name))
        if child is None or child.owner != self._seen.uid:
            return NOT_ROLLING
        return self._tools.restarts.rolling(
            self._seen.uid,
            child.rollout,
            live=child.stamp,
            wanted=secrets_mac(self._workflow, macs) or "",
            now=self._tools.clock(),
        )

    async def _secrets(self, rolling: Rolling) -> float | None:
        """Bring every secret to where it should be; seconds until one wants another look."""
        job = secret_job(
            self._workflow, self._carrier.children, self._tools.surroundings().version, rolling
        )
        self._found.supplied = Supplied(())
        if not (job.secrets or job.rotate_now):
            self._found.rotate_now = None
            return None
        edits = secret_edits(self._workflow, self._carrier.children, job)
        supplied = await supply(job, self._tools.secrets)
        self._found.supplied = supplied
        self._found.rotate_now = supplied.handled_rotate_now or self._found.rotate_now
        for ref, version in edits.untouched:
            self._tools.world.compared(self._key, ref, version, 1)
        for one in supplied.secrets:
            record = secret_drift(one, edits, self._stood, self._carrier.now)
            if record:
                self._found.repaired.append(record)
        return _soonest(one.next_look for one in supplied.secrets)

    async def _workload(self, workload: Obj, todo: Plan, macs: Mapping[str, str]) -> None:
        """The workload, when all that it needs is there; else it stays as it is."""
        supplied = self._found.supplied
        outcomes = supplied.secrets if supplied else ()
        delivering = [one for one in outcomes if one.delivers]
        now = {one.name: one.content_mac for one in delivering if one.content_mac}
        ref = ref_of(workload)
        exists = ref in self._carrier.children
        if any(one.version is None for one in outcomes) and not exists:
            return
        if self._is_over(ref):
            self._found.running = self._digest
            return
        change, live = todo.workload, self._live_stamp(ref)
        if len(now) < len(delivering):
            change = await self._replan(with_stamp(workload, live))
        else:
            wanted = workload if now == macs else self._render(now).workload
            self._held = self._restart_waits(ref, live, stamp_of(wanted))
            if self._held:
                change = await self._replan(with_stamp(wanted, live))
            if change if self._held else now != macs:
                change = await self._replan(wanted)  # rolled out anyway: once for both
        there = self._carrier.children.get(ref)
        change = judge_run(change, there.rollout if there else None, settled=self._settled)
        if change:
            await self._carrier.carry_out((change,))
            if ref.kind == "Deployment" and live and self._live_stamp(ref) != live:
                self._tools.restarts.began(self._seen.uid)
        self._found.running = self._digest

    def _live_stamp(self, ref: Ref) -> str:
        child = self._carrier.children.get(ref)
        return child.stamp if child else ""

    def _restart_waits(self, ref: Ref, live: str, wanted: str) -> float | None:
        """Seconds that a Deployment's restart for its secrets waits; None when it need not."""
        if ref.kind != "Deployment" or not live:
            return None
        if live == wanted:
            self._tools.restarts.settled(self._seen.uid)
            return None
        return self._tools.restarts.wait(self._seen.uid, wanted) or None

    def _settle(self, rendered: Rendered) -> None:
        namespace, name = self._key
        names = (secret_name(name, one.name) for one in delivered_secrets(self._workflow))
        wanted = {Ref("Secret", namespace, secret) for secret in names}
        over = self._is_over(ref_of(rendered.workload))
        children = rendered.guards if over else rendered.children
        self._tools.world.settle(self._key, wanted | {ref_of(one) for one in children})

    async def _replan(self, workload: Obj) -> Change | None:
        todo = await self._carrier.plan((), workload, fresh=False)
        if todo.refused:
            raise refused(todo)
        return todo.workload

    async def _drop_undeclared(self) -> float | None:
        def rolled_out() -> bool:
            rollout = self._rollout(self._render({}).workload)
            return rollout is None or rollout.progress is Progress.READY

        return await drop_undeclared(self._tools, self._key, self._seen, self._workflow, rolled_out)

    def _rollout(self, workload: Obj) -> Rollout | None:
        ref = ref_of(workload)
        if self._is_over(ref):
            return Rollout(Progress.READY, Reason.COMPLETED, "the run has completed")
        child = self._carrier.children.get(ref)
        return child.rollout if child and child.owner == self._seen.uid else None

    def _is_over(self, ref: Ref) -> bool:
        there = self._carrier.children.keys() - self._carrier.missed
        return is_over(ref, there, self._workflow, settled=self._settled)


def _soonest(seconds: Iterable[float | None]) -> float | None:
    return min((one for one in seconds if one is not None), default=None)
