# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Wardkeeper installed for some namespaces: at work there, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.installation import USER, Installation
from tests.cluster.waiting import until
from tests.component.workflows import cron_job, secret
from tests.e2e.stage import Stage
from tests.e2e.stories import Place
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from collections.abc import Iterator

ENROLLED, OUTSIDE, NAME = "radiology", "elsewhere", "export"
RULES = [{"apiGroups": [""], "resources": ["services"], "verbs": ["list"]}]


@pytest.fixture(scope="module")
def installed() -> Iterator[Stage]:
    """A cluster on which the operator holds rights in one namespace only."""
    settings = {"namespaces": [ENROLLED]}
    with Cluster("controllers", openbao=True) as cluster:
        for name in (ENROLLED, OUTSIDE):
            cluster.create_namespace(name)
        with Installation(cluster, overlay="namespace-install", settings=settings) as operator:
            stage = Stage(cluster, operator)
            with stage.session:
                yield stage


def test_an_enrolled_namespace_is_served_and_another_is_left_alone(installed: Stage) -> None:
    mark = installed.mark()
    inside, outside = (Place(installed, name) for name in (ENROLLED, OUTSIDE))
    made = cron_job(NAME, access={"rules": RULES}, secrets=[secret()])
    outside.create(made)
    inside.create(made)
    inside.until_ready(NAME)
    assert len(inside.children(NAME)) == 7
    inside.delete("NetworkPolicy", f"{NAME}-deny")
    until(lambda: inside.get("NetworkPolicy", f"{NAME}-deny"), "it is put back")
    inside.until_event(NAME, "DriftRepaired")
    inside.delete(KIND, NAME)
    until(lambda: inside.get(KIND, NAME) is None, "it is gone")
    until(lambda: inside.children(NAME) == {}, "its children are gone")
    assert outside.children(NAME) == {}
    assert outside.status(NAME) == {"observedGeneration": -1}
    by_operator = [one for one in installed.audit(mark) if one["user"]["username"] == USER]
    places = {one["objectRef"].get("namespace") for one in by_operator}
    assert places <= {ENROLLED, "wardkeeper-system"}
    assert [one for one in by_operator if one["responseStatus"]["code"] == 403] == []


def test_it_asks_for_nothing_that_it_is_refused(installed: Stage) -> None:
    refused = [name for name in installed.operator.metrics() if 'code="403"' in name]
    assert refused == []
    said = installed.operator.said()
    assert [line for line in said if line["level"] in ("error", "critical")] == []
