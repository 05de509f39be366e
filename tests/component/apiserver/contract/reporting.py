# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The workflow itself: what its status begins with, and how it is written."""

from __future__ import annotations

from typing import Any

import pytest

from tests.component.apiserver.contract.api import WORKFLOW, Api, fields_of, version_of
from tests.component.apiserver.samples import condition, workflow
from wardkeeper.kube.errors import Invalid


def _status(api: Api, *kinds: str, generation: int = 1) -> dict[str, Any]:
    conditions = [condition(kind, "True") for kind in kinds]
    status = {"observedGeneration": generation, "conditions": conditions}
    metadata = {"namespace": api.namespace, "name": "a"}
    head = {"apiVersion": WORKFLOW.api_version, "kind": WORKFLOW.kind}
    return {**head, "metadata": metadata, "status": status}


class Reporting:
    async def test_a_new_workflow_is_one_that_nobody_has_seen(self, api: Api) -> None:
        answers = [await api.theirs.create(workflow(api.namespace, "a"))]
        answers.append(await api.ours.get(WORKFLOW, api.namespace, "a"))
        for answer in answers:
            assert answer["status"] == {"observedGeneration": -1}
            assert answer["metadata"]["generation"] == 1

    async def test_a_status_is_owned_condition_by_condition(self, api: Api) -> None:
        await api.theirs.create(workflow(api.namespace, "a"))
        told = await api.ours.apply(_status(api, "Ready", "Stalled"), subresource="status")
        owned = fields_of(told, "wardkeeper", "Apply", "status")["f:status"]
        assert set(owned) == {"f:observedGeneration", "f:conditions"}
        assert set(owned["f:conditions"]) == {'k:{"type":"Ready"}', 'k:{"type":"Stalled"}'}
        assert told["metadata"]["generation"] == 1

    async def test_a_condition_no_longer_told_goes_away(self, api: Api) -> None:
        await api.theirs.create(workflow(api.namespace, "a"))
        await api.ours.apply(_status(api, "Ready", "Stalled"), subresource="status")
        told = await api.ours.apply(_status(api, "Ready"), subresource="status")
        assert [item["type"] for item in told["status"]["conditions"]] == ["Ready"]

    async def test_the_same_status_again_writes_nothing(self, api: Api) -> None:
        await api.theirs.create(workflow(api.namespace, "a"))
        first = await api.ours.apply(_status(api, "Ready"), subresource="status")
        second = await api.ours.apply(_status(api, "Ready"), subresource="status")
        assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]

    async def test_a_finalizer_moves_the_version_but_not_the_generation(self, api: Api) -> None:
        made = await api.theirs.create(workflow(api.namespace, "a"))
        held = _status(api)
        del held["status"]
        held["metadata"]["finalizers"] = ["wardkeeper.io/cleanup"]
        after = await api.ours.apply(held)
        assert after["metadata"]["finalizers"] == ["wardkeeper.io/cleanup"]
        assert after["metadata"]["generation"] == 1
        assert after["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]
        assert after["spec"] == made["spec"]

    async def test_a_workflow_being_deleted_counts_as_changed_and_still_takes_a_status(
        self, api: Api
    ) -> None:
        made = await api.theirs.create(workflow(api.namespace, "a"))
        ops = [{"op": "add", "path": "/metadata/finalizers", "value": ["wardkeeper.io/cleanup"]}]
        await api.ours.json_patch(WORKFLOW, api.namespace, "a", ops)
        uid = made["metadata"]["uid"]
        await api.theirs.delete(WORKFLOW, api.namespace, "a", uid=uid)
        told = await api.ours.apply(_status(api, "Ready", generation=2), subresource="status")
        assert told["metadata"]["deletionTimestamp"]
        assert told["metadata"]["generation"] == 2
        assert told["status"]["observedGeneration"] == 2
        version = await version_of(api, WORKFLOW)
        ops = [{"op": "remove", "path": "/metadata/finalizers"}]
        await api.ours.json_patch(WORKFLOW, api.namespace, "a", ops)
        events = api.ours.watch(WORKFLOW, api.namespace, version)
        assert [(await anext(events))[0]] == ["DELETED"]
        await events.aclose()

    async def test_a_workflow_is_never_replaced_blindly(self, api: Api) -> None:
        await api.theirs.create(workflow(api.namespace, "a"))
        with pytest.raises(Invalid):
            await api.theirs.replace(workflow(api.namespace, "a"))
