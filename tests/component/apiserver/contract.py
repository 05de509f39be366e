# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What Wardkeeper relies on of an API server, as tests that run on the fake and on the real one.

Nothing here may be true of one of them only, and nothing here knows which one it talks to.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson
import pytest

from tests.component.apiserver.samples import config_map, deployment, lease, secret
from wardkeeper.kube.client import Client
from wardkeeper.kube.errors import Conflict, Forbidden, Invalid, NotFound
from wardkeeper.kube.resource import resource_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wardkeeper.kube.access import Access
    from wardkeeper.kube.resource import Resource

CONFIG_MAP = resource_of("ConfigMap")
DEPLOYMENT = resource_of("Deployment")
SECRET = resource_of("Secret")
NAMESPACE = resource_of("Namespace")


@dataclass(frozen=True, slots=True)
class Api:
    """An API server with a namespace of the test's own.

    Attributes:
        ours: a client as the operator has it, field manager `wardkeeper`.
        theirs: somebody else's, field manager `kubectl-edit`.
    """

    access: Access
    namespace: str
    ours: Client
    theirs: Client

    async def send(
        self, method: str, target: str, body: object, content_type: str
    ) -> tuple[int, dict[str, Any]]:
        """A request that the operator's client does not make: status code and answer."""
        headers = {"Content-Type": content_type}
        if token := self.access.token():
            headers["Authorization"] = f"Bearer {token}"
        connector = aiohttp.TCPConnector(ssl=self.access.ssl or True)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.request(
                method, self.access.server + target, data=orjson.dumps(body), headers=headers
            ) as response,
        ):
            return response.status, orjson.loads(await response.read())


@asynccontextmanager
async def opened(access: Access, namespace: str) -> AsyncIterator[Api]:
    """An `Api` over an access that may do everything in a namespace that exists."""
    async with (
        Client(access, user_agent="wardkeeper/contract") as ours,
        Client(access, user_agent="kubectl/contract", field_manager="kubectl-edit") as theirs,
    ):
        yield Api(access, namespace, ours, theirs)


def fields_of(obj: dict[str, Any], manager: str, operation: str, subresource: str = "") -> Any:
    """The fieldsV1 of one entry; empty without such an entry."""
    for entry in obj["metadata"]["managedFields"]:
        told = (entry["manager"], entry["operation"], entry.get("subresource", ""))
        if told == (manager, operation, subresource):
            return entry["fieldsV1"]
    return {}


async def version_of(api: Api, resource: Resource = CONFIG_MAP) -> str:
    """The version of the namespace's list of a kind now."""
    async with aclosing(api.ours.pages(resource, api.namespace)) as pages:
        return (await anext(pages)).resource_version


async def next_events(api: Api, version: str, number: int, **options: Any) -> list[tuple[str, str]]:
    """Type and name of the ConfigMap events after a version, bookmarks left out."""
    found: list[tuple[str, str]] = []
    async with (
        asyncio.timeout(20),
        aclosing(api.ours.watch(CONFIG_MAP, api.namespace, version, **options)) as events,
    ):
        async for kind, obj in events:
            if kind != "BOOKMARK":
                found.append((kind, obj["metadata"]["name"]))
            if len(found) == number:
                break
    return found


class Contract:
    """Inherit, and give a fixture `api` that yields an `Api`."""

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

    async def test_a_list_shows_one_moment_over_all_its_pages(self, api: Api) -> None:
        for name in ("a", "b", "c"):
            await api.ours.create(config_map(api.namespace, name, labels={"in": "list"}))
        names: list[str] = []
        versions: set[str] = set()
        selected = api.ours.pages(CONFIG_MAP, api.namespace, label_selector="in=list", limit=1)
        created: list[tuple[str, str]] = []
        async for page in selected:
            versions.add(page.resource_version)
            names += [item["metadata"]["name"] for item in page.items]
            late = f"a{len(created)}"
            await api.ours.create(config_map(api.namespace, late, labels={"in": "list"}))
            created.append(("ADDED", late))
        assert names == ["a", "b", "c"]
        assert len(versions) == 1
        options = {"label_selector": "in=list"}
        assert await next_events(api, versions.pop(), len(created), **options) == created

    async def test_a_page_may_be_empty_and_still_not_the_last(self, api: Api) -> None:
        await api.ours.create(config_map(api.namespace, "a", labels={"in": "list"}))
        await api.ours.create(config_map(api.namespace, "b"))
        selected = api.ours.pages(CONFIG_MAP, api.namespace, label_selector="in=list", limit=1)
        sizes = [len(page.items) async for page in selected]
        assert sizes == [1, 0]

    async def test_a_watch_tells_every_change_after_its_version(self, api: Api) -> None:
        version = await version_of(api)
        made = await api.ours.create(config_map(api.namespace, "a"))
        await api.theirs.replace({**made, "data": {"key": "changed"}})
        uid = made["metadata"]["uid"]
        await api.ours.delete(CONFIG_MAP, api.namespace, "a", uid=uid)
        events = await next_events(api, version, 3)
        assert events == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]

    async def test_an_object_that_leaves_the_selection_counts_as_deleted(self, api: Api) -> None:
        version = await version_of(api)
        await api.ours.apply(config_map(api.namespace, "a", labels={"ours": "yes"}))
        await api.ours.apply(config_map(api.namespace, "a", key="2", labels={"ours": "no"}))
        await api.ours.apply(config_map(api.namespace, "a", key="2", labels={"ours": "yes"}))
        events = await next_events(api, version, 3, label_selector="ours=yes")
        assert events == [("ADDED", "a"), ("DELETED", "a"), ("ADDED", "a")]

    async def test_secrets_are_answered_as_metadata_alone(self, api: Api) -> None:
        version = await version_of(api, SECRET)
        answers = [await api.ours.apply(secret(api.namespace, "a"))]
        answers.append(await api.ours.get(SECRET, api.namespace, "a"))
        answers += [item async for page in api.ours.pages(SECRET) for item in page.items]
        async with aclosing(api.ours.watch(SECRET, api.namespace, version)) as events:
            answers.append((await anext(events))[1])
        for answer in answers:
            assert set(answer) <= {"apiVersion", "kind", "metadata"}
            assert answer["kind"] == "Secret"
        assert fields_of(answers[0], "wardkeeper", "Apply")["f:data"] == {"f:password": {}}

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
        events = await next_events(api, made["metadata"]["resourceVersion"], 2)
        assert events == [("DELETED", "owner"), ("DELETED", "owned")]

    async def test_a_service_account_gets_tokens_for_one_audience(self, api: Api) -> None:
        account = {"kind": "ServiceAccount", "metadata": {"namespace": api.namespace, "name": "a"}}
        await api.ours.apply({"apiVersion": "v1", **account})
        token = await api.ours.token(api.namespace, "a", "vault", 600)
        assert token.count(".") == 2
        with pytest.raises(NotFound):
            await api.ours.token(api.namespace, "nobody", "vault", 600)

    async def test_nothing_is_created_in_a_namespace_that_is_not_there(self, api: Api) -> None:
        with pytest.raises(NotFound):
            await api.ours.apply(config_map("not-there", "a"))

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

    async def test_a_dry_run_answers_and_changes_nothing(self, api: Api) -> None:
        made = await api.ours.apply(config_map(api.namespace, "a", key="1"))
        tried = await api.ours.apply(config_map(api.namespace, "a", key="2"), dry_run=True)
        assert tried["data"] == {"key": "2"}
        after = await api.ours.get(CONFIG_MAP, api.namespace, "a")
        assert after["data"] == {"key": "1"}
        assert after["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
