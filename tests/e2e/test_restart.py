# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The operator is stopped, killed, doubled and cut off: what it finds, and what it leaves alone."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
import requests

from tests.cluster.installation import Installation
from tests.cluster.waiting import until
from tests.component.workflows import SCHEDULE, cron_job, secret, small, workflow
from tests.e2e.stage import RefusedError
from tests.e2e.stories import CHILD_KINDS, fresh_place
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.stage import Stage
    from tests.e2e.stories import Place

FULL, TWIN, NIGHTLY = "router", "twin", "export"
SYSTEM = "wardkeeper-system"


@pytest.fixture(scope="module")
def home(stage: Stage) -> Iterator[Place]:
    """Three workflows, Ready: two with every kind of child and a CronJob."""
    stage.settle()
    with fresh_place(stage) as place:
        place.create(workflow(FULL, secrets=[secret()]))
        place.create(workflow(TWIN, secrets=[secret()]))
        place.create(cron_job(NIGHTLY, secrets=[secret()]))
        for name in (FULL, TWIN, NIGHTLY):
            place.until_ready(name)
        yield place


@pytest.fixture
def settled(stage: Stage, home: Place) -> Place:
    """The same, with the operator running and nothing left to do."""
    stage.settle()
    for name in (FULL, TWIN, NIGHTLY):
        home.until_ready(name)
        home.reconciled(name)
    return home


@pytest.fixture
def standby(stage: Stage) -> Iterator[Installation]:
    """A second operator, which waits; the first one leads again afterwards."""
    stage.settle()
    until(lambda: holder(stage) == "operator_1", "the first one leads")
    other = Installation(stage.cluster, name="standby")
    other.start()
    yield other
    stage.settle()
    other.stop()


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_a_restart_writes_nothing(stage: Stage, settled: Place, ending: str) -> None:
    mark = stage.mark()
    getattr(stage.operator, ending)()
    stage.operator.start()
    until(lambda: looked_at_everything(stage), "every workflow was looked at")
    assert settled.writes(mark, events=True) == []


def test_labels_and_annotations_of_others_stay_and_cause_no_write(
    stage: Stage, settled: Place
) -> None:
    mark = stage.mark()
    theirs = {"labels": {"team": "lab"}, "annotations": {"example.org/cost-centre": "7"}}
    for name in (FULL, NIGHTLY):
        settled.edit(KIND, name, {"metadata": theirs}, "labeller")
        for kind, child in settled.children(name):
            settled.edit(kind, child, {"metadata": theirs}, "labeller")
    lose_all(settled, TWIN)  # when these are back, every watch has told of the labels as well
    ours = [one for one in settled.writes(mark, events=True) if not one.name.startswith(TWIN)]
    assert [one for one in ours if one.resource != "events"] == []
    for kind, child in settled.children(FULL):
        assert settled.read(kind, child)["metadata"]["labels"]["team"] == "lab"


def test_edits_made_while_no_operator_ran_are_undone_at_start_and_nothing_else_is_written(
    stage: Stage, settled: Place
) -> None:
    told = settled.status(FULL)["drift"]["repaired"] if "drift" in settled.status(FULL) else 0
    value = settled.values(f"{FULL}-db")
    stage.operator.stop()
    mark = stage.mark()
    settled.delete("NetworkPolicy", f"{FULL}-deny")
    settled.edit("Role", FULL, {"rules": []})
    settled.edit("Service", FULL, {"spec": {"selector": {"app": "other"}}})
    settled.edit("Secret", f"{FULL}-db", {"stringData": {"password": "forged"}})
    settled.edit("CronJob", NIGHTLY, {"spec": {"schedule": "0 0 * * *"}})
    stage.operator.start()
    until(lambda: settled.status(FULL).get("drift", {}).get("repaired", 0) == told + 4, "four back")
    until(lambda: "drift" in settled.status(NIGHTLY), "and the fifth")
    until(lambda: looked_at_everything(stage), "every workflow was looked at")
    assert settled.values(f"{FULL}-db") == value
    assert settled.read("CronJob", NIGHTLY)["spec"]["schedule"] == SCHEDULE
    written = sorted(
        (one.resource, one.name)
        for one in settled.writes(mark)
        if one.resource not in ("healthcareworkflows/status", "serviceaccounts/token")
    )
    assert written == [
        ("cronjobs", NIGHTLY),
        ("networkpolicies", f"{FULL}-deny"),
        ("roles", FULL),
        ("secrets", f"{FULL}-db"),
        ("services", FULL),
    ]


def test_of_two_replicas_one_leads_and_the_other_is_ready_and_writes_nothing(
    stage: Stage, settled: Place, standby: Installation
) -> None:
    until(lambda: leads(stage.operator), "the first one knows that it leads")
    assert not leads(standby)
    assert standby.ready()
    lose_all(settled, TWIN)
    sent = [name for name in standby.metrics() if name.startswith("rest_client_requests_total")]
    assert sent
    assert all('method="GET"' in name or 'method="WATCH"' in name for name in sent), sent


def test_a_leader_that_is_asked_to_stop_hands_over_at_once(
    stage: Stage, settled: Place, standby: Installation
) -> None:
    stage.operator.stop()
    until(lambda: holder(stage) == "standby_1", "the other one leads", seconds=5)
    until(lambda: leads(standby), "it knows that it does")
    lose_all(settled, TWIN)


def test_a_leader_that_is_killed_is_followed_within_twenty_seconds_and_its_work_is_taken_up(
    stage: Stage, settled: Place, standby: Installation
) -> None:
    before, policy = settled.read("Role", TWIN)["rules"], f"{TWIN}-deny"
    stage.operator.kill()
    settled.delete("NetworkPolicy", policy)
    settled.edit("Role", TWIN, {"rules": []})
    until(lambda: holder(stage) == "standby_1", "the other one leads", seconds=20)
    until(lambda: settled.get("NetworkPolicy", policy), "the policy is put back")
    until(lambda: settled.read("Role", TWIN)["rules"] == before, "so is the Role")
    assert leads(standby)


def test_an_outage_of_the_api_server_changes_nothing_and_work_goes_on_after_it(
    stage: Stage, settled: Place
) -> None:
    before = {key: one["metadata"]["uid"] for key, one in settled.children(FULL).items()}
    mark = stage.mark()
    server = stage.cluster.processes["kube-apiserver"]
    server.kill()
    server.start()
    until(lambda: answers(stage), "the API server is back", seconds=60)
    settled.annotate(FULL, reconcile_at="after the outage")
    until(
        lambda: settled.status(FULL).get("lastHandledReconcileAt") == "after the outage",
        "it was looked at",
        check=stage.settle,  # a kubelet would start an operator anew, whenever it gave up
    )
    assert {key: one["metadata"]["uid"] for key, one in settled.children(FULL).items()} == before
    written = {one.resource for one in settled.writes(mark)}
    assert written <= {"healthcareworkflows/status"}
    lose_all(settled, TWIN)


def test_an_operator_that_ended_by_itself_is_cleared_away_when_another_one_begins(
    stage: Stage, settled: Place
) -> None:
    """Else the warning about a child that nobody waited for would fail any test after this."""
    ended = stage.operator.process
    assert ended is not None
    assert ended.identity is not None
    os.kill(ended.identity.pid, signal.SIGKILL)
    until(lambda: ended.identity is None, "it has ended")
    stage.settle()
    ended.check()  # it would say that it died, if nobody had waited for it
    settled.reconciled(FULL)


def test_a_peer_that_goes_while_the_api_server_comes_back_is_missed_soon(
    stage: Stage, place: Place
) -> None:
    """The watch has lost its place by then, and a new list does not tell what is gone."""
    peer = {"name": "archive", "kind": "TCP", "workflow": {"name": "archive"}, "port": 2577}
    place.create(small("archive"))
    place.create(cron_job(NIGHTLY, endpoints=[peer]))
    place.until_ready(NIGHTLY)
    server = stage.cluster.processes["kube-apiserver"]
    server.kill()
    server.start()
    until(lambda: answers(stage), "the API server is back", seconds=60)
    place.delete(KIND, "archive", propagationPolicy="Background")
    until(
        lambda: "2577" not in str(place.read("NetworkPolicy", f"{NIGHTLY}-allow")["spec"]),
        "the way to it is closed",
        check=stage.settle,  # a kubelet would start an operator anew, whenever it gave up
    )


def lose_all(place: Place, name: str) -> None:
    """Delete every child of a workflow but its pods' maker, and wait until all are back."""
    lost = {
        key: one["metadata"]["uid"]
        for key, one in place.children(name).items()
        if key[0] != "Deployment"
    }
    assert {kind for kind, _ in lost} == set(CHILD_KINDS) - {"Deployment", "CronJob", "Job"}
    for kind, child in lost:
        place.delete(kind, child)

    def back() -> bool:
        there = {key: one["metadata"]["uid"] for key, one in place.children(name).items()}
        return all(key in there and there[key] != uid for key, uid in lost.items())

    until(back, f"the children of {name} are back")


def looked_at_everything(stage: Stage) -> bool:
    """Whether the operator has had a pass over each workflow since it started, and none is due."""
    found = stage.operator.metrics()
    passes = sum(
        value
        for name, value in found.items()
        if name.startswith("controller_runtime_reconcile_total")
    )
    waiting = sum(
        value
        for name, value in found.items()
        if name.startswith(("workqueue_depth", "controller_runtime_active_workers"))
    )
    workflows = stage.send("GET", KIND)["items"]
    return passes >= len(workflows) and not waiting


def holder(stage: Stage) -> str:
    """Who holds the Lease."""
    lease = stage.get("Lease", SYSTEM, "wardkeeper") or {}
    return str(lease.get("spec", {}).get("holderIdentity", ""))


def leads(operator: Installation) -> bool:
    """Whether a process says that it leads."""
    return operator.metrics()['leader_election_master_status{name="wardkeeper"}'] == 1


def answers(stage: Stage) -> bool:
    """Whether the API server serves our kind."""
    try:
        return bool(stage.send("GET", KIND))
    except (RefusedError, requests.ConnectionError, requests.Timeout):
        return False
