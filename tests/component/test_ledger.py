# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The ledger with the real client and the real informers, against the fake API server."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.component.apiserver.faults import Reset
from tests.component.apiserver.server import ApiServer
from tests.component.apiserver.virtual import run
from tests.component.workflows import workflow
from wardkeeper.api.credential import CREDENTIAL_KIND, Engine
from wardkeeper.engine.outcome import Transient
from wardkeeper.engine.peers import Peers
from wardkeeper.engine.queue import Queue
from wardkeeper.engine.secrets.ledger import Ledger, Owner
from wardkeeper.engine.seen import Key
from wardkeeper.engine.world import World
from wardkeeper.kube.client import Client
from wardkeeper.kube.errors import NotLeading, Unreachable
from wardkeeper.rotation.credential import Credential
from wardkeeper.rotation.identity import rotation_id
from wardkeeper.shell.following import Following
from wardkeeper.shell.observe import Observer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.component.apiserver.call import ApiCall

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SPACE, SYSTEM = "radiology", "wardkeeper-system"
KEY = Key(SPACE, "router")


class Process:
    """A process that follows the ledger, and may lead."""

    def __init__(self, server: ApiServer) -> None:
        clock = asyncio.get_running_loop().time
        self.server = server
        self.leads = True
        self.client = Client(
            server.access(), user_agent="test", may_write=lambda: self.leads, clock=clock
        )
        self.ledger = Ledger(self.client, SYSTEM)
        self.world = World()
        self.queue: Queue[Key] = Queue(clock=clock, draw=lambda: 0.5)
        observer = Observer(self.world, Peers(), self.queue, clock)
        self.following = Following(self.client, (), self.world, observer, self.ledger, secrets=True)
        uid = server.put(workflow())["metadata"]["uid"]
        self.world.observe_workflow(server.get("HealthcareWorkflow", SPACE, "router") or {})
        self.owner = Owner(SPACE, "router", uid)

    def names(self) -> set[str]:
        return set(self.ledger.names())

    async def knows(self, count: int) -> None:
        async with asyncio.timeout(60):
            while len(self.names()) != count:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)

    async def intend(self, secret: str = "tls") -> Credential:
        rotation = rotation_id(self.owner.uid, secret)
        return await self.ledger.intend(
            self.owner, Credential("", secret, Engine.PKI, rotation, role="hw-mtls")
        )


@asynccontextmanager
async def running() -> AsyncIterator[Process]:
    async with ApiServer(namespaces=(SPACE, SYSTEM)) as server:
        one = Process(server)
        async with one.client:
            one.following.begin()
            try:
                yield one
            finally:
                await one.following.end()


@asynccontextmanager
async def second(first: Process) -> AsyncIterator[Process]:
    """Another process beside the first one."""
    other = Process(first.server)
    async with other.client:
        other.following.begin()
        try:
            yield other
        finally:
            await other.following.end()


def on_entries(call: ApiCall) -> bool:
    return call.kind.name == CREDENTIAL_KIND and call.writes


def test_an_entry_goes_its_whole_way() -> None:
    async def story() -> None:
        async with running() as one:
            entry = await one.intend()
            assert entry.intended_at is not None
            entry = await one.ledger.note(entry, issued_at=NOW, proven_at=NOW)
            assert one.server.objects(CREDENTIAL_KIND)[0]["status"]["phase"] == "Current"
            await one.ledger.close(entry)
            assert not one.server.objects(CREDENTIAL_KIND)
            assert not one.names()

    run(story())


def test_another_process_learns_of_it_and_may_not_write_from_an_old_version() -> None:
    async def story() -> None:
        async with running() as one, second(one) as two:
            entry = await one.intend()
            await two.knows(1)
            [same] = two.ledger.all_of(one.owner.uid)
            await one.ledger.note(entry, issued_at=NOW)
            with pytest.raises(Transient):
                await two.ledger.note(same, issued_at=NOW)
            assert (await two.intend()).issued_at == NOW
            await two.ledger.close(same)
            await one.knows(0)

    run(story())


def test_a_process_that_does_not_lead_writes_nothing() -> None:
    async def story() -> None:
        async with running() as one:
            entry = await one.intend()
            one.leads = False
            with pytest.raises(NotLeading):
                await one.intend("db")
            with pytest.raises(NotLeading):
                await one.ledger.note(entry, issued_at=NOW)
            with pytest.raises(NotLeading):
                await one.ledger.close(entry)
            assert [each["spec"]["secret"] for each in one.server.objects(CREDENTIAL_KIND)] == [
                "tls"
            ]

    run(story())


def test_an_intent_whose_answer_is_lost_is_found_again() -> None:
    async def story() -> None:
        async with running() as one:
            one.server.faults.next(match=on_entries, fault=Reset(committed=True))
            with pytest.raises(Unreachable):
                await one.intend()
            entry = await one.intend()
            assert one.names() == {entry.name}
            assert len(one.server.objects(CREDENTIAL_KIND)) == 1

    run(story())


def test_a_start_lists_the_whole_ledger() -> None:
    async def story() -> None:
        async with running() as one:
            for number in range(250):
                await one.intend(f"secret-{number}")
            async with second(one) as two:
                await two.knows(250)

    run(story())


def test_an_entry_that_somebody_deletes_asks_for_a_pass_even_while_one_runs() -> None:
    async def story() -> None:
        async with running() as one:
            entry = await one.intend()
            async with asyncio.timeout(60):
                one.queue.add(KEY)
                assert await one.queue.get() == KEY
                one.server.delete(CREDENTIAL_KIND, SYSTEM, entry.name)
                while not one.ledger.is_doomed(entry.name):  # noqa: ASYNC110 - the same
                    await asyncio.sleep(0.01)
                one.queue.done(KEY)
                assert await one.queue.get() == KEY
            [doomed] = one.ledger.all_of(one.owner.uid)
            await one.ledger.close(doomed)
            assert not one.server.objects(CREDENTIAL_KIND)

    run(story())


def test_what_vanished_while_the_watch_was_away_is_gone() -> None:
    async def story() -> None:
        async with running() as one, second(one) as two:
            entry = await one.intend()
            await two.knows(1)
            await two.following.end()
            await one.ledger.close(entry)
            two.following.begin()
            await two.knows(0)

    run(story())
