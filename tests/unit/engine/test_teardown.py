# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A pass that ends leaves nothing of its own running."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.unit.engine.objects import KEY, child, workflow
from wardkeeper.engine.finalizer import FINALIZER
from wardkeeper.engine.outcome import Transient
from wardkeeper.engine.teardown import teardown
from wardkeeper.engine.world import World
from wardkeeper.kube.errors import Unreachable

if TYPE_CHECKING:
    from wardkeeper.engine.tools import Tools
    from wardkeeper.kube.resource import Ref


async def test_a_deletion_that_fails_waits_for_those_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[str] = []
    failed, release = asyncio.Event(), asyncio.Event()

    class Writer:
        async def delete(self, ref: Ref, uid: str, **_: Any) -> None:
            begun.append(ref.kind)
            if ref.kind == "Role":
                failed.set()
                raise Unreachable("cut off")
            await release.wait()

    async def withdraw(*_: object, **__: object) -> Any:
        return SimpleNamespace(done=True)

    monkeypatch.setattr("wardkeeper.engine.teardown.withdraw", withdraw)
    world = World()
    metadata = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": [FINALIZER]}
    world.observe_workflow(workflow(metadata=metadata))
    for kind in ("Role", "Service"):
        world.observe_child(child(kind))
    tools = cast("Tools", SimpleNamespace(world=world, writer=Writer(), secrets=None))
    seen = world.workflow(KEY)
    assert seen is not None

    async def hold() -> None:
        raise AssertionError("there is no workload whose guards could be held")

    going = asyncio.create_task(teardown(tools, KEY, seen, {}, hold))
    await failed.wait()
    for _ in range(10):
        await asyncio.sleep(0)
    assert sorted(begun) == ["Role", "Service"]
    assert not going.done()
    release.set()
    with pytest.raises(Transient, match="cut off"):
        await going
