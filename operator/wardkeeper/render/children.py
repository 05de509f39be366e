# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""All children of a workflow, in the order in which they are applied.

The guards (identity, closed network, rights) come before the workload: no pod template may ever
exist without them. Secrets are not here; rotation publishes them between the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wardkeeper.api.workload import WorkloadKind
from wardkeeper.render.cronjob import render_cron_job
from wardkeeper.render.deployment import render_deployment
from wardkeeper.render.job import render_job
from wardkeeper.render.networkpolicy import render_allow, render_deny
from wardkeeper.render.poddisruptionbudget import render_pod_disruption_budget
from wardkeeper.render.role import render_role, render_role_binding
from wardkeeper.render.service import render_service
from wardkeeper.render.serviceaccount import render_service_account

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.policy.verdict import Verdict
    from wardkeeper.render.metadata import Obj
    from wardkeeper.render.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class Rendered:
    """The guards in the order of their application, and the workload that comes last."""

    guards: tuple[Obj, ...]
    workload: Obj

    @property
    def children(self) -> tuple[Obj, ...]:
        """Everything, in the order of application; teardown goes the other way."""
        return (*self.guards, self.workload)


def render(
    workflow: HealthcareWorkflow,
    verdict: Verdict,
    surroundings: Surroundings,
    *,
    macs: Mapping[str, str],
) -> Rendered:
    """The objects that a workflow needs, canonical and deterministic.

    Args:
        workflow: what is wanted.
        verdict: which endpoints may be reached; `policy.judge` made it for this very workflow.
        surroundings: the cluster as it is.
        macs: the content MAC of each delivered secret, by the secret's name in the spec.

    Raises:
        ValueError: the verdict holds problems; such a spec has no children.
    """
    if verdict.problems:
        fields = ", ".join(one.field for one in verdict.problems)
        raise ValueError(f"{workflow.metadata.name} cannot be rendered; first repair {fields}")
    guards = (
        render_service_account(workflow, surroundings),
        render_deny(workflow, surroundings),
        render_allow(workflow, verdict, surroundings),
        render_role(workflow, surroundings),
        render_role_binding(workflow, surroundings),
        render_service(workflow, surroundings),
        render_pod_disruption_budget(workflow, surroundings),
    )
    return Rendered(
        guards=tuple(one for one in guards if one is not None),
        workload=_workload(workflow, surroundings, macs),
    )


def _workload(
    workflow: HealthcareWorkflow, surroundings: Surroundings, macs: Mapping[str, str]
) -> Obj:
    match workflow.spec.workload.kind:
        case WorkloadKind.DEPLOYMENT:
            return render_deployment(workflow, surroundings, macs)
        case WorkloadKind.CRON_JOB:
            return render_cron_job(workflow, surroundings, macs)
        case WorkloadKind.JOB:
            return render_job(workflow, surroundings)
