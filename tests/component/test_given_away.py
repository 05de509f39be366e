# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A child that somebody gives to another workflow ends there, and is made anew where it belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.component.operator_fixture import (
    SPACE,
    Core,
    condition,
    is_ready,
    status_of,
    story,
    written,
)
from tests.component.workflows import small, workflow
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from tests.component.apiserver.server import ApiServer

GIVEN = (("NetworkPolicy", "router-deny"), ("Role", "router"), ("Deployment", "router"))


def give(server: ApiServer, kind: str, name: str, to: str) -> str:
    """Have another workflow control a child; the uid of the child."""
    found = server.get(KIND, SPACE, to)
    uid = found["metadata"]["uid"] if found else "uid-of-nobody"

    def change(obj: dict[str, Any]) -> None:
        obj["metadata"]["ownerReferences"][0].update(name=to, uid=uid)

    return str(server.edit(kind, SPACE, name, change)["metadata"]["uid"])


def whose(server: ApiServer, kind: str, name: str) -> tuple[str, str]:
    """Who controls a child, and its uid."""
    found = server.get(kind, SPACE, name)
    if found is None:
        return "", ""
    metadata = found["metadata"]
    return metadata["ownerReferences"][0]["name"], metadata["uid"]


@pytest.mark.parametrize(("kind", "name"), GIVEN)
def test_a_child_that_was_given_to_another_workflow_is_made_anew(kind: str, name: str) -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(small("archive"))
            server.put(workflow())
            await core.ready("archive")
            await core.ready()
            given, before = give(server, kind, name, "archive"), len(server.seen)
            await core.until(lambda: whose(server, kind, name)[0] == "router")
            await core.ready()
            await core.ready("archive")
            assert whose(server, kind, name)[1] != given
            assert status_of(server)["drift"]["repaired"] == 1
            assert "drift" not in status_of(server, "archive")
            touched = {(one, which) for verb, one, which in written(server, before)}
            assert touched <= {(kind, name), (f"{KIND}/status", "router")}

    story(tell)


@pytest.mark.parametrize(("kind", "name"), GIVEN[:1])
def test_it_is_so_too_when_it_was_given_away_while_no_operator_ran(kind: str, name: str) -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(small("archive"))
            server.put(workflow())
            await core.ready("archive")
            await core.ready()
        given = give(server, kind, name, "archive")
        async with Core(server) as core:
            await core.until(lambda: whose(server, kind, name)[0] == "router")
            await core.until(lambda: is_ready(server) and is_ready(server, "archive"))
            await core.quiet()
            assert whose(server, kind, name)[1] != given

    story(tell)


def test_what_was_said_to_belong_to_a_predecessor_is_a_repair_when_it_is_made_anew() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(small("archive"))
            server.put(workflow())
            await core.ready()
            other = server.get(KIND, SPACE, "archive")
            assert other is not None
            uid = other["metadata"]["uid"]  # of one that exists, so that it is not collected yet

            def mistake(obj: dict[str, Any]) -> None:
                obj["metadata"]["ownerReferences"][0].update(uid=uid)

            server.edit("Deployment", SPACE, "router", mistake)
            await core.until(lambda: condition(server, "Ready")["reason"] == "Deleting")
            server.delete("Deployment", SPACE, "router")
            await core.ready()
            assert status_of(server)["drift"]["repaired"] == 1

    story(tell)


def test_what_a_workflow_that_is_not_there_controls_is_left_to_the_garbage_collector() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            given = give(server, "NetworkPolicy", "router-deny", "nobody")
            await core.quiet(5)
            server.delete("NetworkPolicy", SPACE, "router-deny")
            await core.until(lambda: whose(server, "NetworkPolicy", "router-deny")[0] == "router")
            await core.ready()
            assert whose(server, "NetworkPolicy", "router-deny")[1] != given

    story(tell)
