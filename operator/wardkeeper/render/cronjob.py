# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A workload that comes again. Runs never overlap unless the workflow says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.workload import ConcurrencyPolicy
from wardkeeper.render.job import render_job_spec
from wardkeeper.render.metadata import Obj, metadata, selector
from wardkeeper.render.pod import secrets_mac

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.render.surroundings import Surroundings

DEFAULT_TIME_ZONE = "Etc/UTC"
_STARTING_DEADLINE_SECONDS = 300
_SUCCEEDED_JOBS_KEPT = 3
_FAILED_JOBS_KEPT = 3


def render_cron_job(
    workflow: HealthcareWorkflow, surroundings: Surroundings, macs: Mapping[str, str]
) -> Obj:
    """The CronJob; a changed secret is there at the next run.

    Its Jobs carry only the workflow label: they belong to the CronJob, and must not look like
    children of the workflow.
    """
    workload = workflow.spec.workload
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": metadata(workflow, surroundings, workflow.metadata.name),
        "spec": {
            "concurrencyPolicy": (workload.concurrency_policy or ConcurrencyPolicy.FORBID).value,
            "failedJobsHistoryLimit": _FAILED_JOBS_KEPT,
            "jobTemplate": {
                "metadata": {"labels": selector(workflow)},
                "spec": render_job_spec(workflow, surroundings, mac=secrets_mac(workflow, macs)),
            },
            "schedule": workload.schedule,
            "startingDeadlineSeconds": (
                workload.starting_deadline_seconds or _STARTING_DEADLINE_SECONDS
            ),
            "successfulJobsHistoryLimit": _SUCCEEDED_JOBS_KEPT,
            "suspend": False,
            "timeZone": workload.time_zone or DEFAULT_TIME_ZONE,
        },
    }
