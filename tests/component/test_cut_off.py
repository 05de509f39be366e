# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A quarantine takes away what allows something, also where somebody hid it from the operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.component.operator_fixture import SPACE, Core, annotate, cluster, condition, story
from tests.component.test_vault import vault_to_be_asked
from tests.component.workflows import secret, workflow
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from tests.component.apiserver.server import ApiServer

QUARANTINE = "wardkeeper.io/quarantine"
ALLOWS = ("ServiceAccount", "Role", "RoleBinding", "Service")


def _hide(obj: dict[str, Any]) -> None:
    del obj["metadata"]["labels"]


def _disown(obj: dict[str, Any]) -> None:
    del obj["metadata"]["labels"], obj["metadata"]["ownerReferences"]


def _cut_off(server: ApiServer) -> None:
    server.edit(KIND, SPACE, "router", lambda obj: annotate(obj, QUARANTINE, "SEC-7"))


@pytest.mark.parametrize("kind", ALLOWS)
def test_a_child_that_bears_no_label_any_more_is_taken_away(kind: str) -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
        server.edit(kind, SPACE, "router", _hide)
        _cut_off(server)
        async with Core(server) as core:
            await core.until(lambda: condition(server, "Stalled").get("reason") == "Quarantined")
            await core.quiet()
            assert server.get(kind, SPACE, "router") is None

    story(tell)


@pytest.mark.parametrize("owned", [True, False])
async def test_a_secret_without_label_is_emptied_if_it_belongs_to_the_workflow(owned: bool) -> None:
    async with vault_to_be_asked() as (_, _, vault), cluster() as server:
        async with Core(server, vault=vault) as core:
            server.put(workflow(secrets=[secret()]))
            await core.ready()
        server.edit("Secret", SPACE, "router-db", _hide if owned else _disown)
        _cut_off(server)
        async with Core(server, vault=vault) as core:
            await core.until(lambda: condition(server, "Stalled").get("reason") == "Quarantined")
            kept = server.get("Secret", SPACE, "router-db")
            assert kept is not None
            assert bool(kept.get("data")) is not owned


def test_where_there_is_no_vault_no_secret_is_touched_which_there_is_no_right_to() -> None:
    async def tell(server: ApiServer) -> None:
        server.put(workflow(secrets=[secret()]))
        _cut_off(server)
        async with Core(server) as core:
            await core.until(lambda: condition(server, "Stalled").get("reason") == "Quarantined")
            asked = [one.call.name for one in server.seen if one.call.kind.name == "Secret"]
            assert not any(asked)

    story(tell)
