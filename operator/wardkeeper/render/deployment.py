# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A workload that stays. A rollout never takes a serving pod away before its successor serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.render.metadata import Obj, metadata, selector
from wardkeeper.render.pod import render_pod_template, secrets_mac

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.render.surroundings import Surroundings

_MIN_READY_SECONDS = 2
_PROGRESS_DEADLINE_SECONDS = 600
_REVISIONS_KEPT = 5


def render_deployment(
    workflow: HealthcareWorkflow, surroundings: Surroundings, macs: Mapping[str, str]
) -> Obj:
    """The Deployment; without declared replicas their number belongs to an autoscaler."""
    spec: Obj = {
        "minReadySeconds": _MIN_READY_SECONDS,
        "progressDeadlineSeconds": _PROGRESS_DEADLINE_SECONDS,
        "revisionHistoryLimit": _REVISIONS_KEPT,
        "selector": {"matchLabels": selector(workflow)},
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
        },
        "template": render_pod_template(
            workflow, surroundings, restart_policy="Always", mac=secrets_mac(workflow, macs)
        ),
    }
    if workflow.spec.workload.replicas is not None:
        spec["replicas"] = workflow.spec.workload.replicas
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(workflow, surroundings, workflow.metadata.name),
        "spec": spec,
    }
