# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Creating, replacing, patching: versions, conflicts, generations, status."""

from __future__ import annotations

import pytest

from tests.component.apiserver.contract.api import (
    CONFIG_MAP,
    Api,
    fields_of,
)
from tests.component.apiserver.samples import config_map, deployment, lease
from wardkeeper.kube.errors import Conflict, Invalid, NotFound


class Writing:
    async def test_a_name_can_be_taken_once(self, api: Api) -> None:
        await api.ours.create(config_map(api.namespace, "a"))
        with pytest.raises(Conflict) as caught:
            await api.ours.create(config_map(api.namespace, "a"))
        assert caught.value.reason == "AlreadyExists"

    async def test_uids_are_unique_and_versions_grow(self, api: Api) -> None:
        first = await api.ours.create(config_map(api.namespace, "a"))
        second = await api.ours.create(config_map(api.namespace, "b"))
        assert first["metadata"]["uid"] != second["metadata"]["uid"]
        versions = [int(obj["metadata"]["resourceVersion"]) for obj in (first, second)]
        assert versions[0] < versions[1]

    async def test_a_stale_replace_conflicts(self, api: Api) -> None:
        old = await api.ours.create(config_map(api.namespace, "a"))
        await api.theirs.replace({**old, "data": {"key": "theirs"}})
        with pytest.raises(Conflict):
            await api.ours.replace({**old, "data": {"key": "ours"}})

    async def test_a_lease_is_never_replaced_blindly(self, api: Api) -> None:
        await api.ours.create(lease(api.namespace, "a", "me"))
        with pytest.raises(Invalid):
            await api.ours.replace(lease(api.namespace, "a", "you"))

    async def test_a_failing_json_patch_test_changes_nothing(self, api: Api) -> None:
        before = await api.ours.create(config_map(api.namespace, "a"))
        ops = [
            {"op": "test", "path": "/metadata/uid", "value": "another"},
            {"op": "remove", "path": "/data"},
        ]
        with pytest.raises(Invalid):
            await api.ours.json_patch(CONFIG_MAP, api.namespace, "a", ops)
        after = await api.ours.get(CONFIG_MAP, api.namespace, "a")
        assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]

    async def test_a_json_patch_removes_what_it_names(self, api: Api) -> None:
        await api.ours.create(config_map(api.namespace, "a", key="1", other="2"))
        ops = [{"op": "remove", "path": "/data/other"}]
        after = await api.ours.json_patch(CONFIG_MAP, api.namespace, "a", ops)
        assert after["data"] == {"key": "1"}

    async def test_a_merge_patch_removes_by_null(self, api: Api) -> None:
        await api.ours.create(config_map(api.namespace, "a", key="1", other="2"))
        code, after = await api.send(
            "PATCH",
            CONFIG_MAP.path(api.namespace, "a"),
            {"data": {"other": None}},
            "application/merge-patch+json",
        )
        assert (code, after["data"]) == (200, {"key": "1"})

    async def test_only_a_changed_spec_moves_the_generation(self, api: Api) -> None:
        made = await api.ours.apply(deployment(api.namespace, "a"))
        labelled = await api.ours.apply(deployment(api.namespace, "a", labels={"x": "y"}))
        assert labelled["metadata"]["generation"] == made["metadata"]["generation"] == 1
        assert labelled["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]
        changed = await api.ours.apply(deployment(api.namespace, "a", replicas=3))
        assert changed["metadata"]["generation"] == 2

    async def test_status_and_the_rest_are_written_apart(self, api: Api) -> None:
        made = await api.ours.apply(
            {**deployment(api.namespace, "a"), "status": {"observedGeneration": 7}}
        )
        assert made.get("status", {}).get("observedGeneration") is None
        status = {"observedGeneration": 1, "replicas": 2}
        after = await api.ours.apply(
            {**deployment(api.namespace, "a", replicas=5), "status": status}, subresource="status"
        )
        assert after["spec"]["replicas"] == made["spec"]["replicas"]
        assert after["status"]["replicas"] == 2
        assert after["metadata"]["generation"] == 1
        owned = fields_of(after, "wardkeeper", "Apply", "status")
        assert owned == {"f:status": {"f:observedGeneration": {}, "f:replicas": {}}}

    async def test_a_dry_run_answers_and_changes_nothing(self, api: Api) -> None:
        made = await api.ours.apply(config_map(api.namespace, "a", key="1"))
        tried = await api.ours.apply(config_map(api.namespace, "a", key="2"), dry_run=True)
        assert tried["data"] == {"key": "2"}
        after = await api.ours.get(CONFIG_MAP, api.namespace, "a")
        assert after["data"] == {"key": "1"}
        assert after["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]

    async def test_nothing_is_created_in_a_namespace_that_is_not_there(self, api: Api) -> None:
        with pytest.raises(NotFound):
            await api.ours.apply(config_map("not-there", "a"))
