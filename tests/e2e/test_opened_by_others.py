# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Policies that somebody else writes in the namespace of a workflow, on the real API server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.component.policies import LEAVING_OUT, of, policy
from tests.component.workflows import cron_job, small

if TYPE_CHECKING:
    from tests.e2e.stage import Obj, Stage
    from tests.e2e.stories import Place

NAME, NIGHTLY = "router", "export"
OPENED = "OpenedByOthers"


def test_a_policy_of_somebody_else_is_told_and_left_alone_until_it_leaves_the_workflow_out(
    stage: Stage, place: Place
) -> None:
    place.create(small(NAME))
    place.until_ready(NAME)
    mark = stage.mark()
    theirs = place.create(policy("allow-all", place.namespace))
    closed = place.until_told(NAME, "NetworkClosed", OPENED)
    assert closed["status"] == "False"
    assert "allow-all (ingress)" in closed["message"]
    assert place.condition(NAME, "Ready")["reason"] == OPENED
    place.until_told(NAME, "Stalled", OPENED)
    place.until_event(NAME, OPENED, "allow-all")
    found = place.read("NetworkPolicy", "allow-all")
    assert found["metadata"]["resourceVersion"] == theirs["metadata"]["resourceVersion"]

    place.edit("NetworkPolicy", "allow-all", {"spec": {"podSelector": LEAVING_OUT}})
    place.until_ready(NAME)
    assert place.condition(NAME, "NetworkClosed")["status"] == "True"
    written = [(one.resource, one.name) for one in place.writes(mark)]
    assert written == [("healthcareworkflows/status", NAME)] * 2
    assert len(place.events(NAME, OPENED)) == 1


@pytest.mark.parametrize(
    ("spec", "ways"),
    [
        ({"ingress": [{}]}, "ingress"),
        ({"egress": [{}]}, "egress"),
        ({"ingress": [{}], "egress": [{}]}, "ingress, egress"),
    ],
)
def test_what_the_api_server_makes_of_a_policy_without_types_is_what_is_told(
    place: Place, spec: Obj, ways: str
) -> None:
    place.create(cron_job(NIGHTLY))
    place.until_ready(NIGHTLY)
    place.create(policy("theirs", place.namespace, of(NIGHTLY), **spec))
    closed = place.until_told(NIGHTLY, "NetworkClosed", OPENED)
    assert f"theirs ({ways})" in closed["message"]
    place.delete("NetworkPolicy", "theirs")
    place.until_ready(NIGHTLY)


def test_what_happened_while_no_operator_ran_is_told_at_its_start(
    stage: Stage, place: Place
) -> None:
    place.create(small(NAME))
    place.until_ready(NAME)
    stage.operator.stop()
    place.create(policy("allow-all", place.namespace))
    stage.operator.start()
    place.until_told(NAME, "NetworkClosed", OPENED)
    place.until_event(NAME, OPENED, "allow-all")  # which nobody would write who is stopped before
    mark = stage.mark()
    stage.operator.stop()
    stage.operator.start()
    place.reconciled(NAME)
    changes = [one for one in place.writes(mark) if "status" not in one.resource]
    assert changes == []
    assert place.condition(NAME, "NetworkClosed")["reason"] == OPENED
    assert len(place.events(NAME, OPENED)) == 1
