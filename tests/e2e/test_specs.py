# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Specs that the definition lets in and that cannot be carried out as they are."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.waiting import until
from tests.component.workflows import cron_job, small, workflow
from tests.e2e.stories import is_ready
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from tests.e2e.stories import Place

NAME, NIGHTLY = "router", "export"


def test_a_peer_that_does_not_exist_is_closed_until_it_does_and_after_it_has_gone(
    place: Place,
) -> None:
    peer = {"name": "archive", "kind": "TCP", "workflow": {"name": "archive"}, "port": 2575}
    place.create(workflow(NAME, endpoints=[peer]))
    until(lambda: endpoint(place) == ("Closed", "PeerMissing"), "the endpoint is closed")
    event = place.until_event(NAME, "PeerMissing", f"{place.namespace}/archive")
    assert event["type"] == "Warning"
    assert "2575" not in str(place.read("NetworkPolicy", f"{NAME}-allow")["spec"]["egress"])
    place.create(small("archive"))
    until(lambda: endpoint(place)[0] == "Open", "the endpoint is open")
    assert "2575" in str(place.read("NetworkPolicy", f"{NAME}-allow")["spec"]["egress"])
    place.delete(KIND, "archive")
    until(lambda: endpoint(place)[0] == "Closed", "the endpoint is closed again")
    assert "2575" not in str(place.read("NetworkPolicy", f"{NAME}-allow")["spec"]["egress"])


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"timeZone": "Mars/Olympus_Mons"}, "spec.workload.timeZone"),
        ({"schedule": "0 0 30 2 *"}, "spec.workload.schedule"),
    ],
    ids=["unknown time zone", "never"],
)
def test_a_spec_that_only_the_operator_sees_through_leaves_the_last_one_in_force(
    place: Place, wrong: dict[str, Any], field: str
) -> None:
    made = cron_job(NIGHTLY)
    place.create(made)
    place.until_ready(NIGHTLY)
    before = copy.deepcopy(place.read("CronJob", NIGHTLY)["spec"])
    place.edit(KIND, NIGHTLY, {"spec": {"workload": wrong}})
    stalled = place.until_told(NIGHTLY, "Stalled", "SpecInvalid")
    assert field in stalled["message"]
    assert next(iter(wrong.values())) in stalled["message"]
    assert place.condition(NIGHTLY, "Admitted")["status"] == "False"
    place.until_event(NIGHTLY, "SpecInvalid", field)
    assert place.read("CronJob", NIGHTLY)["spec"] == before
    place.edit("CronJob", NIGHTLY, {"spec": {"schedule": "* * * * *"}})
    until(lambda: place.read("CronJob", NIGHTLY)["spec"] == before, "it is still repaired")
    place.delete("NetworkPolicy", f"{NIGHTLY}-deny")
    until(lambda: place.get("NetworkPolicy", f"{NIGHTLY}-deny"), "so are its guards")
    assert not is_ready(place.read(KIND, NIGHTLY))
    right = {"timeZone": "America/New_York", "schedule": "15 3 * * *"}
    place.edit(KIND, NIGHTLY, {"spec": {"workload": right}})
    place.until_ready(NIGHTLY)
    assert place.read("CronJob", NIGHTLY)["spec"]["schedule"] == "15 3 * * *"


def endpoint(place: Place) -> tuple[str, str]:
    """State and reason of the only endpoint."""
    told = place.status(NAME).get("endpoints", [{"state": "", "reason": ""}])[0]
    return told["state"], told["reason"]
