# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the run of a Job takes place, or takes place again. Pure.

A Job is never run again for a spec that it has run for already: not when its object is removed
afterwards, and not when a later operator would render it differently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.reasons import ConditionType, Reason
from wardkeeper.engine.drift import changed_by_others
from wardkeeper.engine.plan import Action
from wardkeeper.engine.writer import runs

if TYPE_CHECKING:
    from collections.abc import Container

    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.engine.plan import Change
    from wardkeeper.engine.rollout import Rollout
    from wardkeeper.kube.resource import Ref


def is_over(
    ref: Ref, children: Container[Ref], workflow: HealthcareWorkflow, *, settled: bool
) -> bool:
    """Whether the Job of this very spec has completed and its object is gone.

    Args:
        ref: the workload.
        children: those that there are.
        workflow: with the status as it was last written.
        settled: this very spec has been carried out before.
    """
    told = {one.type: one.reason for one in workflow.status.conditions}
    return (
        ref.kind == "Job"
        and settled
        and ref not in children
        and told.get(ConditionType.WORKLOAD_AVAILABLE) == Reason.COMPLETED
    )


def judge_run(change: Change | None, rollout: Rollout | None, *, settled: bool) -> Change | None:
    """What of a change of the workload may be done: a run is begun anew only where it must be.

    For another spec it is when it has ended; for this one only if somebody changed what it does.

    Args:
        change: what is to be done.
        rollout: where the run stands; None when there is none.
        settled: this very spec has been carried out before.

    Raises:
        Transient: it must wait.
    """
    if change is None or change.ref.kind != "Job" or change.action is not Action.REPLACE:
        return change
    if settled:
        over = rollout is not None and rollout.reason is Reason.COMPLETED
        return change if changed_by_others(change) and not over else None
    if rollout is not None and rollout.running:
        raise runs(change.ref)
    return change
