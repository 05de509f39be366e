# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""How far a workload has come, read as kubectl and kstatus read it."""

from __future__ import annotations

from typing import Any

import pytest

from wardkeeper.api.reasons import Reason
from wardkeeper.engine.rollout import Progress, observe


def deployment(wanted: int | None = 2, generation: int = 3, **status: Any) -> dict[str, Any]:
    spec = {} if wanted is None else {"replicas": wanted}
    return {
        "kind": "Deployment",
        "metadata": {"generation": generation},
        "spec": spec,
        "status": {"observedGeneration": generation} | status,
    }


def counts(updated: int, total: int, available: int) -> dict[str, int]:
    return {"updatedReplicas": updated, "replicas": total, "availableReplicas": available}


def conditions(*each: dict[str, str]) -> dict[str, Any]:
    return {"conditions": list(each)}


FAILED_TO_CREATE = {
    "type": "ReplicaFailure",
    "status": "True",
    "message": 'pods "x" is forbidden: violates PodSecurity',
}
NO_QUOTA = {
    "type": "ReplicaFailure",
    "status": "True",
    "message": 'pods "x" is forbidden: exceeded quota: small',
}
TOO_LATE = {
    "type": "Progressing",
    "status": "False",
    "reason": "ProgressDeadlineExceeded",
    "message": "ReplicaSet has timed out progressing",
}


@pytest.mark.parametrize(
    ("live", "progress", "reason"),
    [
        (deployment(**counts(2, 2, 2)), Progress.READY, Reason.AVAILABLE),
        (deployment(None, **counts(1, 1, 1)), Progress.READY, Reason.AVAILABLE),
        (deployment(0), Progress.READY, Reason.AVAILABLE),
        (deployment(), Progress.MOVING, Reason.ROLLOUT_IN_PROGRESS),
        (deployment(**counts(1, 2, 2)), Progress.MOVING, Reason.ROLLOUT_IN_PROGRESS),
        (deployment(**counts(2, 3, 2)), Progress.MOVING, Reason.ROLLOUT_IN_PROGRESS),
        (deployment(**counts(2, 2, 1)), Progress.MOVING, Reason.ROLLOUT_IN_PROGRESS),
        (deployment(0, **counts(0, 1, 1)), Progress.MOVING, Reason.ROLLOUT_IN_PROGRESS),
        (deployment(**conditions(FAILED_TO_CREATE)), Progress.MOVING, Reason.WRITE_REFUSED),
        (deployment(**conditions(NO_QUOTA)), Progress.MOVING, Reason.QUOTA_EXCEEDED),
        (deployment(**conditions(TOO_LATE)), Progress.STUCK, Reason.ROLLOUT_STUCK),
        (
            deployment(**counts(2, 2, 2), observedGeneration=2),
            Progress.MOVING,
            Reason.ROLLOUT_IN_PROGRESS,
        ),
        (
            {"kind": "Deployment", "metadata": {"generation": 1}, "spec": {}},
            Progress.MOVING,
            Reason.ROLLOUT_IN_PROGRESS,
        ),
        ({"kind": "CronJob", "metadata": {}}, Progress.READY, Reason.SCHEDULED),
    ],
)
def test_a_workload_stands_where_its_status_says(
    live: dict[str, Any], progress: Progress, reason: Reason
) -> None:
    found = observe(live)
    assert (found.progress, found.reason) == (progress, reason)
    assert found.message


@pytest.mark.parametrize(
    ("status", "progress", "reason", "running"),
    [
        ({}, Progress.MOVING, Reason.ROLLOUT_IN_PROGRESS, False),
        ({"active": 1}, Progress.READY, Reason.RUNNING, True),
        ({"failed": 1}, Progress.READY, Reason.RUNNING, False),
        ({"terminating": 1}, Progress.READY, Reason.RUNNING, False),
        ({"uncountedTerminatedPods": {}}, Progress.MOVING, Reason.ROLLOUT_IN_PROGRESS, False),
        (
            {"uncountedTerminatedPods": {"succeeded": ["uid"]}},
            Progress.READY,
            Reason.RUNNING,
            False,
        ),
        (
            conditions({"type": "Complete", "status": "True"}),
            Progress.READY,
            Reason.COMPLETED,
            False,
        ),
        (
            conditions({"type": "Complete", "status": "False"}),
            Progress.MOVING,
            Reason.ROLLOUT_IN_PROGRESS,
            False,
        ),
        (
            conditions({"type": "Failed", "status": "True", "message": "backoff"}),
            Progress.STUCK,
            Reason.FAILED,
            False,
        ),
    ],
)
def test_a_job_stands_where_its_status_says(
    status: dict[str, Any], progress: Progress, reason: Reason, running: bool
) -> None:
    found = observe({"kind": "Job", "metadata": {}, "status": status})
    assert (found.progress, found.reason, found.running) == (progress, reason, running)


def test_a_generation_that_changes_nothing_is_no_new_rollout() -> None:
    """An annotation of the Deployment makes a generation as well."""
    done = observe(deployment(**counts(2, 2, 2)))
    noted = deployment(generation=4, observedGeneration=3, **counts(2, 2, 2))
    assert observe(noted, done) == done
    changed = deployment(3, generation=4, observedGeneration=3, **counts(2, 2, 2))
    assert observe(changed, done).progress is Progress.MOVING


def test_words_of_the_server_reach_the_user() -> None:
    assert "violates PodSecurity" in observe(deployment(**conditions(FAILED_TO_CREATE))).message
    assert "timed out" in observe(deployment(**conditions(TOO_LATE))).message
