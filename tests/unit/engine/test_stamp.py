# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The stamp by which pods follow their secrets."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.component.workflows import secret, small
from tests.unit.engine.objects import UID
from wardkeeper.api.workflow import HealthcareWorkflow
from wardkeeper.engine.seen import Child, stamp_of
from wardkeeper.engine.stamp import known_macs, with_stamp
from wardkeeper.kube.resource import Ref
from wardkeeper.render.pod import SECRETS_MAC

MAC = "wardkeeper.io/content-mac"


def template(stamp: str | None) -> dict[str, Any]:
    annotations = {} if stamp is None else {"annotations": {SECRETS_MAC: stamp}}
    return {"metadata": {"labels": {"a": "b"}, **annotations}, "spec": {}}


def deployment(stamp: str | None) -> dict[str, Any]:
    return {"kind": "Deployment", "spec": {"template": template(stamp)}}


def cron_job(stamp: str | None) -> dict[str, Any]:
    return {"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": template(stamp)}}}}


@pytest.mark.parametrize("made", [deployment, cron_job])
@pytest.mark.parametrize("live", ["old", None])
@pytest.mark.parametrize("wanted", ["new", None])
def test_while_a_secret_is_unknown_the_pods_keep_the_stamp_they_have(
    made: Any, live: str | None, wanted: str | None
) -> None:
    desired = made(wanted)
    untouched = copy.deepcopy(desired)
    assert with_stamp(desired, live or "") == made(live)
    assert desired == untouched


@pytest.mark.parametrize("made", [deployment, cron_job])
def test_the_stamp_that_a_workload_carries_is_read_from_its_template(made: Any) -> None:
    assert stamp_of(made("old")) == "old"
    assert stamp_of(made(None)) == ""


def test_macs_are_those_of_the_delivered_secrets_of_this_workflow() -> None:
    raw = small("router", secrets=[secret("db"), secret("api")])
    workflow = HealthcareWorkflow.model_validate(raw)
    space = raw["metadata"]["namespace"]

    def delivered(**annotations: str) -> Child:
        return Child("u", UID, 1, None, annotations=annotations)

    children = {
        Ref("Secret", space, "router-db"): delivered(**{MAC: "mac-of-db"}),
        Ref("Secret", space, "router-api"): delivered(),
        Ref("Secret", space, "router-old"): delivered(**{MAC: "mac-of-old"}),
    }
    assert known_macs(workflow, children) == {"db": "mac-of-db"}
