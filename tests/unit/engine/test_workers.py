# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Passes one after another: no failure ends a worker, no change is missed, no echo is followed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.component.apiserver.virtual import run, settled
from tests.unit.engine.objects import KEY, NAME, SPACE, UID, child, workflow
from wardkeeper.api.reasons import Reason
from wardkeeper.engine.outcome import Terminal, Transient
from wardkeeper.engine.queue import Queue
from wardkeeper.engine.seen import Key
from wardkeeper.engine.workers import CURRENT_PASS, Workers
from wardkeeper.engine.world import World
from wardkeeper.kube.errors import NotLeading
from wardkeeper.kube.resource import Ref

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ROLE = Ref("Role", SPACE, NAME)


class Shop:
    """Two workers over one workflow, with passes that a test writes."""

    def __init__(self) -> None:
        clock = asyncio.get_running_loop().time
        self.world = World()
        self.world.observe_workflow(workflow())
        self.queue: Queue[Key] = Queue(clock=clock, draw=lambda: 0.5)
        self.results: list[str] = []
        self.passes = 0
        self.does: Callable[[int], Awaitable[float | None]] = self.nothing
        self.workers = Workers(self.queue, self.world, self._pass, meter=self, clock=clock)

    def passed(self, result: str, seconds: float) -> None:
        self.results.append(result)

    async def nothing(self, number: int) -> float | None:
        return None

    async def _pass(self, key: Key) -> float | None:
        self.passes += 1
        return await self.does(self.passes)


def story(tell: Callable[[Shop], Awaitable[None]]) -> None:
    """Run with workers that work, in virtual time."""

    async def told() -> None:
        shop = Shop()
        working = asyncio.create_task(shop.workers.run(2))
        try:
            await tell(shop)
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
        assert working.cancelled(), "a worker ended by itself"

    run(told())


@pytest.mark.parametrize(
    ("failure", "result"),
    [
        (Transient(Reason.API_UNAVAILABLE, "x"), "requeue"),
        (RuntimeError("a bug"), "error"),
        (KeyError("another"), "error"),
    ],
)
def test_a_pass_that_fails_comes_again_and_its_worker_goes_on(
    failure: Exception, result: str
) -> None:
    async def tell(shop: Shop) -> None:
        async def fails_thrice(number: int) -> float | None:
            if number <= 3:
                raise failure
            return None

        shop.does = fails_thrice
        shop.queue.add(KEY)
        await asyncio.sleep(10)
        assert shop.results == [result] * 3 + ["success"]

    story(tell)


def test_a_refusal_for_good_is_not_retried_but_looked_at_again_when_it_may_be_mended() -> None:
    async def tell(shop: Shop) -> None:
        async def refuses(number: int) -> float | None:
            raise Terminal(Reason.ACCESS_REFUSED, "x")

        shop.does = refuses
        shop.queue.add(KEY)
        await asyncio.sleep(250)
        assert shop.results == ["terminal"]
        await asyncio.sleep(100)
        assert shop.results == ["terminal"] * 2

    story(tell)


def test_a_spec_that_is_wrong_is_not_looked_at_again_by_itself() -> None:
    async def tell(shop: Shop) -> None:
        async def refuses(number: int) -> float | None:
            raise Terminal(Reason.SPEC_INVALID, "x")

        shop.does = refuses
        shop.queue.add(KEY)
        await asyncio.sleep(4000)
        assert shop.results == ["terminal"]

    story(tell)


def test_a_pass_without_the_lease_is_left_to_whoever_holds_it() -> None:
    async def tell(shop: Shop) -> None:
        async def does_not_lead(number: int) -> float | None:
            raise NotLeading("x")

        shop.does = does_not_lead
        shop.queue.add(KEY)
        await asyncio.sleep(4000)
        assert shop.results == ["error"]

    story(tell)


def test_a_pass_that_asks_for_another_look_gets_it_in_time() -> None:
    async def tell(shop: Shop) -> None:
        async def looks_twice(number: int) -> float | None:
            return 60.0 if number == 1 else None

        shop.does = looks_twice
        shop.queue.add(KEY)
        await asyncio.sleep(59)
        assert shop.results == ["requeue_after"]
        await asyncio.sleep(2)
        assert shop.results == ["requeue_after", "success"]

    story(tell)


def test_a_success_ends_the_back_off() -> None:
    async def tell(shop: Shop) -> None:
        async def fails_at_first(number: int) -> float | None:
            if number in (1, 2, 3, 5):
                raise Transient(Reason.API_UNAVAILABLE, "x")
            return None

        shop.does = fails_at_first
        shop.queue.add(KEY)
        await asyncio.sleep(10)
        assert shop.passes == 4
        shop.queue.add(KEY)
        await asyncio.sleep(0.6)
        assert shop.passes == 6

    story(tell)


def test_a_change_during_a_pass_gets_exactly_one_more() -> None:
    async def tell(shop: Shop) -> None:
        async def is_disturbed(number: int) -> float | None:
            if number == 1:
                shop.world.observe_child(child(version=10))
                shop.world.observe_child(child("Service", version=11))
            else:
                shop.world.compared(KEY, ROLE, 10, good_for=7)
            return None

        shop.does = is_disturbed
        shop.queue.add(KEY)
        await asyncio.sleep(1000)
        assert shop.passes == 2

    story(tell)


def test_the_echo_of_what_a_pass_wrote_gets_none() -> None:
    async def tell(shop: Shop) -> None:
        async def writes(number: int) -> float | None:
            shop.world.observe_child(child(version=10))
            shop.world.wrote(child(version=10), good_for=7)
            return None

        shop.does = writes
        shop.queue.add(KEY)
        await asyncio.sleep(1000)
        assert shop.passes == 1

    story(tell)


def test_a_child_lost_again_during_the_pass_that_made_it_gets_one_more() -> None:
    async def tell(shop: Shop) -> None:
        shop.world.wrote(child(version=10, uid="one"), good_for=7)
        shop.world.forget_child(child(version=11, uid="one"))

        async def makes_it(number: int) -> float | None:
            made = f"made-{number}"
            shop.world.wrote(child(version=20 * number, uid=made), good_for=7)
            if number == 1:
                shop.world.forget_child(child(version=21, uid=made))
            return None

        shop.does = makes_it
        shop.queue.add(KEY)
        await asyncio.sleep(1000)
        assert shop.passes == 2

    story(tell)


def test_what_cannot_be_repaired_is_no_endless_loop() -> None:
    async def tell(shop: Shop) -> None:
        async def cannot(number: int) -> float | None:
            shop.world.wrote(child(version=10 + number), good_for=0)
            raise Transient(Reason.WRITE_REFUSED, "changed back at once")

        shop.does = cannot
        shop.queue.add(KEY)
        await asyncio.sleep(60)
        assert 5 <= shop.passes <= 9

    story(tell)


def test_a_workflow_that_is_gone_is_dropped() -> None:
    async def tell(shop: Shop) -> None:
        shop.queue.add_after(KEY, 50)
        shop.world.forget_workflow(KEY, UID)
        shop.queue.add(KEY)
        await asyncio.sleep(1000)
        assert shop.passes == 1

    story(tell)


def test_other_workflows_go_on_while_one_pass_hangs() -> None:
    async def tell(shop: Shop) -> None:
        async def hangs_first(number: int) -> float | None:
            if number == 1:
                await asyncio.Event().wait()
            return None

        shop.does = hangs_first
        for name in "abc":
            shop.queue.add(Key(SPACE, name))
        await settled()
        assert shop.results == ["success"] * 2
        assert shop.queue.active == 1

    story(tell)


def test_passes_that_run_are_cancelled_and_joined_when_workers_end() -> None:
    async def told() -> None:
        shop = Shop()
        ended: list[str] = []

        async def takes_long(number: int) -> float | None:
            try:
                await asyncio.sleep(1000)
            finally:
                ended.append("joined")
            return None

        shop.does = takes_long
        shop.queue.add(KEY)
        working = asyncio.create_task(shop.workers.run(2))
        await asyncio.sleep(1)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        assert ended == ["joined"]
        assert shop.queue.active == 0

    run(told())


def test_log_lines_of_a_pass_know_which_one_it_is() -> None:
    async def tell(shop: Shop) -> None:
        seen: list[Any] = []

        async def looks(number: int) -> float | None:
            seen.append(CURRENT_PASS.get())
            return None

        shop.does = looks
        shop.queue.add(KEY)
        await settled()
        shop.queue.add(KEY)
        await settled()
        assert [(one.namespace, one.name, one.uid, one.generation) for one in seen] == [
            (SPACE, NAME, UID, 1)
        ] * 2
        assert seen[0].reconcile_id != seen[1].reconcile_id

    story(tell)
