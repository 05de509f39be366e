# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""One leader at most, whatever the API server, the network and the clocks do."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.component.apiserver.faults import Hold, Refuse, Reset, Silence
from tests.component.apiserver.samples import lease
from tests.component.apiserver.server import ApiServer
from tests.component.apiserver.virtual import run, settled
from wardkeeper.kube.client import Client
from wardkeeper.kube.lease import Elector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.component.apiserver.call import ApiCall

SPACE = "wardkeeper-system"


@dataclass
class Racer:
    """One replica with its elector running."""

    elector: Elector
    task: asyncio.Task[None]
    lost_while_held: list[bool] = field(default_factory=list)

    async def stop(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


@asynccontextmanager
async def racing(number: int = 1, **options: Any) -> AsyncIterator[tuple[ApiServer, list[Racer]]]:
    """An API server and replicas `r0`, `r1`, ... that want the same Lease."""
    clock = asyncio.get_running_loop().time
    async with ApiServer(namespaces=(SPACE,)) as server:
        clients, racers = [], []
        for place in range(number):
            client = Client(server.access(), user_agent=f"r{place}/test", clock=clock)
            clients.append(await client.__aenter__())
            elector = Elector(
                client,
                namespace=SPACE,
                name="wardkeeper",
                identity=f"r{place}",
                **({"clock": clock} | options),
            )
            racers.append(started(elector))
        yield server, racers
        for racer in racers:
            await racer.stop()
        for client in clients:
            await client.__aexit__(None, None, None)


def started(elector: Elector) -> Racer:
    lost_while_held: list[bool] = []

    async def on_lost() -> None:
        lost_while_held.append(elector.held)

    task = asyncio.create_task(elector.run(on_lost))
    return Racer(elector, task, lost_while_held)


def spec_of(server: ApiServer) -> dict[str, Any]:
    found = server.get("Lease", SPACE, "wardkeeper")
    assert found is not None
    return dict(found["spec"])


def holders(racers: list[Racer]) -> list[int]:
    return [place for place, racer in enumerate(racers) if racer.elector.held]


def writing(call: ApiCall) -> bool:
    return call.kind.name == "Lease" and call.writes


def test_of_eight_racers_exactly_one_wins_and_keeps_winning() -> None:
    async def story() -> None:
        async with racing(8) as (server, racers):
            await settled()
            winner = holders(racers)
            assert len(winner) == 1
            for _ in range(100):
                await asyncio.sleep(1)
                assert holders(racers) == winner
            assert spec_of(server)["holderIdentity"] == f"r{winner[0]}"
            assert spec_of(server)["leaseTransitions"] == 0

    run(story())


def test_a_clean_stop_hands_over_within_one_attempt() -> None:
    async def story() -> None:
        async with racing(2) as (server, racers):
            await settled()
            first = holders(racers)[0]
            await racers[first].stop()
            assert spec_of(server)["holderIdentity"] == ""
            await asyncio.sleep(2.5)
            assert holders(racers) == [1 - first]
            assert spec_of(server)["leaseTransitions"] == 1
            assert racers[first].lost_while_held == []

    run(story())


def test_a_stop_in_the_middle_of_a_renewal_still_hands_over() -> None:
    async def story() -> None:
        async with racing(1) as (server, racers):
            await settled()
            server.faults.next(match=writing, fault=Silence(committed=True))
            await asyncio.sleep(2.5)
            await racers[0].stop()
            assert spec_of(server)["holderIdentity"] == ""

    run(story())


def test_a_dead_leader_is_followed_once_its_lease_was_seen_unchanged_for_its_duration() -> None:
    async def story() -> None:
        async with ApiServer(namespaces=(SPACE,)) as server:
            server.put(lease(SPACE, "wardkeeper", "dead"))
            clock = asyncio.get_running_loop().time
            async with Client(server.access(), user_agent="r/1", clock=clock) as client:
                racer = started(
                    Elector(client, namespace=SPACE, name="wardkeeper", identity="r", clock=clock)
                )
                await asyncio.sleep(14.9)
                assert not racer.elector.held
                await asyncio.wait_for(racer.elector.acquired(), 5)
                assert 15 <= clock() < 15.5  # as soon as it may, and not a retry later
                assert spec_of(server)["leaseTransitions"] == 1
                await racer.stop()

    run(story())


@pytest.mark.parametrize("renewed", ["1999-01-01T00:00:00.000000Z", "2999-01-01T00:00:00.000000Z"])
def test_a_wrong_clock_elsewhere_neither_shortens_nor_lengthens_the_wait(renewed: str) -> None:
    async def story() -> None:
        async with ApiServer(namespaces=(SPACE,)) as server:
            held = lease(SPACE, "wardkeeper", "dead")
            held["spec"]["renewTime"] = renewed
            server.put(held)
            clock = asyncio.get_running_loop().time
            async with Client(server.access(), user_agent="r/1", clock=clock) as client:
                racer = started(
                    Elector(client, namespace=SPACE, name="wardkeeper", identity="r", clock=clock)
                )
                await asyncio.wait_for(racer.elector.acquired(), 30)
                assert 15 <= clock() <= 18
                await racer.stop()

    run(story())


def test_a_leader_that_renews_is_never_overtaken() -> None:
    async def story() -> None:
        async with racing(1) as (server, racers):
            for _ in range(30):
                server.put(
                    lease(SPACE, "wardkeeper", "alive")
                    | {"spec": {**lease(SPACE, "w", "alive")["spec"], "renewTime": _stamp()}}
                )
                await asyncio.sleep(5)
                assert holders(racers) == []

    run(story())


def test_a_leader_whose_calls_hang_stops_by_itself_at_its_deadline() -> None:
    async def story() -> None:
        clock = asyncio.get_running_loop().time
        async with racing(1) as (server, racers):
            await settled()
            server.faults.next(match=lambda call: call.agent == "r0", fault=Silence(), times=99)
            await asyncio.sleep(9.9)
            assert racers[0].elector.held
            await asyncio.wait_for(racers[0].task, 5)
            assert 10 <= clock() < 10.2
            assert racers[0].lost_while_held == [False]

    run(story())


@pytest.mark.parametrize("fault", [Refuse(500), Refuse(403), Refuse(429), Reset()], ids=repr)
def test_an_outage_ends_leadership_before_another_may_begin(fault: Refuse | Reset) -> None:
    async def story() -> None:
        async with racing(2) as (server, racers):
            await settled()
            first = holders(racers)[0]
            server.faults.next(
                match=lambda call: call.agent == f"r{first}", fault=fault, times=9999
            )
            for _ in range(400):
                await asyncio.sleep(0.1)
                assert len(holders(racers)) <= 1
            assert holders(racers) == [1 - first]
            assert racers[first].lost_while_held == [False]

    run(story())


def test_a_short_outage_is_survived() -> None:
    async def story() -> None:
        async with racing(2) as (server, racers):
            await settled()
            first = holders(racers)
            server.faults.next(fault=Refuse(503), times=3)
            for _ in range(60):
                await asyncio.sleep(1)
                assert holders(racers) == first

    run(story())


def test_a_server_that_takes_over_a_second_for_each_answer_still_has_a_leader() -> None:
    async def story() -> None:
        async with racing(1) as (server, racers):
            holding = asyncio.create_task(slowing(server, 1.5))
            await asyncio.sleep(20)
            for _ in range(60):
                await asyncio.sleep(1)
                assert holders(racers) == [0]
            holding.cancel()
            with suppress(asyncio.CancelledError):
                await holding

    run(story())


async def slowing(server: ApiServer, seconds: float) -> None:
    """Answer each request that comes from now on so much later."""
    loop = asyncio.get_running_loop()

    def noticed(call: ApiCall) -> bool:
        loop.call_later(seconds, hold.release.set)
        return call.kind.name == "Lease"

    while True:
        hold = Hold()
        server.faults.next(match=noticed, fault=hold)
        await hold.release.wait()


def test_a_renewal_counts_from_its_start() -> None:
    async def story() -> None:
        clock = asyncio.get_running_loop().time
        async with racing(1) as (server, racers):
            await settled()
            hold = Hold()
            server.faults.next(match=writing, fault=hold)
            asyncio.get_running_loop().call_later(3.9, hold.release.set)
            await asyncio.sleep(3.95)
            assert server.count("update", code=200) == 1
            server.faults.next(fault=Reset(), times=99)
            await asyncio.wait_for(racers[0].task, 60)
            assert 12 <= clock() < 12.2

    run(story())


def test_a_process_that_was_frozen_past_its_deadline_does_not_lead_when_it_thaws() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        frozen = 0.0
        async with racing(1, clock=lambda: loop.time() + frozen) as (_, racers):
            await settled()
            assert racers[0].elector.held
            frozen = 10.0
            assert not racers[0].elector.held
            await asyncio.wait_for(racers[0].task, 5)
            frozen = 0.0
            assert not racers[0].elector.held

    run(story())


def test_a_stop_never_takes_the_lease_from_another() -> None:
    async def story() -> None:
        async with racing(1) as (server, racers):
            await settled()

            def usurp(obj: dict[str, Any]) -> None:
                obj["spec"]["holderIdentity"] = "another"

            server.edit("Lease", SPACE, "wardkeeper", usurp)
            await racers[0].stop()
            assert spec_of(server)["holderIdentity"] == "another"

    run(story())


def test_who_reads_another_name_in_the_lease_stops_at_once() -> None:
    async def story() -> None:
        async with racing(1) as (server, racers):
            await settled()

            def usurp(obj: dict[str, Any]) -> None:
                obj["spec"]["holderIdentity"] = "another"

            server.edit("Lease", SPACE, "wardkeeper", usurp)
            await asyncio.wait_for(racers[0].task, 2.5)
            assert racers[0].lost_while_held == [False]
            assert spec_of(server)["holderIdentity"] == "another"

    run(story())


def test_a_renewal_whose_answer_was_lost_is_recognised_as_our_own() -> None:
    async def story() -> None:
        async with racing(2) as (server, racers):
            await settled()
            first = holders(racers)
            server.faults.next(match=writing, fault=Reset(committed=True))
            for _ in range(30):
                await asyncio.sleep(1)
                assert holders(racers) == first
            assert server.faults.pending == 0

    run(story())


def test_an_acquisition_whose_answer_was_lost_is_completed() -> None:
    async def story() -> None:
        async with ApiServer(namespaces=(SPACE,)) as server:
            server.faults.next(match=writing, fault=Reset(committed=True))
            clock = asyncio.get_running_loop().time
            async with Client(server.access(), user_agent="r/1", clock=clock) as client:
                racer = started(
                    Elector(client, namespace=SPACE, name="wardkeeper", identity="r", clock=clock)
                )
                await settled()
                assert not racer.elector.held
                await asyncio.sleep(3)
                assert racer.elector.held
                await racer.stop()

    run(story())


def test_a_restarted_process_takes_its_own_lease_up_again_at_once() -> None:
    async def story() -> None:
        async with ApiServer(namespaces=(SPACE,)) as server:
            server.put(lease(SPACE, "wardkeeper", "r"))
            clock = asyncio.get_running_loop().time
            async with Client(server.access(), user_agent="r/1", clock=clock) as client:
                racer = started(
                    Elector(client, namespace=SPACE, name="wardkeeper", identity="r", clock=clock)
                )
                await settled()
                assert racer.elector.held
                await racer.stop()

    run(story())


def test_a_deleted_lease_is_made_again_by_its_holder() -> None:
    async def story() -> None:
        async with racing(1) as (server, racers):
            await settled()
            server.delete("Lease", SPACE, "wardkeeper")
            await asyncio.sleep(3)
            assert racers[0].elector.held
            assert spec_of(server)["holderIdentity"] == "r0"

    run(story())


def test_times_are_written_in_utc_with_microseconds() -> None:
    async def story() -> None:
        moment = datetime(2026, 3, 1, 12, 0, 0, 0, tzinfo=UTC)
        async with racing(1, now=lambda: moment) as (server, _):
            await settled()
            assert spec_of(server) == {
                "holderIdentity": "r0",
                "leaseDurationSeconds": 15,
                "acquireTime": "2026-03-01T12:00:00.000000Z",
                "renewTime": "2026-03-01T12:00:00.000000Z",
                "leaseTransitions": 0,
            }

    run(story())


def test_times_that_could_make_two_leaders_are_refused() -> None:
    async def story() -> None:
        async with Client(ApiServer().access(), user_agent="r/1") as client:
            with pytest.raises(ValueError, match="retry < deadline < duration"):
                Elector(client, namespace="a", name="b", identity="c", duration=10.0, deadline=10.0)

    run(story())


def _stamp() -> str:
    return f"at {asyncio.get_running_loop().time()}"
