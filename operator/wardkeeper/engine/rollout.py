# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""How far a workload has come, from its own status. Pure.

A workload is read the way `kubectl rollout status` and kstatus read it: a status that speaks of
an older generation says nothing yet.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from wardkeeper.api.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping


class Progress(StrEnum):
    """Where a workload stands."""

    READY = "Ready"
    MOVING = "Moving"
    STUCK = "Stuck"


class Rollout(NamedTuple):
    """Where a workload stands, why, and what a person reads.

    Attributes:
        running: a pod of a Job's run is at work.
        rolled_out: fingerprint, within this process, of the spec that a Deployment has rolled out.
    """

    progress: Progress
    reason: Reason
    message: str
    running: bool = False
    rolled_out: int = 0


def observe(workload: Mapping[str, Any], before: Rollout | None = None) -> Rollout:
    """Where a live Deployment, CronJob or Job stands; `before` is where this one stood."""
    kind = workload.get("kind")
    if kind == "Deployment":
        return _deployment(workload, before)
    if kind == "Job":
        return _job(workload)
    return Rollout(Progress.READY, Reason.SCHEDULED, "the schedule is in place")


def _deployment(live: Mapping[str, Any], before: Rollout | None) -> Rollout:
    status = live.get("status", {})
    spec = hash(orjson.dumps(live.get("spec", {}), option=orjson.OPT_SORT_KEYS)) or 1
    if status.get("observedGeneration", 0) < live["metadata"].get("generation", 0):
        if before and before.rolled_out == spec:  # an annotation makes a generation as well
            return before
        return Rollout(
            Progress.MOVING, Reason.ROLLOUT_IN_PROGRESS, "the change is not yet taken up"
        )
    conditions = {one["type"]: one for one in status.get("conditions", ())}
    failure = conditions.get("ReplicaFailure")
    if failure and failure["status"] == "True":
        return _refused(failure.get("message", "pods cannot be created"))
    progressing = conditions.get("Progressing", {})
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return Rollout(
            Progress.STUCK,
            Reason.ROLLOUT_STUCK,
            f"{progressing.get('message', 'the rollout has stopped')}; look at the pods' events",
        )
    wanted = live.get("spec", {}).get("replicas", 1)
    updated = status.get("updatedReplicas", 0)
    total = status.get("replicas", 0)
    available = status.get("availableReplicas", 0)
    if updated < wanted or total > updated or available < updated:
        return Rollout(
            Progress.MOVING,
            Reason.ROLLOUT_IN_PROGRESS,
            f"waits until {wanted} pods are updated and available",
        )
    return Rollout(
        Progress.READY,
        Reason.AVAILABLE,
        f"{wanted} pods are updated and available",
        rolled_out=spec,
    )


def _refused(message: str) -> Rollout:
    quota = "exceeded quota" in message
    return Rollout(
        Progress.MOVING,
        Reason.QUOTA_EXCEEDED if quota else Reason.WRITE_REFUSED,
        f"pods are refused: {message}",
    )


def _job(live: Mapping[str, Any]) -> Rollout:
    status = live.get("status", {})
    conditions = {one["type"]: one for one in status.get("conditions", ())}
    if conditions.get("Complete", {}).get("status") == "True":
        return Rollout(Progress.READY, Reason.COMPLETED, "the run has completed")
    failed = conditions.get("Failed", {})
    if failed.get("status") == "True":
        return Rollout(
            Progress.STUCK,
            Reason.FAILED,
            f"the run has failed: {failed.get('message', 'no reason given')}",
        )
    active = bool(status.get("active"))
    if active or _between_pods(status):
        return Rollout(Progress.READY, Reason.RUNNING, "the run is under way", running=active)
    return Rollout(Progress.MOVING, Reason.ROLLOUT_IN_PROGRESS, "the run has not started yet")


def _between_pods(status: Mapping[str, Any]) -> bool:
    """Whether a pod of the run has ended, and neither the run nor, yet, another pod began."""
    counted = ("succeeded", "failed", "terminating")
    uncounted = status.get("uncountedTerminatedPods") or {}
    return any(status.get(one) for one in counted) or any(uncounted.values())
