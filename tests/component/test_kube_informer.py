# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The informer against dropped, stalled, repeating and forgetful watches."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.component.apiserver.faults import (
    DropWatch,
    DuplicateEvents,
    EndWatch,
    Hold,
    Refuse,
    Reset,
    StallWatch,
)
from tests.component.apiserver.samples import config_map, secret
from tests.component.apiserver.server import ApiServer
from tests.component.apiserver.virtual import run, settled
from wardkeeper.kube.client import PAGE, Client
from wardkeeper.kube.informer import Event, Informer
from wardkeeper.kube.resource import resource_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.component.apiserver.call import ApiCall

SPACE = "radiology"


@dataclass
class Listener:
    """What the engine would keep: the objects it was told of, and each event as a short text."""

    objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def on_event(self, event: Event) -> None:
        metadata = event.obj["metadata"]
        key = (metadata.get("namespace", ""), metadata["name"])
        self.events.append(event)
        self.told.append(f"{event.type} {key[1]}{' initial' if event.initial else ''}")
        if event.type == "DELETED":
            self.objects.pop(key, None)
        else:
            self.objects[key] = event.obj


@dataclass
class World:
    server: ApiServer
    informer: Informer
    listener: Listener

    def names(self) -> list[str]:
        return sorted(name for _, name in self.listener.objects)


@asynccontextmanager
async def following(
    *names: str, kind: str = "ConfigMap", prepare: Any = None, **options: Any
) -> AsyncIterator[World]:
    """An informer on the loop's clock that has seen these ConfigMaps."""
    loop = asyncio.get_running_loop()
    listener = Listener()
    async with ApiServer(namespaces=(SPACE, "cardiology")) as server:
        for name in names:
            server.put(config_map(SPACE, name))
        if prepare is not None:
            prepare(server)
        async with Client(server.access(), user_agent="wardkeeper/test", clock=loop.time) as client:
            settings: dict[str, Any] = {
                "known": lambda: list(listener.objects),
                "on_event": listener.on_event,
                "clock": loop.time,
                "rng": lambda: 1.0,
            }
            informer = Informer(client, resource_of(kind), **settings | options)
            task = asyncio.create_task(informer.run())
            await settled()
            yield World(server, informer, listener)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def watches(call: ApiCall) -> bool:
    return call.verb == "watch"


def lists(call: ApiCall) -> bool:
    return call.verb == "list"


def test_what_exists_is_told_first_and_then_every_change() -> None:
    async def story() -> None:
        async with following("a", "b") as world:
            assert world.informer.synced
            world.server.put(config_map(SPACE, "c"))
            world.server.put(config_map(SPACE, "a", key="2"))
            world.server.delete("ConfigMap", SPACE, "b")
            await settled()
            assert world.listener.told == [
                "ADDED a initial",
                "ADDED b initial",
                "ADDED c",
                "MODIFIED a",
                "DELETED b",
            ]

    run(story())


def test_it_is_not_synced_before_the_first_list_is_complete() -> None:
    async def story() -> None:
        def prepare(server: ApiServer) -> None:
            server.faults.next(match=lists, fault=Refuse(503))

        async with following("a", prepare=prepare) as world:
            assert not world.informer.synced
            await asyncio.sleep(0.6)
            assert world.informer.synced
            assert world.names() == ["a"]

    run(story())


def test_a_long_list_comes_in_pages() -> None:
    async def story() -> None:
        def prepare(server: ApiServer) -> None:
            for number in range(2 * PAGE + 1):
                server.put(config_map(SPACE, f"n{number:04}"))

        async with following(prepare=prepare) as world:
            assert len(world.listener.objects) == 2 * PAGE + 1
            assert world.server.count("list") == 3

    run(story())


@pytest.mark.parametrize("after", [0, 1])
def test_a_dropped_watch_goes_on_where_it_was(after: int) -> None:
    async def story() -> None:
        def prepare(server: ApiServer) -> None:
            server.faults.next(match=watches, fault=DropWatch(after=after))

        async with following("a", prepare=prepare) as world:
            for name in ("b", "c", "d"):
                world.server.put(config_map(SPACE, name))
            await asyncio.sleep(2)
            assert world.names() == ["a", "b", "c", "d"]
            assert world.server.count("list") == 1
            assert world.server.count("watch") == 2
            assert world.server.faults.pending == 0

    run(story())


def test_a_watch_that_falls_silent_is_replaced_after_seventy_seconds() -> None:
    async def story() -> None:
        def prepare(server: ApiServer) -> None:
            server.faults.next(match=watches, fault=StallWatch())

        async with following("a", prepare=prepare) as world:
            world.server.put(config_map(SPACE, "b"))
            await asyncio.sleep(69)
            assert world.names() == ["a"]
            assert asyncio.get_running_loop().time() - world.informer.last_activity > 68
            await asyncio.sleep(3)
            assert world.names() == ["a", "b"]

    run(story())


def test_bookmarks_alone_keep_a_quiet_watch_alive() -> None:
    async def story() -> None:
        async with following("a") as world:
            await asyncio.sleep(200)
            assert asyncio.get_running_loop().time() - world.informer.last_activity <= 60
            assert world.server.count("watch") == 1
            await asyncio.sleep(400)
            assert world.server.count("list") == 1

    run(story())


def test_a_bookmark_moves_the_version_to_go_on_from() -> None:
    async def story() -> None:
        async with following("a") as world:
            for number in range(9):
                world.server.put(secret(SPACE, f"s{number}"))
            await asyncio.sleep(61)
            world.server.compact()
            world.server.drop_watches()
            world.server.put(config_map(SPACE, "b"))
            await asyncio.sleep(2)
            asked = [seen.call for seen in world.server.seen if seen.call.verb == "watch"]
            versions = [int(call.query["resourceVersion"]) for call in asked]
            assert versions[1] >= versions[0] + 9
            assert world.names() == ["a", "b"]

    run(story())


def test_what_vanished_while_the_version_was_forgotten_is_told_as_deleted() -> None:
    async def story() -> None:
        async with following("a", "b", "c") as world:
            for stream in world.server.streams:
                stream.stall()
            world.server.delete("ConfigMap", SPACE, "b")
            world.server.put(config_map(SPACE, "a", key="2"))
            world.server.put(config_map(SPACE, "d"))
            world.server.compact()
            world.server.drop_watches()
            await asyncio.sleep(3)
            assert world.names() == ["a", "c", "d"]
            assert world.listener.told[3:] == [
                "MODIFIED a initial",
                "MODIFIED c initial",
                "ADDED d initial",
                "DELETED b",
            ]
            gone = world.listener.events[-1].obj
            assert gone == {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"namespace": SPACE, "name": "b"},
            }

    run(story())


def test_what_is_learnt_elsewhere_during_a_list_is_not_taken_for_vanished() -> None:
    async def story() -> None:
        hold = Hold()

        def prepare(server: ApiServer) -> None:
            server.faults.next(match=lists, fault=hold)

        async with following("a", prepare=prepare) as world:
            world.listener.objects[(SPACE, "from-an-apply")] = {}
            hold.release.set()
            await settled()
            assert world.names() == ["a", "from-an-apply"]

    run(story())


def test_an_expired_list_begins_again() -> None:
    async def story() -> None:
        def prepare(server: ApiServer) -> None:
            for number in range(PAGE + 1):
                server.put(config_map(SPACE, f"n{number:03}"))
            server.faults.next(match=lambda call: "continue" in call.query, fault=Refuse(410))

        async with following(prepare=prepare) as world:
            await asyncio.sleep(1)
            assert len(world.listener.objects) == PAGE + 1
            assert world.server.count("list") == 4
            assert world.informer.synced

    run(story())


def test_duplicate_events_end_in_the_same_picture() -> None:
    async def story() -> None:
        def prepare(server: ApiServer) -> None:
            server.faults.next(match=watches, fault=DuplicateEvents())

        async with following("a", prepare=prepare) as world:
            world.server.put(config_map(SPACE, "b"))
            world.server.delete("ConfigMap", SPACE, "a")
            await settled()
            assert world.names() == ["b"]
            assert world.listener.told[1:] == ["ADDED b"] * 2 + ["DELETED a"] * 2

    run(story())


@pytest.mark.parametrize(
    "fault", [Refuse(403), Refuse(429), Refuse(500), Refuse(503), Reset()], ids=repr
)
@pytest.mark.parametrize("verb", ["list", "watch"])
def test_refusals_are_retried_ever_more_slowly_and_never_given_up(
    verb: str, fault: Refuse | Reset
) -> None:
    async def story() -> None:
        def prepare(server: ApiServer) -> None:
            server.faults.next(match=lambda call: call.verb == verb, fault=fault, times=12)

        async with following("a", prepare=prepare) as world:
            await asyncio.sleep(400)
            world.server.put(config_map(SPACE, "b"))
            await settled()
            assert world.names() == ["a", "b"]
            assert world.server.faults.pending == 0
            assert world.server.count(verb) < 40

    run(story())


def test_the_pause_between_attempts_grows_to_thirty_seconds_and_starts_over_after_success() -> None:
    async def story() -> None:
        pauses: list[float] = []

        async def sleep(seconds: float) -> None:
            pauses.append(seconds)
            await asyncio.sleep(seconds)

        def prepare(server: ApiServer) -> None:
            server.faults.next(match=watches, fault=Refuse(500), times=9)

        async with following("a", prepare=prepare, sleep=sleep) as world:
            await asyncio.sleep(300)
            assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
            world.server.put(config_map(SPACE, "b"))
            await settled()
            world.server.drop_watches()
            await settled()
            assert pauses[9:] == [0.5]

    run(story())


def test_the_pause_is_jittered_so_that_replicas_do_not_come_back_together() -> None:
    async def story() -> None:
        def prepare(server: ApiServer) -> None:
            server.faults.next(match=watches, fault=Refuse(500), times=2)

        async with following("a", prepare=prepare, rng=lambda: 0.0) as world:
            await asyncio.sleep(0.26)
            assert world.server.count("watch") == 2
            await asyncio.sleep(0.51)
            assert world.server.count("watch") == 3

    run(story())


def test_watches_that_end_at_once_are_not_reopened_in_a_rush() -> None:
    async def story() -> None:
        def prepare(server: ApiServer) -> None:
            server.faults.next(match=watches, fault=EndWatch(), times=9999)

        async with following("a", prepare=prepare) as world:
            await asyncio.sleep(60)
            assert 5 < world.server.count("watch") < 10
            assert world.server.count("list") == 1

    run(story())


def test_a_server_that_asks_for_more_patience_gets_it() -> None:
    async def story() -> None:
        def prepare(server: ApiServer) -> None:
            server.faults.next(match=watches, fault=Refuse(429, retry_after=20))

        async with following("a", prepare=prepare) as world:
            await asyncio.sleep(19)
            assert world.server.count("watch") == 1
            await asyncio.sleep(2)
            assert world.server.count("watch") == 2

    run(story())


def test_a_listener_that_fails_is_told_everything_again_and_the_log_says_where(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        listener = Listener()
        failures = iter([True])

        def on_event(event: Event) -> None:
            if event.obj["metadata"]["name"] == "b" and next(failures, False):
                raise RuntimeError("a defect")
            listener.on_event(event)

        async with following("a", on_event=on_event) as world:
            world.server.put(config_map(SPACE, "b"))
            await asyncio.sleep(2)
            assert ("radiology", "b") in listener.objects
            assert world.server.count("list") == 2
        [failed] = [one for one in caplog.records if one.exc_info]
        assert failed.exc_info is not None
        assert isinstance(failed.exc_info[1], RuntimeError)

    run(story())


def test_each_namespace_has_a_stream_and_its_own_vanished_objects() -> None:
    async def story() -> None:
        def prepare(server: ApiServer) -> None:
            server.put(config_map("cardiology", "x"))
            server.put(config_map("default", "unseen"))

        spaces = (SPACE, "cardiology")
        async with following("a", prepare=prepare, namespaces=spaces) as world:
            assert world.names() == ["a", "x"]
            assert world.server.count("watch") == 2
            world.server.compact()
            world.server.streams[0].drop()
            await asyncio.sleep(2)
            assert world.names() == ["a", "x"]
            assert not any(text.startswith("DELETED") for text in world.listener.told)

    run(story())


def test_one_namespace_that_cannot_be_listed_keeps_the_informer_from_being_synced() -> None:
    async def story() -> None:
        def prepare(server: ApiServer) -> None:
            server.faults.next(
                match=lambda call: lists(call) and call.namespace == SPACE, fault=Refuse(403)
            )

        async with following(prepare=prepare, namespaces=(SPACE, "cardiology")) as world:
            assert not world.informer.synced
            await asyncio.sleep(1)
            assert world.informer.synced

    run(story())


def test_one_silent_namespace_makes_the_whole_informer_look_old() -> None:
    async def story() -> None:
        def prepare(server: ApiServer) -> None:
            server.faults.next(
                match=lambda call: watches(call) and call.namespace == SPACE, fault=StallWatch()
            )

        async with following(prepare=prepare, namespaces=(SPACE, "cardiology")) as world:
            await asyncio.sleep(65)
            assert asyncio.get_running_loop().time() - world.informer.last_activity > 64

    run(story())


def test_only_selected_objects_are_followed() -> None:
    async def story() -> None:
        async with following("a", label_selector="ours=yes") as world:
            world.server.put(config_map(SPACE, "b", labels={"ours": "yes"}))
            await settled()
            world.server.edit("ConfigMap", SPACE, "b", lambda obj: obj["metadata"].pop("labels"))
            await settled()
            assert world.listener.told == ["ADDED b", "DELETED b"]

    run(story())


def test_the_values_of_secrets_are_never_handed_over() -> None:
    async def story() -> None:
        def prepare(server: ApiServer) -> None:
            server.put(secret(SPACE, "old"))

        async with following(kind="Secret", prepare=prepare) as world:
            world.server.put(secret(SPACE, "new"))
            await settled()
            assert world.names() == ["new", "old"]
            for event in world.listener.events:
                assert set(event.obj) == {"apiVersion", "kind", "metadata"}
                assert (event.obj["kind"], event.obj["apiVersion"]) == ("Secret", "v1")

    run(story())
