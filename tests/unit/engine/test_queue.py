# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The work queue: every key at most once, nothing lost, time in a test's hands."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.component.apiserver.virtual import run, settled
from wardkeeper.engine.queue import BACKOFF_FIRST, BACKOFF_MOST, Priority, Queue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def story(tell: Callable[[Queue[str]], Awaitable[None]], draw: float = 0.5) -> None:
    """Run in virtual time, with a queue that goes by it."""

    async def told() -> None:
        await tell(Queue(clock=asyncio.get_running_loop().time, draw=lambda: draw))

    run(told())


async def take(queue: Queue[str], count: int = 1) -> list[str]:
    """The next due keys, each served at once."""
    taken = []
    for _ in range(count):
        key = await queue.get()
        queue.done(key)
        taken.append(key)
    return taken


def test_a_key_added_often_is_served_once() -> None:
    async def tell(queue: Queue[str]) -> None:
        for _ in range(5):
            queue.add("a")
        assert len(queue) == 1
        assert await take(queue) == ["a"]
        assert len(queue) == 0

    story(tell)


def test_keys_are_served_in_the_order_of_their_coming() -> None:
    async def tell(queue: Queue[str]) -> None:
        for key in "abcab":
            queue.add(key)
        assert await take(queue, 3) == ["a", "b", "c"]

    story(tell)


def test_live_changes_go_before_initial_lists() -> None:
    async def tell(queue: Queue[str]) -> None:
        queue.add("listed", Priority.LATER)
        queue.add("other", Priority.LATER)
        queue.add("changed")
        queue.add("other")
        assert await take(queue, 3) == ["changed", "other", "listed"]
        assert len(queue) == 0

    story(tell)


def test_among_those_that_are_not_live_a_lower_rank_goes_first() -> None:
    async def tell(queue: Queue[str]) -> None:
        for key, rank in (("c", 9.0), ("b", 3.0), ("d", 9.0)):
            queue.add(key, Priority.LATER, rank=rank)
        queue.add("a", Priority.LATER)
        queue.add("d")
        assert await take(queue, 4) == ["d", "a", "b", "c"]
        assert len(queue) == 0

    story(tell)


def test_a_rank_counts_for_the_pass_after_the_one_that_runs() -> None:
    async def tell(queue: Queue[str]) -> None:
        queue.add("a")
        assert await queue.get() == "a"
        queue.add("a", Priority.LATER, rank=5.0)
        queue.add("b", Priority.LATER, rank=3.0)
        queue.add("c", Priority.LATER, rank=7.0)
        queue.done("a")
        assert await take(queue, 3) == ["b", "a", "c"]

    story(tell)


def test_a_key_that_was_served_as_live_is_not_served_again_for_its_rank() -> None:
    async def tell(queue: Queue[str]) -> None:
        queue.add("a", Priority.LATER, rank=5.0)
        queue.add("a")
        assert await take(queue) == ["a"]
        queue.add("a")
        queue.add("b", Priority.LATER, rank=9.0)
        assert await take(queue, 2) == ["a", "b"]
        assert len(queue) == 0

    story(tell)


def test_a_key_does_not_lose_its_priority() -> None:
    async def tell(queue: Queue[str]) -> None:
        queue.add("a", Priority.LATER)
        queue.add("b")
        queue.add("b", Priority.LATER)
        assert await take(queue, 2) == ["b", "a"]

    story(tell)


def test_a_key_added_while_its_pass_runs_comes_again_once() -> None:
    async def tell(queue: Queue[str]) -> None:
        queue.add("a")
        assert await queue.get() == "a"
        assert queue.is_active("a")
        for _ in range(3):
            queue.add("a")
        assert len(queue) == 0
        queue.done("a")
        assert not queue.is_active("a")
        assert await take(queue) == ["a"]
        assert len(queue) == 0

    story(tell)


def test_no_two_passes_of_one_key_run_at_once() -> None:
    async def tell(queue: Queue[str]) -> None:
        running: list[str] = []
        most = 0

        async def serve() -> None:
            nonlocal most
            while True:
                key = await queue.get()
                running.append(key)
                most = max(most, running.count(key))
                await asyncio.sleep(0.01)
                running.remove(key)
                queue.done(key)

        workers = [asyncio.create_task(serve()) for _ in range(8)]
        for step in range(200):
            queue.add("ab"[step % 2])
            await asyncio.sleep(0.003)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        assert most == 1

    story(tell)


def test_a_wake_up_comes_when_it_is_due_and_not_before() -> None:
    async def tell(queue: Queue[str]) -> None:
        loop = asyncio.get_running_loop()
        queue.add_after("a", 100)
        await take(queue)
        assert loop.time() == pytest.approx(100, abs=0.1)

    story(tell)


@pytest.mark.parametrize("delays", [(10, 50), (50, 10), (10, 10)])
def test_the_earliest_wake_up_of_a_key_stands(delays: tuple[float, float]) -> None:
    async def tell(queue: Queue[str]) -> None:
        loop = asyncio.get_running_loop()
        for delay in delays:
            queue.add_after("a", delay)
        await take(queue)
        assert loop.time() == pytest.approx(10, abs=0.1)
        await asyncio.sleep(200)
        assert len(queue) == 0

    story(tell)


def test_wake_ups_of_many_keys_come_in_the_order_of_time() -> None:
    async def tell(queue: Queue[str]) -> None:
        for delay, key in ((30, "c"), (10, "a"), (20, "b")):
            queue.add_after(key, delay)
        assert await take(queue, 3) == ["a", "b", "c"]

    story(tell)


def test_a_dropped_key_is_not_woken() -> None:
    async def tell(queue: Queue[str]) -> None:
        queue.add_after("a", 10)
        queue.drop("a")
        await asyncio.sleep(50)
        assert len(queue) == 0
        queue.add_after("a", 10)
        assert await take(queue) == ["a"]

    story(tell)


def test_retries_wait_twice_as_long_each_time_up_to_a_limit() -> None:
    async def tell(queue: Queue[str]) -> None:
        waits = []
        for _ in range(14):
            waits.append(queue.retry("a"))
            await take(queue)
        assert waits[0] == BACKOFF_FIRST
        assert waits[:9] == [BACKOFF_FIRST * 2**times for times in range(9)]
        assert waits[-1] == BACKOFF_MOST
        assert asyncio.get_running_loop().time() == pytest.approx(sum(waits), abs=1)

    story(tell)


def test_a_success_makes_the_next_failure_the_first() -> None:
    async def tell(queue: Queue[str]) -> None:
        for _ in range(5):
            queue.retry("a")
        queue.forget("a")
        assert queue.retry("a") == BACKOFF_FIRST

    story(tell)


@pytest.mark.parametrize(("draw", "factor"), [(0.0, 0.9), (0.999999, 1.1)])
def test_retries_are_spread(draw: float, factor: float) -> None:
    async def tell(queue: Queue[str]) -> None:
        assert queue.retry("a") == pytest.approx(BACKOFF_FIRST * factor, rel=0.001)

    story(tell, draw)


def test_a_thousand_failures_do_not_overflow() -> None:
    async def tell(queue: Queue[str]) -> None:
        for _ in range(2000):
            assert queue.retry("a") <= BACKOFF_MOST

    story(tell)


def test_a_change_does_not_wait_for_the_back_off() -> None:
    async def tell(queue: Queue[str]) -> None:
        for _ in range(9):
            queue.retry("a")
        queue.add("a")
        await take(queue)
        assert asyncio.get_running_loop().time() < 0.1

    story(tell)


def test_one_waiting_worker_is_woken_for_each_key() -> None:
    async def tell(queue: Queue[str]) -> None:
        workers = [asyncio.create_task(queue.get()) for _ in range(3)]
        await settled()
        queue.add("a")
        await settled()
        assert [worker.done() for worker in workers].count(True) == 1
        queue.add("b")
        queue.add("c")
        assert {await worker for worker in workers} == {"a", "b", "c"}

    story(tell)


@pytest.mark.parametrize("cancelled", [0, 1, 2])
def test_a_worker_that_is_cancelled_while_it_is_woken_loses_no_key(cancelled: int) -> None:
    async def tell(queue: Queue[str]) -> None:
        workers = [asyncio.create_task(queue.get()) for _ in range(3)]
        await settled()
        queue.add("a")
        workers[cancelled].cancel()
        await settled()
        left = [worker for at, worker in enumerate(workers) if at != cancelled]
        assert [worker.done() for worker in left].count(True) == 1
        assert len(queue) == 0

    story(tell)


def test_a_key_survives_the_end_of_all_workers() -> None:
    async def tell(queue: Queue[str]) -> None:
        worker = asyncio.create_task(queue.get())
        await settled()
        queue.add("a")
        worker.cancel()
        with pytest.raises(asyncio.CancelledError):
            await worker
        assert await take(queue) == ["a"]

    story(tell)


def test_the_longest_running_pass_is_told() -> None:
    async def tell(queue: Queue[str]) -> None:
        assert queue.longest_running() == 0
        queue.add("a")
        await queue.get()
        await asyncio.sleep(30)
        queue.add("b")
        await queue.get()
        await asyncio.sleep(5)
        assert queue.active == 2
        assert queue.longest_running() == pytest.approx(35, abs=0.1)

    story(tell)


def test_the_meter_hears_of_every_step() -> None:
    class Meter:
        def __init__(self) -> None:
            self.heard: list[tuple[object, ...]] = []

        def added(self, depth: int) -> None:
            self.heard.append(("added", depth))

        def started(self, depth: int, waited: float) -> None:
            self.heard.append(("started", depth, round(waited)))

        def finished(self, worked: float) -> None:
            self.heard.append(("finished", round(worked)))

        def retried(self) -> None:
            self.heard.append(("retried",))

    async def told() -> None:
        meter = Meter()
        clock = asyncio.get_running_loop().time
        queue: Queue[str] = Queue(clock=clock, draw=lambda: 0.5, meter=meter)
        queue.add("a")
        await asyncio.sleep(3)
        await queue.get()
        await asyncio.sleep(2)
        queue.retry("a")
        queue.done("a")
        assert meter.heard == [("added", 1), ("started", 0, 3), ("retried",), ("finished", 2)]

    run(told())
