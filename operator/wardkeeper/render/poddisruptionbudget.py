# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""How many pods of a workflow may be taken away on purpose at the same time: one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.workload import WorkloadKind
from wardkeeper.render.metadata import Obj, metadata, selector

if TYPE_CHECKING:
    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.render.surroundings import Surroundings


def render_pod_disruption_budget(
    workflow: HealthcareWorkflow, surroundings: Surroundings
) -> Obj | None:
    """The PodDisruptionBudget; none below two declared replicas, where it could only be in the way.

    Pods that are not ready may always be evicted: a broken pod must not keep a node from being
    drained.
    """
    workload = workflow.spec.workload
    if workload.kind is not WorkloadKind.DEPLOYMENT or (workload.replicas or 0) < 2:
        return None
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(workflow, surroundings, workflow.metadata.name),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": selector(workflow)},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }
