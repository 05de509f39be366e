# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The bound holds, live requests go first, and nobody's leaving costs a place."""

from __future__ import annotations

import asyncio

from tests.component.apiserver.virtual import run
from wardkeeper.kube.lanes import Gate, Lane


def _gate(limit: int) -> Gate:
    loop = asyncio.get_running_loop()
    return Gate(limit, clock=loop.time, sleep=asyncio.sleep)


def test_no_more_than_the_limit_pass_at_once() -> None:
    async def story() -> int:
        gate, inside, most = _gate(3), 0, 0

        async def visitor() -> None:
            nonlocal inside, most
            async with gate.passage(Lane.LIVE):
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(1)
                inside -= 1

        await asyncio.gather(*(visitor() for _ in range(10)))
        return most

    assert run(story()) == 3


def test_live_requests_overtake_waiting_background_ones() -> None:
    async def story() -> list[str]:
        gate, order = _gate(1), []

        async def visitor(name: str, lane: Lane) -> None:
            async with gate.passage(lane):
                order.append(name)
                await asyncio.sleep(1)

        tasks = [asyncio.create_task(visitor("first", Lane.BACKGROUND))]
        await asyncio.sleep(0)
        tasks += [
            asyncio.create_task(visitor(name, lane))
            for name, lane in (
                ("back 1", Lane.BACKGROUND),
                ("back 2", Lane.BACKGROUND),
                ("live 1", Lane.LIVE),
                ("live 2", Lane.LIVE),
            )
        ]
        await asyncio.gather(*tasks)
        return order

    assert run(story()) == ["first", "live 1", "live 2", "back 1", "back 2"]


def test_a_pause_holds_everybody_and_the_longest_counts() -> None:
    async def story() -> float:
        gate = _gate(4)
        gate.pause(5)
        gate.pause(2)
        async with gate.passage(Lane.LIVE):
            return asyncio.get_running_loop().time()

    assert run(story()) == 5


def test_a_request_that_gives_up_waiting_leaves_its_place_to_others() -> None:
    async def story() -> bool:
        gate = _gate(1)
        async with gate.passage(Lane.LIVE):
            waiting = asyncio.create_task(gate.passage(Lane.LIVE).__aenter__())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.sleep(0)
        async with asyncio.timeout(1), gate.passage(Lane.BACKGROUND):
            return True

    assert run(story())


def test_a_request_cancelled_just_as_its_turn_came_passes_the_turn_on() -> None:
    async def story() -> bool:
        gate = _gate(1)
        inside = gate.passage(Lane.LIVE)
        await inside.__aenter__()
        waiting = asyncio.create_task(gate.passage(Lane.LIVE).__aenter__())
        await asyncio.sleep(0)
        await inside.__aexit__(None, None, None)
        waiting.cancel()
        await asyncio.sleep(0)
        async with asyncio.timeout(1), gate.passage(Lane.LIVE):
            return True

    assert run(story())
