# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Server-side apply: who owns which field, and what becomes of it."""

from __future__ import annotations

from tests.component.apiserver.contract.api import (
    CONFIG_MAP,
    DEPLOYMENT,
    Api,
    fields_of,
)
from tests.component.apiserver.samples import config_map, deployment


class Applying:
    async def test_applying_creates_and_owns_exactly_what_was_applied(self, api: Api) -> None:
        made = await api.ours.apply(config_map(api.namespace, "a", key="1"))
        assert fields_of(made, "wardkeeper", "Apply") == {"f:data": {"f:key": {}}}

    async def test_applying_the_same_again_writes_nothing(self, api: Api) -> None:
        obj = config_map(api.namespace, "a", key="1", labels={"x": "y"})
        first = await api.ours.apply(obj)
        second = await api.ours.apply(obj)
        assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]

    async def test_a_foreign_edit_moves_the_field_to_its_editor(self, api: Api) -> None:
        made = await api.ours.apply(config_map(api.namespace, "a", key="1", other="2"))
        edited = await api.theirs.replace({**made, "data": {"key": "changed", "other": "2"}})
        assert fields_of(edited, "wardkeeper", "Apply") == {"f:data": {"f:other": {}}}
        assert fields_of(edited, "kubectl-edit", "Update") == {"f:data": {"f:key": {}}}

    async def test_applying_takes_an_edited_field_back(self, api: Api) -> None:
        made = await api.ours.apply(config_map(api.namespace, "a", key="1"))
        await api.theirs.replace({**made, "data": {"key": "changed"}})
        back = await api.ours.apply(config_map(api.namespace, "a", key="1"))
        assert back["data"] == {"key": "1"}
        assert fields_of(back, "wardkeeper", "Apply") == {"f:data": {"f:key": {}}}
        assert fields_of(back, "kubectl-edit", "Update") == {}

    async def test_applying_without_force_conflicts_and_names_the_holder(self, api: Api) -> None:
        made = await api.ours.apply(config_map(api.namespace, "a", key="1"))
        await api.theirs.replace({**made, "data": {"key": "changed"}})
        code, answer = await api.send(
            "PATCH",
            CONFIG_MAP.path(api.namespace, "a") + "?fieldManager=wardkeeper",
            config_map(api.namespace, "a", key="1"),
            "application/apply-patch+yaml",
        )
        assert (code, answer["reason"]) == (409, "Conflict")
        assert "kubectl-edit" in answer["details"]["causes"][0]["message"]

    async def test_a_field_no_longer_applied_goes_away(self, api: Api) -> None:
        await api.ours.apply(config_map(api.namespace, "a", key="1", other="2"))
        after = await api.ours.apply(config_map(api.namespace, "a", key="1"))
        assert after["data"] == {"key": "1"}

    async def test_a_field_no_longer_applied_stays_while_another_applies_it(self, api: Api) -> None:
        await api.ours.apply(config_map(api.namespace, "a", key="1", other="2"))
        await api.theirs.apply(config_map(api.namespace, "a", other="2"))
        after = await api.ours.apply(config_map(api.namespace, "a", key="1"))
        assert after["data"] == {"key": "1", "other": "2"}

    async def test_what_others_add_survives_an_apply_and_is_known_as_theirs(self, api: Api) -> None:
        await api.ours.apply(config_map(api.namespace, "a", key="1"))
        ops = [{"op": "add", "path": "/data/added", "value": "2"}]
        await api.theirs.json_patch(CONFIG_MAP, api.namespace, "a", ops)
        after = await api.ours.apply(config_map(api.namespace, "a", key="1"))
        assert after["data"] == {"key": "1", "added": "2"}
        assert fields_of(after, "kubectl-edit", "Update") == {"f:data": {"f:added": {}}}

    async def test_a_foreign_sidecar_is_an_item_of_its_own(self, api: Api) -> None:
        await api.ours.apply(deployment(api.namespace, "a"))
        sidecar = {"name": "sidecar", "image": "example.org/sidecar:1"}
        ops = [{"op": "add", "path": "/spec/template/spec/containers/-", "value": sidecar}]
        edited = await api.theirs.json_patch(DEPLOYMENT, api.namespace, "a", ops)
        theirs = fields_of(edited, "kubectl-edit", "Update")
        containers = theirs["f:spec"]["f:template"]["f:spec"]["f:containers"]
        assert list(containers) == ['k:{"name":"sidecar"}']
        after = await api.ours.apply(deployment(api.namespace, "a"))
        names = [item["name"] for item in after["spec"]["template"]["spec"]["containers"]]
        assert names == ["main", "sidecar"]

    async def test_items_of_keyed_lists_are_owned_one_by_one(self, api: Api) -> None:
        made = await api.ours.apply(deployment(api.namespace, "a"))
        pod = fields_of(made, "wardkeeper", "Apply")["f:spec"]["f:template"]["f:spec"]
        main = pod["f:containers"]['k:{"name":"main"}']
        assert set(main) == {".", "f:env", "f:image", "f:name", "f:ports", "f:volumeMounts"}
        assert list(main["f:env"]) == ['k:{"name":"MODE"}']
        assert list(main["f:ports"]) == ['k:{"containerPort":8080,"protocol":"TCP"}']
        assert list(main["f:volumeMounts"]) == ['k:{"mountPath":"/tmp"}']
        assert list(pod["f:volumes"]) == ['k:{"name":"tmp"}']

    async def test_a_wiped_record_is_begun_anew_with_everything_found_noted_as_older(
        self, api: Api
    ) -> None:
        """How an addition is found whose editor has wiped the traces."""
        obj = deployment(api.namespace, "a")
        await api.ours.apply(obj)
        pod = "/spec/template/spec"
        add = {"op": "add", "path": f"{pod}/hostPID", "value": True}
        wipe = {"op": "add", "path": "/metadata/managedFields", "value": [{}]}
        for op in (add, wipe):
            await api.theirs.json_patch(DEPLOYMENT, api.namespace, "a", [op])
        await api.ours.json_patch(DEPLOYMENT, api.namespace, "a", [wipe])
        found = await api.ours.apply(obj)
        entries = found["metadata"]["managedFields"]
        older = [one["manager"] for one in entries].index("before-first-apply")
        noted = entries[older]["fieldsV1"]["f:spec"]["f:template"]["f:spec"]
        assert "f:hostPID" in noted

        ops = [
            {"op": "remove", "path": f"{pod}/hostPID"},
            {"op": "remove", "path": f"/metadata/managedFields/{older}"},
        ]
        after = await api.ours.json_patch(DEPLOYMENT, api.namespace, "a", ops)
        assert "hostPID" not in after["spec"]["template"]["spec"]
        managers = [
            one["manager"]
            for one in after["metadata"]["managedFields"]
            if not one.get("subresource")
        ]
        assert managers == ["wardkeeper"]

    async def test_what_is_changed_in_the_write_that_wipes_the_record_is_noted_of_nobody(
        self, api: Api
    ) -> None:
        """How a Secret gets its keys back in the version that its record is begun anew from."""
        obj = config_map(api.namespace, "a", key="1")
        made = await api.ours.apply(obj)
        await api.theirs.replace({**made, "data": {"added": "2"}})
        ops = [
            {"op": "add", "path": "/metadata/managedFields", "value": [{}]},
            {"op": "add", "path": "/data", "value": obj["data"]},
        ]
        wiped = await api.ours.json_patch(CONFIG_MAP, api.namespace, "a", ops)
        assert wiped["data"] == obj["data"]
        assert not wiped["metadata"].get("managedFields")
        found = await api.ours.apply(obj)
        managers = {one["manager"] for one in found["metadata"]["managedFields"]}
        assert managers == {"wardkeeper", "before-first-apply"}
