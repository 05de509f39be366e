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
from wardkeeper.engine.plan import Action, Change, Live
from wardkeeper.engine.seen import Child
from wardkeeper.engine.stamp import known_macs, with_live_stamp
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
    ref = Ref(desired["kind"], "radiology", "router")
    change = Change(Action.REPAIR, ref, desired, Live("u", UID, 1, made(live)))
    assert with_live_stamp(desired, change) == made(live)
    assert desired == untouched


def test_a_workload_that_is_not_there_yet_gets_no_stamp_for_an_unknown_secret() -> None:
    assert with_live_stamp(deployment("new"), None) == deployment(None)


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
