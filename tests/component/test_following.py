# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What the process follows: children by their label, NetworkPolicies all, and only where it may."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.component.apiserver.server import ApiServer
from tests.component.apiserver.virtual import run
from tests.component.policies import policy
from wardkeeper.engine.peers import Peers
from wardkeeper.engine.queue import Queue
from wardkeeper.engine.secrets.ledger import Ledger
from wardkeeper.engine.seen import CHILD_KINDS, Key
from wardkeeper.engine.world import World
from wardkeeper.kube.client import Client
from wardkeeper.shell.following import SELECTOR, Following, follow
from wardkeeper.shell.observe import Observer

if TYPE_CHECKING:
    from collections.abc import Callable

SPACES = ("radiology", "cardiology", "wardkeeper-system")


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("scope", [(), ("radiology",), ("radiology", "cardiology")])
def test_policies_of_others_are_seen_where_workflows_may_be_and_nowhere_else(
    scope: tuple[str, ...],
) -> None:
    async def tell() -> None:
        async with ApiServer(namespaces=SPACES) as server:
            clock = asyncio.get_running_loop().time
            client = Client(server.access(), user_agent="test", clock=clock)
            world, queue = World(), Queue[Key](clock=clock, draw=lambda: 0.5)
            observer = Observer(world, Peers(), queue, clock)
            ledger = Ledger(client, "wardkeeper-system")
            following = Following(client, scope, world, observer, ledger, secrets=True)
            for namespace in SPACES:
                server.put(policy("before", namespace))
            async with client:
                following.begin()
                try:
                    seen = set(scope or SPACES)
                    await until(lambda: len(world.strangers) == len(seen))
                    for namespace in SPACES:
                        server.put(policy("after", namespace))
                    await until(lambda: len(world.strangers) == 2 * len(seen))
                    assert {space for space, _ in world.strangers.names()} == seen
                finally:
                    await following.end()
            asked = [one.call for one in server.seen if one.call.kind.name == "NetworkPolicy"]
            assert {call.namespace for call in asked} == set(scope or ("",))

    run(tell())


def test_nothing_else_is_followed_without_the_label() -> None:
    world, queue = World(), Queue[Key](clock=lambda: 0.0, draw=lambda: 0.5)
    observer = Observer(world, Peers(), queue, lambda: 0.0)
    selectors = {kind: follow(kind, world, observer).selector for kind in CHILD_KINDS}
    assert selectors.pop("NetworkPolicy") == ""
    assert set(selectors.values()) == {SELECTOR}
