# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The value of a secret stands in the Secret and in Vault, and nowhere else."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import requests

from tests.cluster.waiting import until
from tests.component.workflows import cron_job, secret, workflow
from tests.e2e.stories import CHILD_KINDS
from tests.e2e.strangers import refusing
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from tests.e2e.stage import Stage
    from tests.e2e.stories import Place

NAME = "router"
SPEAKING = "has(object.data) && 'password' in object.data ? string(object.data['password']) : ''"
"""What a careless policy says: what it has found."""

PROBE = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "probe"}}


def test_values_are_in_no_status_event_label_log_line_metric_or_audit_line(
    stage: Stage, place: Place
) -> None:
    mark = stage.mark()
    place.create(workflow(NAME, secrets=[secret()]))
    place.until_ready(NAME)
    values = place.values(f"{NAME}-db")
    place.edit("Secret", f"{NAME}-db", {"stringData": {"password": "forged"}})
    until(lambda: place.values(f"{NAME}-db") == values, "it is put back")
    place.annotate(NAME, rotate_now="db")
    until(lambda: place.values(f"{NAME}-db") != values, "it is rotated")
    place.until_event(NAME, "Rotated")
    values += [*place.values(f"{NAME}-db"), *held(place, "_mac_key")]
    assert len(set(values)) == 3
    assert leaks(values, {**outside(place), "audit log": json.dumps(stage.audit(mark))}) == []
    assert leaks(values[:1], {"the search itself": f"x{values[0]}x"})


def test_a_value_that_a_policy_quotes_in_its_refusal_goes_no_further(place: Place) -> None:
    with refusing(place, "secrets", PROBE, SPEAKING):
        place.create(cron_job(NAME, secrets=[secret()]))
        place.until_told(NAME, "Ready", "WriteRefused")
        place.until_event(NAME, "WriteRefused")
        values = held(place, "password", "_mac_key")
        assert leaks(values, outside(place)) == []
    place.until_ready(NAME)
    assert leaks(place.values(f"{NAME}-db"), outside(place)) == []


def held(place: Place, *fields: str) -> list[str]:
    """What OpenBao holds; `_mac_key` is the key of the fingerprints, which nobody is given."""
    path = f"secret/data/hw/{place.namespace}/{NAME}/db"
    data = place.stage.cluster.openbao.api("GET", path)["data"]["data"]
    return [str(data[one]) for one in fields]


def outside(place: Place) -> dict[str, str]:
    """Every place where people and programs look that hold no secret."""
    children = [
        {key: value for key, value in one.items() if (kind, key) != ("Secret", "data")}
        for kind in CHILD_KINDS
        for one in place.items(kind)
    ]
    operator = place.stage.operator
    return {
        "workflow": json.dumps(place.read(KIND, NAME)),
        "children": json.dumps(children),
        "pods": json.dumps(place.items("Pod")),
        "events": json.dumps(place.items("Event")),
        "log": operator.log.read_text(),
        "metrics": requests.get(f"{operator.address}/metrics", timeout=10).text,
    }


def leaks(values: list[str], places: dict[str, str]) -> list[str]:
    """The places that hold one of these values, in one of the forms it is written in."""
    forms = {
        form for value in values for form in (value, base64.b64encode(value.encode()).decode()[:-3])
    }
    return [name for name, text in places.items() if any(form in text for form in forms)]
