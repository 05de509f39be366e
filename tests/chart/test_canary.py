# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The canary of a release: there while it is wanted, and gone with the release or the wish.

Workflows of people stay in either case.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.chart.release import Release
from tests.chart.rendering import CHART
from tests.cluster.cluster import Cluster
from tests.cluster.installation import NAMESPACE
from tests.cluster.waiting import COLLECTS, until
from tests.component.workflows import workflow
from tests.e2e.stage import Stage
from tests.e2e.stories import Place, fresh_place
from wardkeeper.api.workflow import KIND
from wardkeeper.render.canary import CANARY

if TYPE_CHECKING:
    from collections.abc import Iterator

DIGEST = "sha256:" + "a" * 64
WITHOUT: dict[str, Any] = {"image": {"digest": DIGEST}}
WITH: dict[str, Any] = {**WITHOUT, "canary": {"enabled": True}}
ROUTER = "router"
OF_THE_CANARY = ("serviceaccount", "networkpolicy", "service", "deployment", "pod")


pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """A release with a canary, and the operator at work."""
    with Cluster("simulated") as cluster:
        port = cluster.run.port("canary")
        image = f"wardkeeper@{DIGEST}"
        verification = {"canary": "Enabled", "image": image, "port": port, "every": 1}
        settings = {"verification": verification}
        with Release(cluster, values=WITH, vault=False, settings=settings) as operator:
            made = Stage(cluster, operator)
            with made.session:
                yield made


@pytest.fixture(scope="module")
def place(stage: Stage) -> Iterator[Place]:
    """A namespace with somebody's workflow, carried out."""
    with ExitStack() as ending:
        made = ending.enter_context(fresh_place(stage))
        made.create(workflow(ROUTER))
        until(lambda: made.get("Deployment", ROUTER), "it runs")
        yield made


def of_the_canary(stage: Stage) -> list[str]:
    """What there is of the canary: its workflow, and what was made of that."""
    selector = f"wardkeeper.io/workflow={CANARY}"
    kinds = ",".join(OF_THE_CANARY)
    found = [one["kind"] for one in stage.cluster.items(kinds, NAMESPACE, selector)]
    return found + [KIND] * bool(stage.cluster.get("hcw", CANARY, NAMESPACE))


def until_it_runs(stage: Stage) -> None:
    wanted = {KIND, "Deployment", "Pod", "NetworkPolicy"}
    until(lambda: wanted <= set(of_the_canary(stage)), "the canary runs", seconds=COLLECTS)


def until_gone(stage: Stage) -> None:
    until(lambda: not of_the_canary(stage), "nothing is left of the canary", seconds=COLLECTS)


def release_of(stage: Stage) -> Release:
    assert isinstance(stage.operator, Release)
    return stage.operator


def test_where_it_is_wanted_it_runs(stage: Stage) -> None:
    until_it_runs(stage)


def test_it_goes_when_nobody_wants_it_any_more_and_comes_back_with_the_wish(
    stage: Stage, place: Place
) -> None:
    until_it_runs(stage)
    before = place.children(ROUTER)
    release_of(stage).upgrade(CHART, WITHOUT)
    until_gone(stage)
    release_of(stage).upgrade(CHART, WITH)
    until_it_runs(stage)
    assert place.children(ROUTER).keys() == before.keys()


def test_it_goes_with_the_release_and_workflows_of_people_stay(stage: Stage, place: Place) -> None:
    until_it_runs(stage)
    before = place.children(ROUTER)
    release_of(stage).uninstall()
    until_gone(stage)
    stage.operator.stop()
    assert place.get(KIND, ROUTER)
    assert {ref: one["metadata"]["uid"] for ref, one in place.children(ROUTER).items()} == {
        ref: one["metadata"]["uid"] for ref, one in before.items()
    }
