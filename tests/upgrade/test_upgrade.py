# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Upgrade, downgrade, removal and return, with workflows that live through all of it.

From each release that was ever made: nothing of a workflow is written that has not changed, and no
workload is restarted. Releases are kept as the packages that they were, in `releases/`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.chart.release import DEFINITIONS, Release
from tests.chart.rendering import CHART
from tests.cluster.cluster import Cluster
from tests.cluster.installation import NAMESPACE
from tests.cluster.waiting import COLLECTS, until
from tests.component.workflows import cron_job, job, secret, workflow
from tests.e2e.stage import RefusedError, Stage
from tests.e2e.stories import Place, fresh_place
from tests.upgrade.freeze import packages
from wardkeeper.api.credential import CREDENTIAL_KIND
from wardkeeper.api.workflow import KIND, PLURAL

if TYPE_CHECKING:
    from collections.abc import Iterator

RELEASES = packages()
ROUTER, NIGHTLY, ONCE = "router", "export", "backfill"
NAMES = (ROUTER, NIGHTLY, ONCE)
VALUES = {"vault": {"address": "https://vault.vault.svc:8200"}}
POLICIES = "validatingadmissionpolicies"


@pytest.fixture(scope="module", params=RELEASES, ids=lambda path: path.stem)
def package(request: pytest.FixtureRequest) -> Path:
    """A release of old."""
    assert isinstance(request.param, Path)
    return request.param


@pytest.fixture(scope="module")
def stage(package: Path) -> Iterator[Stage]:
    """A cluster with a release of old, and its operator at work."""
    with (
        Cluster("simulated", openbao=True) as cluster,
        Release(cluster, chart=package, values=VALUES) as operator,
    ):
        made = Stage(cluster, operator)
        with made.session:
            yield made


@pytest.fixture(scope="module")
def place(stage: Stage) -> Iterator[Place]:
    """A namespace with a workflow of each kind, Ready."""
    with fresh_place(stage) as made:
        made.create(workflow(ROUTER, secrets=[secret()]))
        made.create(cron_job(NIGHTLY, secrets=[secret()]))
        made.create(job(ONCE))
        for name in NAMES:
            made.until_ready(name)
        yield made


def release_of(stage: Stage) -> Release:
    assert isinstance(stage.operator, Release)
    return stage.operator


def generations(place: Place) -> dict[Any, Any]:
    """What every child is; a status that a controller writes does not count."""
    return {
        (name, *key): (child["metadata"]["uid"], child["metadata"].get("generation"))
        for name in NAMES
        for key, child in place.children(name).items()
    }


def pods(place: Place) -> set[str]:
    return {
        one["metadata"]["uid"] for one in place.stage.cluster.items("pods", place.namespace, "")
    }


def left(place: Place) -> bool:
    """Whether there is still anything of a workflow."""
    return bool(pods(place)) or any(place.children(name) for name in NAMES)


def written(place: Place, mark: int) -> list[str]:
    """What the operator wrote of workflows; that a Job ended meanwhile stands in its status."""
    return [one.resource for one in place.writes(mark) if one.resource != f"{PLURAL}/status"]


def definitions(stage: Stage) -> list[str]:
    """Which definitions are there; one that was made anew has another uid."""
    found = [stage.cluster.get("crd", name) for name in DEFINITIONS]
    return [one["metadata"]["uid"] for one in found if one]


def looked_at(stage: Stage) -> bool:
    """Whether the operator has passed over every workflow since it started."""
    told = stage.operator.metrics()
    passes = sum(
        n for name, n in told.items() if name.startswith("controller_runtime_reconcile_total")
    )
    waits = told.get(
        'workqueue_depth{name="healthcareworkflow",controller="healthcareworkflow"}', 0
    )
    return passes >= len(NAMES) and not waits


def let_go(stage: Stage, entry: dict[str, Any]) -> bool:
    """Take the finalizers off an entry of the ledger; False while a policy still refuses."""
    where = (CREDENTIAL_KIND, NAMESPACE, entry["metadata"]["name"])
    released: Any = {"metadata": {"finalizers": []}}
    try:
        stage.send("PATCH", *where, body=released, content="application/merge-patch+json")
    except RefusedError as error:
        if "denied request" in str(error):
            return False
        raise
    return True


def shut_out(stage: Stage) -> bool:
    """Whether the operator has seen that it may do nothing any more."""
    try:
        told = stage.operator.metrics()
    except requests.ConnectionError:
        return True
    return any(n for name, n in told.items() if 'code="401"' in name or 'code="403"' in name)


def restart(stage: Stage, change: Any) -> str:
    """Have the operator of before end, change the release, and have another one begin."""
    stage.operator.stop()
    said = str(change())
    stage.operator.start()
    until(lambda: looked_at(stage), "every workflow was looked at")
    return said


def test_there_is_a_release_to_upgrade_from() -> None:
    assert RELEASES


def test_an_upgrade_writes_nothing_to_children_and_restarts_nothing(
    stage: Stage, place: Place
) -> None:
    before, running, mark = generations(place), pods(place), stage.mark()
    restart(stage, lambda: release_of(stage).upgrade(CHART, VALUES))
    assert written(place, mark) == []
    assert generations(place) == before
    assert pods(place) == running
    for name in NAMES:
        place.reconciled(name)
    assert written(place, mark) == []


def test_a_downgrade_does_neither(stage: Stage, place: Place) -> None:
    before, running, mark = generations(place), pods(place), stage.mark()
    restart(stage, release_of(stage).roll_back)
    assert written(place, mark) == []
    assert generations(place) == before
    assert pods(place) == running


def test_what_runs_for_workflows_goes_on_when_the_release_is_removed(
    stage: Stage, place: Place
) -> None:
    before, running, mark = generations(place), pods(place), stage.mark()
    said = release_of(stage).uninstall()
    until(lambda: shut_out(stage), "the operator is refused, or has ended")
    stage.operator.stop()
    assert "[CustomResourceDefinition] healthcareworkflows.wardkeeper.io" in said
    assert not [
        one
        for one in stage.cluster.items(POLICIES, "", "")
        if "wardkeeper" in one["metadata"]["name"]
    ]
    assert generations(place) == before
    assert pods(place) == running
    assert written(place, mark) == []


def test_a_release_that_comes_back_takes_over_what_is_there(stage: Stage, place: Place) -> None:
    before, running, mark = generations(place), pods(place), stage.mark()
    release_of(stage).upgrade(CHART, VALUES)
    stage.operator.start()
    until(lambda: looked_at(stage), "every workflow was looked at")
    assert written(place, mark) == []
    assert generations(place) == before
    assert pods(place) == running


def test_no_value_and_no_earlier_release_makes_helm_take_the_definitions_away(
    stage: Stage, place: Place, package: Path
) -> None:
    release, before = release_of(stage), definitions(stage)
    stage.operator.stop()
    release.upgrade(package, {**VALUES, "crds": {"keep": False}})  # an earlier chart had a choice
    release.upgrade(CHART, VALUES)
    release.upgrade(CHART, {**VALUES, "crds": {"enabled": False}})
    release.roll_back()
    release.uninstall()
    assert definitions(stage) == before
    assert all(place.get(KIND, name) for name in NAMES)


def test_with_the_operator_gone_finalizers_are_taken_off_by_hand_and_the_rest_follows(
    stage: Stage, place: Place
) -> None:
    for name in NAMES:
        place.delete(KIND, name)
    held = [name for name in NAMES if place.get(KIND, name)]
    assert held == [ROUTER, NIGHTLY]  # they have secrets in Vault
    released: Any = {"metadata": {"finalizers": []}}
    for name in held:
        place.edit(KIND, name, released)
    for entry in stage.cluster.items("issuedcredentials", NAMESPACE, ""):
        until(lambda e=entry: let_go(stage, e), "the guard of the ledger is gone, too")  # type: ignore[misc]
    until(lambda: not left(place), "what ran for the workflows is collected", seconds=COLLECTS)
    stage.cluster.kubectl("delete", "crd", *DEFINITIONS)
