# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What the status of a workflow promises to people, to kubectl and to kstatus."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.cluster.waiting import until
from tests.component.workflows import OTHER_IMAGE, SCHEDULE, container, cron_job, secret, workflow
from tests.e2e.stories import condition_of, fresh_place, is_ready
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.stage import Change, Obj, Stage
    from tests.e2e.stories import Place

NAME, NIGHTLY = "router", "export"


class Story:
    """A workflow from its creation over a change of its image to Ready again."""

    def __init__(self, place: Place) -> None:
        since = place.version()
        place.create(workflow(NAME, secrets=[secret()]))
        wait_as_people_do(place)
        images = [container(image=OTHER_IMAGE)]
        changed = place.edit(KIND, NAME, {"spec": {"workload": {"containers": images}}})
        wait_as_people_do(place)
        self.deployment = place.read("Deployment", NAME)
        self.generation = changed["metadata"]["generation"]
        self.history = place.history(since, KIND, "Deployment")
        self.workflows = [one.obj for one in self.history if one.obj["kind"] == KIND]


@pytest.fixture(scope="module")
def story(stage: Stage) -> Iterator[Story]:
    """Played once."""
    stage.settle()
    with fresh_place(stage) as place:
        yield Story(place)


def test_kubectl_wait_returns_when_the_changed_spec_runs_and_not_earlier(story: Story) -> None:
    live, status = story.deployment, story.deployment["status"]
    [running] = live["spec"]["template"]["spec"]["containers"]
    assert running["image"] == OTHER_IMAGE
    assert status["observedGeneration"] == live["metadata"]["generation"]
    assert status["updatedReplicas"] == status["availableReplicas"] == status["replicas"] == 2


def test_at_no_revision_is_a_workflow_ready_whose_pods_are_not(story: Story) -> None:
    early = []
    deployment: Obj = {}
    for change in story.history:
        if change.obj["kind"] == "Deployment":
            deployment = change.obj
        elif is_ready(change.obj) and not runs(deployment, change):
            early.append(change.version)
    assert early == []
    assert is_ready(story.workflows[-1])


def test_at_every_revision_the_status_has_the_shape_that_kstatus_reads(story: Story) -> None:
    assert story.workflows[0]["status"] == {"observedGeneration": -1}
    for one in story.workflows:
        if "conditions" not in one["status"]:
            continue
        ready, going, stuck = (
            condition_of(one, kind).get("status") for kind in ("Ready", "Reconciling", "Stalled")
        )
        assert (ready, going, stuck) in (("True", None, None), ("False", "True", None))
        assert one["status"]["observedGeneration"] <= one["metadata"]["generation"]
        for condition in one["status"]["conditions"]:
            assert condition["observedGeneration"] == one["status"]["observedGeneration"]
            assert condition["reason"]


def test_the_way_to_ready_is_told_in_few_words(story: Story) -> None:
    told = [one for one in story.workflows if "conditions" in one["status"]]
    said = [(one["metadata"]["generation"], one["status"]) for one in told]
    assert [one for one, after in pairwise(said) if one == after] == []
    reasons = {condition_of(one, "Ready")["reason"] for one in told}
    assert reasons == {"RolloutInProgress", "Converged"}


def test_a_request_to_look_again_is_answered_even_when_nothing_is_to_be_done(
    stage: Stage, place: Place
) -> None:
    place.create(cron_job(NIGHTLY))
    place.until_ready(NIGHTLY)
    for value in ("2026-01-01T00:00:00Z", "again"):
        mark = stage.mark()
        place.annotate(NIGHTLY, reconcile_at=value)
        until(
            lambda v=value: place.status(NIGHTLY).get("lastHandledReconcileAt") == v,  # type: ignore[misc]
            "it is answered",
        )
        writes = place.writes(mark, events=True)
        assert [one.resource for one in writes] == ["healthcareworkflows/status"]


def test_audit_mode_writes_status_and_nothing_else(stage: Stage, place: Place) -> None:
    mark = stage.mark()
    place.create(cron_job(NIGHTLY, mode="Audit", secrets=[secret()]))
    ready = place.until_told(NIGHTLY, "Ready", "WouldChange")
    assert f"create CronJob {NIGHTLY}" in ready["message"]
    place.reconciled(NIGHTLY)
    assert {one.resource for one in place.writes(mark)} == {"healthcareworkflows/status"}
    assert place.children(NIGHTLY) == {}
    assert place.kv_version(NIGHTLY, "db") == 0
    assert "finalizers" not in place.read(KIND, NIGHTLY)["metadata"]
    place.edit(KIND, NIGHTLY, {"spec": {"mode": "Enforce"}})
    place.until_ready(NIGHTLY)


def test_in_audit_mode_drift_is_reported_and_left_until_the_mode_is_enforce_again(
    stage: Stage, place: Place
) -> None:
    place.create(cron_job(NIGHTLY))
    place.until_ready(NIGHTLY)
    place.edit(KIND, NIGHTLY, {"spec": {"mode": "Audit"}})
    place.until_told(NIGHTLY, "Ready", "AuditMode")
    mark = stage.mark()
    place.edit("CronJob", NIGHTLY, {"spec": {"schedule": "0 0 * * *"}})
    ready = place.until_told(NIGHTLY, "Ready", "WouldChange")
    assert f"repair CronJob {NIGHTLY}" in ready["message"]
    assert place.read("CronJob", NIGHTLY)["spec"]["schedule"] == "0 0 * * *"
    place.edit(KIND, NIGHTLY, {"spec": {"mode": "Enforce"}})
    place.until_ready(NIGHTLY)
    assert place.read("CronJob", NIGHTLY)["spec"]["schedule"] == SCHEDULE
    assert {one.resource for one in place.writes(mark)} == {
        "healthcareworkflows/status",
        "cronjobs",
    }


def test_a_number_of_replicas_that_the_workflow_leaves_out_belongs_to_an_autoscaler(
    stage: Stage, place: Place
) -> None:
    workload = {"kind": "Deployment", "containers": [container()]}
    place.create(workflow(NAME, workload=workload))
    place.until_ready(NAME)
    mark = stage.mark()
    place.edit("Deployment", NAME, {"spec": {"replicas": 3}}, "autoscaler")
    until(lambda: "3 pods" in place.condition(NAME, "Ready")["message"], "three pods are there")
    place.reconciled(NAME)
    assert place.read("Deployment", NAME)["spec"]["replicas"] == 3
    assert {one.resource for one in place.writes(mark)} == {"healthcareworkflows/status"}


def wait_as_people_do(place: Place) -> None:
    """`kubectl wait`, at once after a change."""
    where = ("-n", place.namespace, "--timeout=55s")
    place.stage.cluster.kubectl("wait", f"hcw/{NAME}", "--for=condition=Ready", *where)


def runs(deployment: Obj, change: Change) -> bool:
    """Whether a Deployment has rolled out the image of a workflow."""
    [wanted] = change.obj["spec"]["workload"]["containers"]
    [running] = deployment["spec"]["template"]["spec"]["containers"]
    status = deployment["status"]
    counts = [status.get(f"{one}eplicas") for one in ("r", "updatedR", "availableR")]
    return running["image"] == wanted["image"] and counts == [2, 2, 2]


def test_a_number_of_replicas_that_is_taken_out_of_the_spec_stays_for_the_autoscaler(
    place: Place,
) -> None:
    workload = {"kind": "Deployment", "replicas": 3, "containers": [container()]}
    place.create(workflow(NAME, workload=workload))
    place.until_ready(NAME)
    since = place.version()
    place.edit(KIND, NAME, [{"op": "remove", "path": "/spec/workload/replicas"}])
    place.until_ready(NAME)
    seen = [one.obj["spec"]["replicas"] for one in place.history(since, "Deployment")]
    assert set(seen) <= {3}
    assert place.read("Deployment", NAME)["spec"]["replicas"] == 3
    place.edit("Deployment", NAME, {"spec": {"replicas": 4}}, "autoscaler")
    place.reconciled(NAME)
    assert place.read("Deployment", NAME)["spec"]["replicas"] == 4
    assert "drift" not in place.status(NAME)
