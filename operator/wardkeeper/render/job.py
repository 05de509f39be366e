# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A workload that ends.

Kubernetes never changes the pod template of a Job. So a Job must not carry anything that changes
while the workflow stays the same: no MAC of its secrets, no version of the operator. It is kept
after its end: a Job that cleaned itself up would be missing, and would be made to run again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.render.metadata import Obj, metadata
from wardkeeper.render.pod import render_pod_template

if TYPE_CHECKING:
    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.render.surroundings import Surroundings

_BACKOFF_LIMIT = 6


def render_job(workflow: HealthcareWorkflow, surroundings: Surroundings) -> Obj:
    """The Job; its pods read a changed secret from the files, they are not restarted for it."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(workflow, surroundings, workflow.metadata.name),
        "spec": render_job_spec(workflow, surroundings),
    }


def render_job_spec(
    workflow: HealthcareWorkflow, surroundings: Surroundings, *, mac: str | None = None
) -> Obj:
    """The part that a Job and the Jobs of a CronJob have in common: one pod, run to its end.

    A pod that failed is left as it is, so that its logs can be read; the next one is a new pod.
    """
    workload = workflow.spec.workload
    spec: Obj = {
        "backoffLimit": (
            _BACKOFF_LIMIT if workload.backoff_limit is None else workload.backoff_limit
        ),
        "completions": 1,
        "parallelism": 1,
        "suspend": False,
        "template": render_pod_template(workflow, surroundings, restart_policy="Never", mac=mac),
    }
    if workload.active_deadline_seconds is not None:
        spec["activeDeadlineSeconds"] = workload.active_deadline_seconds
    return spec
