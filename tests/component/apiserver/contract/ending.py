# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Deleting: finalizers, uids, owners, namespaces."""

from __future__ import annotations

import pytest

from tests.cluster.waiting import COLLECTS
from tests.component.apiserver.contract.api import (
    CONFIG_MAP,
    NAMESPACE,
    Api,
    fields_of,
    next_events,
)
from tests.component.apiserver.samples import config_map
from wardkeeper.kube.errors import Conflict, Forbidden, Invalid, NotFound


class Ending:
    async def test_a_finalizer_keeps_an_object_until_it_is_removed(self, api: Api) -> None:
        obj = config_map(api.namespace, "a")
        obj["metadata"]["finalizers"] = ["example.org/wait"]
        made = await api.ours.apply(obj)
        uid = made["metadata"]["uid"]
        assert fields_of(made, "wardkeeper", "Apply")["f:metadata"]["f:finalizers"] == {
            'v:"example.org/wait"': {}
        }
        assert await api.ours.delete(CONFIG_MAP, api.namespace, "a", uid=uid)
        ending = await api.ours.get(CONFIG_MAP, api.namespace, "a")
        assert ending["metadata"]["deletionTimestamp"]
        ops = [{"op": "add", "path": "/metadata/finalizers/-", "value": "example.org/more"}]
        with pytest.raises(Invalid):
            await api.ours.json_patch(CONFIG_MAP, api.namespace, "a", ops)
        await api.ours.apply(config_map(api.namespace, "a"))
        with pytest.raises(NotFound):
            await api.ours.get(CONFIG_MAP, api.namespace, "a")

    async def test_a_delete_means_one_uid_only(self, api: Api) -> None:
        made = await api.ours.create(config_map(api.namespace, "a"))
        with pytest.raises(Conflict):
            await api.ours.delete(CONFIG_MAP, api.namespace, "a", uid="another")
        uid = made["metadata"]["uid"]
        assert await api.ours.delete(CONFIG_MAP, api.namespace, "a", uid=uid) is True
        assert await api.ours.delete(CONFIG_MAP, api.namespace, "a", uid=uid) is False

    async def test_owned_objects_go_with_their_owner(self, api: Api) -> None:
        owner = await api.ours.create(config_map(api.namespace, "owner"))
        owned = config_map(api.namespace, "owned")
        owned["metadata"]["ownerReferences"] = [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "name": "owner",
                "uid": owner["metadata"]["uid"],
                "controller": True,
            }
        ]
        made = await api.ours.apply(owned)
        key = f'k:{{"uid":"{owner["metadata"]["uid"]}"}}'
        references = fields_of(made, "wardkeeper", "Apply")["f:metadata"]["f:ownerReferences"]
        assert references == {key: {}}
        uid = owner["metadata"]["uid"]
        await api.ours.delete(CONFIG_MAP, api.namespace, "owner", uid=uid)
        version = made["metadata"]["resourceVersion"]
        events = await next_events(api, version, 2, seconds=COLLECTS)
        assert events == [("DELETED", "owner"), ("DELETED", "owned")]

    async def test_nothing_is_created_in_a_namespace_that_ends(self, api: Api) -> None:
        space = await api.ours.get(NAMESPACE, "", api.namespace)
        held = config_map(api.namespace, "held")
        held["metadata"]["finalizers"] = ["example.org/wait"]
        await api.ours.apply(held)
        uid = space["metadata"]["uid"]
        assert await api.ours.delete(NAMESPACE, "", api.namespace, uid=uid)
        with pytest.raises(Forbidden):
            await api.ours.apply(config_map(api.namespace, "late"))
        await api.ours.apply(config_map(api.namespace, "held"))
