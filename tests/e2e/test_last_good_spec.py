# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What ran before keeps running, and is still repaired, while a newer spec is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.cluster.cluster import Cluster
from tests.cluster.installation import PROJECT, Installation
from tests.cluster.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "nightly-claims-export"


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    """An operator of its own, for it is stopped and started."""
    with Cluster("api") as cluster, Installation(cluster, vault=False) as made:
        cluster.create_namespace("claims")
        yield made


def _apply(made: Installation, time_zone: str) -> None:
    text = (PROJECT / "manifests/samples/nightly-claims-export.yaml").read_text()
    documents = list(yaml.safe_load_all(text))
    workflow = next(one for one in documents if one["kind"] == "HealthcareWorkflow")
    del workflow["spec"]["secrets"]
    workflow["spec"]["workload"]["timeZone"] = time_zone
    made.cluster.apply(workflow)


def _ready(made: Installation) -> dict[str, Any]:
    found = made.cluster.get("healthcareworkflow", NAME, "claims") or {}
    conditions = found.get("status", {}).get("conditions", ())
    return next(
        (
            one
            for one in conditions
            if one["type"] == "Ready"
            and one["observedGeneration"] == found["metadata"]["generation"]
        ),
        {},
    )


def _policy_uid(made: Installation) -> str:
    policy = made.cluster.get("networkpolicy", f"{NAME}-deny", "claims")
    return str(policy["metadata"]["uid"]) if policy else ""


@pytest.mark.cluster("api")
def test_an_operator_that_starts_later_still_repairs_what_ran_before(
    installation: Installation,
) -> None:
    made = installation
    _apply(made, "America/New_York")
    until(lambda: _ready(made).get("status") == "True", "the workflow is Ready")
    _apply(made, "America/Gotham")
    until(lambda: _ready(made).get("reason") == "SpecInvalid", "the spec is refused")
    assert "America/Gotham" in _ready(made)["message"]

    made.stop()
    before = _policy_uid(made)
    made.cluster.kubectl("delete", "networkpolicy", f"{NAME}-deny", "-n", "claims")
    made.start()
    until(lambda: _policy_uid(made) not in ("", before), "the policy is back")
    cron = made.cluster.get("cronjob", NAME, "claims")
    assert cron is not None
    assert cron["spec"]["timeZone"] == "America/New_York"

    _apply(made, "Europe/Berlin")
    until(lambda: _ready(made).get("status") == "True", "the repaired spec is carried out")
    until(
        lambda: not made.cluster.items("controllerrevisions", "claims"),
        "no old spec is kept any more",
    )
