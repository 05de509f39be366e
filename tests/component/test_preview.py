# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What `wardkeeper diff` says is what the operator then does, no more and no less."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from tests.component.operator_fixture import SPACE, Core, story, written
from tests.component.test_drift import EDITS
from tests.component.workflows import (
    CHILDREN,
    OTHER_IMAGE,
    container,
    cron_job,
    job,
    secret,
    workflow,
)
from wardkeeper.api.read import read_workflow
from wardkeeper.api.workflow import HealthcareWorkflow
from wardkeeper.cli.preview import Preview, preview
from wardkeeper.engine.plan import Action
from wardkeeper.engine.seen import Key
from wardkeeper.kube.client import Client
from wardkeeper.render.surroundings import AddressAndPort, Surroundings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.component.apiserver.server import ApiServer

    Edit = Callable[[dict[str, Any]], object]

SURROUNDINGS = Surroundings(api_server=(AddressAndPort("192.0.2.10/32", 6443),), version="1")
AGENT = "diff"


async def look(server: ApiServer, raw: dict[str, Any], *given: Key) -> Preview:
    """The preview of a file, with nothing in it that only a server knows."""
    file = copy.deepcopy({key: raw[key] for key in ("apiVersion", "kind", "spec")})
    file["metadata"] = {key: raw["metadata"][key] for key in ("namespace", "name")}
    read = read_workflow(file, unknown="forbid")
    assert isinstance(read, HealthcareWorkflow)
    access = server.access()
    async with Client(access, user_agent=f"{AGENT}/1", may_write=lambda: False) as client:
        return await preview(client, read, SURROUNDINGS, frozenset(given))


def said(found: Preview) -> list[tuple[str, str, str]]:
    return sorted((one.action.value, one.ref.kind, one.ref.name) for one in found.changes)


def done(server: ApiServer, since: int) -> set[tuple[str, str]]:
    """Kind and name of the children that were written."""
    return {one[1:] for one in written(server, since) if "/" not in one[1]}


def test_of_a_new_workflow_everything_that_will_be_made_is_said() -> None:
    async def tell(server: ApiServer) -> None:
        found = await look(server, workflow())
        assert said(found) == sorted(("create", kind, name) for kind, name in CHILDREN)
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            assert done(server, 0) == {one[1:] for one in said(found)}

    story(tell)


@pytest.mark.parametrize("made", [workflow(), cron_job(), job()], ids=lambda one: one["kind"])
def test_of_a_workflow_that_stands_nothing_is_said(made: dict[str, Any]) -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(made)
            await core.quiet(5)
            assert said(await look(server, made)) == []

    story(tell)


@pytest.mark.parametrize(("kind", "name", "field", "edit"), EDITS)
def test_what_will_be_undone_is_said_with_its_field(
    kind: str, name: str, field: str, edit: Edit
) -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
        server.edit(kind, SPACE, name, edit)
        found = await look(server, workflow())
        assert said(found) == [("repair", kind, name)]
        comparison = found.changes[0].comparison
        assert comparison
        assert field in [one.path for one in comparison.differences]
        before = len(server.seen)
        async with Core(server) as core:
            await core.quiet(5)
            assert done(server, before) == {(kind, name)}
        assert said(await look(server, workflow())) == []

    story(tell)


CHANGES: list[tuple[dict[str, Any], list[tuple[str, str, str]]]] = [
    (
        {
            "workload": {
                "kind": "Deployment",
                "replicas": 2,
                "containers": [container(image=OTHER_IMAGE)],
            }
        },
        [("repair", "Deployment", "router")],
    ),
    (
        {"access": {}},
        [
            ("delete", "Role", "router"),
            ("delete", "RoleBinding", "router"),
            ("repair", "NetworkPolicy", "router-allow"),
        ],
    ),
    ({"endpoints": []}, [("repair", "NetworkPolicy", "router-allow")]),
    (
        {"workload": {"kind": "Deployment", "replicas": 1, "containers": [container()]}},
        [("delete", "PodDisruptionBudget", "router"), ("repair", "Deployment", "router")],
    ),
    ({"owner": {"team": "other", "contact": "other@example.org"}}, []),
]


@pytest.mark.parametrize(("change", "expected"), CHANGES)
def test_what_a_changed_file_would_change_is_said(
    change: dict[str, Any], expected: list[tuple[str, str, str]]
) -> None:
    async def tell(server: ApiServer) -> None:
        changed = workflow()
        changed["spec"] |= change
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            found = await look(server, changed)
            assert said(found) == sorted(expected)
            before = len(server.seen)
            server.put(changed)
            await core.ready()
            assert done(server, before) == {one[1:] for one in expected}

    story(tell)


def test_a_name_that_is_taken_is_said_and_nothing_after_it() -> None:
    async def tell(server: ApiServer) -> None:
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"namespace": SPACE, "name": "router"},
            "spec": {"ports": [{"port": 80}]},
        }
        server.put(service)
        found = await look(server, workflow())
        assert found.changes[0].action is Action.REFUSE
        assert ("refuse", "Service", "router") in said(found)
        assert "Deployment" not in [one.ref.kind for one in found.changes]
        async with Core(server) as core:
            server.put(workflow())
            await core.quiet(5)
            created = {one[1:] for one in said(found) if one[0] == "create"}
            assert done(server, 0) - {("Service", "router")} <= created

    story(tell)


def test_a_child_that_lost_its_labels_is_found_by_its_name() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
        server.edit("Role", SPACE, "router", lambda o: o["metadata"]["labels"].clear())
        assert said(await look(server, workflow())) == [("repair", "Role", "router")]

    story(tell)


def test_secrets_that_will_be_made_are_named_and_no_more() -> None:
    async def tell(server: ApiServer) -> None:
        found = await look(server, workflow(secrets=[secret("db")]))
        (named,) = [one for one in found.changes if one.ref.kind == "Secret"]
        assert (named.action, named.ref.name) == (Action.CREATE, "router-db")
        assert named.desired is None

    story(tell)


def test_of_a_key_that_never_leaves_vault_no_secret_is_said_to_be_made() -> None:
    async def tell(server: ApiServer) -> None:
        key = {"name": "key", "source": {"transit": {"key": "router"}}}
        found = await look(server, workflow(secrets=[secret("db"), key]))
        named = [one.ref.name for one in found.changes if one.ref.kind == "Secret"]
        assert named == ["router-db"]

    story(tell)


def test_a_peer_is_known_from_the_cluster_and_from_the_other_files() -> None:
    async def tell(server: ApiServer) -> None:
        peer = {"name": "q", "kind": "Queue", "workflow": {"name": "intake"}, "port": 5671}
        made = workflow(endpoints=[peer])

        async def rules(*given: Key) -> int:
            found = await look(server, made, *given)
            allow = next(one for one in found.changes if one.ref.name == "router-allow")
            assert allow.desired
            return len(allow.desired["spec"]["egress"])

        closed = await rules()
        assert await rules(Key(SPACE, "intake")) == closed + 1
        server.put(workflow("intake"))
        assert await rules() == closed + 1

    story(tell)


def test_looking_writes_nothing_and_reads_no_secret() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
        await look(server, workflow(secrets=[secret("db")]))
        calls = [one.call for one in server.seen if one.call.agent == AGENT]
        assert calls
        assert {one.verb for one in calls} <= {"get", "list"}
        assert all(one.partial for one in calls if one.kind.name == "Secret")

    story(tell)
