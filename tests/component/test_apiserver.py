# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What the fake API server does beyond the contract: its controllers, faults and counters."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.component.apiserver.faults import Refuse
from tests.component.apiserver.samples import config_map, deployment
from tests.component.apiserver.selectors import selector
from tests.component.apiserver.server import ApiServer
from tests.component.apiserver.virtual import run, settled
from wardkeeper.kube.client import Client
from wardkeeper.kube.errors import ApiError, Gone, NotFound
from wardkeeper.kube.resource import resource_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SPACE = "radiology"
CONFIG_MAP = resource_of("ConfigMap")


@asynccontextmanager
async def opened(**options: Any) -> AsyncIterator[tuple[ApiServer, Client]]:
    clock = asyncio.get_running_loop().time
    async with (
        ApiServer(namespaces=(SPACE,), **options) as server,
        Client(server.access(), user_agent="wardkeeper/test", clock=clock) as client,
    ):
        yield server, client


def owned_by(owner: dict[str, Any], obj: dict[str, Any]) -> dict[str, Any]:
    reference = {"kind": owner["kind"], "name": owner["metadata"]["name"]}
    reference |= {"apiVersion": owner["apiVersion"], "uid": owner["metadata"]["uid"]}
    return {**obj, "metadata": {**obj["metadata"], "ownerReferences": [reference]}}


def test_a_deletion_in_the_foreground_waits_for_what_is_owned() -> None:
    async def story() -> None:
        async with opened() as (server, client):
            owner = server.put(config_map(SPACE, "owner"))
            held = owned_by(owner, config_map(SPACE, "owned"))
            held["metadata"]["finalizers"] = ["example.org/wait"]
            server.put(held)
            uid = owner["metadata"]["uid"]
            await client.delete(CONFIG_MAP, SPACE, "owner", uid=uid, propagation="Foreground")
            await settled()
            assert server.get("ConfigMap", SPACE, "owner") is not None
            server.edit("ConfigMap", SPACE, "owned", lambda obj: obj["metadata"].pop("finalizers"))
            await settled()
            assert server.objects("ConfigMap") == []

    run(story())


def test_what_names_an_owner_that_never_was_is_collected() -> None:
    async def story() -> None:
        async with opened() as (server, _):
            ghost = config_map(SPACE, "ghost")
            ghost["metadata"]["uid"] = "1"
            server.put(owned_by(ghost, config_map(SPACE, "orphan")))
            await settled()
            assert server.objects("ConfigMap") == []

    run(story())


def test_a_namespace_goes_once_it_is_empty() -> None:
    async def story() -> None:
        async with opened() as (server, client):
            server.put(config_map(SPACE, "a"))
            space = server.get("Namespace", "", SPACE)
            assert space is not None
            uid = space["metadata"]["uid"]
            await client.delete(resource_of("Namespace"), "", SPACE, uid=uid)
            await settled()
            assert server.objects("ConfigMap") == []
            assert server.get("Namespace", "", SPACE) is None

    run(story())


def test_deployments_become_available_where_a_test_wants_it() -> None:
    async def story() -> None:
        async with opened(rolling_out=True) as (server, _):
            server.put(deployment(SPACE, "a", replicas=3))
            await settled()
            found = server.get("Deployment", SPACE, "a")
            assert found is not None
            assert found["status"]["observedGeneration"] == found["metadata"]["generation"]
            assert found["status"]["availableReplicas"] == 3

    run(story())


def test_what_is_forgotten_is_refused_to_watches_and_to_later_pages() -> None:
    async def story() -> None:
        async with opened() as (server, client):
            for name in ("a", "b"):
                server.put(config_map(SPACE, name))
            async with aclosing(client.pages(CONFIG_MAP, SPACE, limit=1)) as pages:
                version = (await anext(pages)).resource_version
                server.compact()
                with pytest.raises(Gone):
                    await anext(pages)
            with pytest.raises(Gone):
                await anext(client.watch(CONFIG_MAP, SPACE, version))

    run(story())


def test_a_fault_happens_as_often_as_asked_and_to_whom_it_is_meant_for() -> None:
    async def story() -> None:
        async with opened() as (server, client):
            server.faults.next(match=lambda call: call.name == "b", fault=Refuse(500), times=2)
            with pytest.raises(NotFound):
                await client.get(CONFIG_MAP, SPACE, "a")
            for _ in range(2):
                with pytest.raises(ApiError, match="injected"):
                    await client.get(CONFIG_MAP, SPACE, "b")
            with pytest.raises(NotFound):
                await client.get(CONFIG_MAP, SPACE, "b")
            assert server.faults.pending == 0

    run(story())


def test_requests_are_counted_by_what_they_are_and_who_sent_them() -> None:
    async def story() -> None:
        async with opened() as (server, client):
            await client.apply(config_map(SPACE, "a"))
            await client.apply(config_map(SPACE, "a"), dry_run=True)
            server.put(config_map(SPACE, "b"))
            assert server.count("apply") == 2
            assert server.count(writes=True, agent="wardkeeper") == 1
            assert server.count("apply", "Secret") == 0
            assert server.count(agent="kubectl") == 0

    run(story())


def test_waiting_for_what_never_comes_ends_in_a_failure() -> None:
    async def story() -> None:
        async with opened() as (server, _):
            with pytest.raises(TimeoutError):
                await server.until(lambda: False)

    run(story())


@pytest.mark.parametrize(
    ("labels", "selected"),
    [
        ("", True),
        ("a=1", True),
        ("a==1,b", True),
        ("a=2", False),
        ("a!=1", False),
        ("c!=1", True),
        ("!c", True),
        ("!a", False),
        ("a in (1, 2),b notin (1)", True),
        ("a notin (1,2)", False),
        ("c", False),
    ],
)
def test_label_selectors_mean_what_they_say(labels: str, selected: bool) -> None:
    obj = config_map(SPACE, "x", labels={"a": "1", "b": "2"})
    assert selector(labels, "")(obj) is selected


def test_objects_are_selected_by_name_and_namespace() -> None:
    obj = config_map(SPACE, "x")
    assert selector("", f"metadata.name=x,metadata.namespace={SPACE}")(obj)
    assert not selector("", "metadata.name=y")(obj)
