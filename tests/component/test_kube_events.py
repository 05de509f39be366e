# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Events are written without ever standing in the way."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.component.apiserver.faults import Hold, Refuse, Reset, Silence
from tests.component.apiserver.server import ApiServer
from tests.component.apiserver.virtual import run, settled
from wardkeeper.kube.client import Client
from wardkeeper.kube.events import Recorder, cut

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SPACE = "radiology"
REGARDING = {
    "apiVersion": "wardkeeper.io/v1alpha1",
    "kind": "HealthcareWorkflow",
    "namespace": SPACE,
    "name": "router",
    "uid": "1234",
}


def _now() -> datetime:
    seconds = asyncio.get_running_loop().time()
    return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=seconds)


@asynccontextmanager
async def recording(
    *, may_write: bool = True, **options: Any
) -> AsyncIterator[tuple[ApiServer, Recorder]]:
    """A recorder that writes to a server with one namespace."""
    async with (
        ApiServer(namespaces=(SPACE,)) as server,
        Client(
            server.access(),
            user_agent="wardkeeper/test",
            clock=asyncio.get_running_loop().time,
            may_write=lambda: may_write,
        ) as client,
    ):
        recorder = Recorder(client, instance="pod-1", now=_now, **options)
        task = asyncio.create_task(recorder.run())
        yield server, recorder
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def emit(recorder: Recorder, note: str = "put back", **changes: Any) -> None:
    recorder.emit(REGARDING | changes, "Warning", "DriftRepaired", "Apply", note)


def test_an_event_says_what_was_done_to_which_object_and_by_whom() -> None:
    async def story() -> None:
        async with recording() as (server, recorder):
            emit(recorder)
            await settled()
            [event] = server.objects("Event", SPACE)
            told = {key: part for key, part in event.items() if key != "metadata"}
            assert told == {
                "apiVersion": "events.k8s.io/v1",
                "kind": "Event",
                "eventTime": "2026-03-01T00:00:00.000000Z",
                "type": "Warning",
                "reason": "DriftRepaired",
                "action": "Apply",
                "note": "put back",
                "regarding": REGARDING,
                "reportingController": "wardkeeper.io/operator",
                "reportingInstance": "pod-1",
            }
            assert event["metadata"]["name"].startswith("router.")

    run(story())


def test_the_same_again_becomes_a_series_of_one_event() -> None:
    async def story() -> None:
        async with recording() as (server, recorder):
            for _ in range(4):
                emit(recorder)
                await asyncio.sleep(10)
            [event] = server.objects("Event", SPACE)
            assert event["series"] == {
                "count": 4,
                "lastObservedTime": "2026-03-01T00:00:30.000000Z",
            }
            assert server.count("create", "Event") == 1

    run(story())


def test_many_at_once_are_told_in_two_writes() -> None:
    async def story() -> None:
        async with recording() as (server, recorder):
            hold = Hold()
            server.faults.next(fault=hold)
            emit(recorder)
            await settled()
            for _ in range(500):
                emit(recorder)
            hold.release.set()
            await settled()
            [event] = server.objects("Event", SPACE)
            assert event["series"]["count"] == 501
            assert server.count(writes=True) == 2

    run(story())


@pytest.mark.parametrize(
    "other",
    [{"note": "something else"}, {"uid": "another"}],
    ids=["another note", "another object"],
)
def test_something_else_is_another_event(other: dict[str, str]) -> None:
    async def story() -> None:
        async with recording() as (server, recorder):
            emit(recorder)
            emit(recorder, **other)
            await settled()
            assert len(server.objects("Event", SPACE)) == 2

    run(story())


def test_the_same_after_a_quiet_while_is_a_new_event() -> None:
    async def story() -> None:
        async with recording() as (server, recorder):
            emit(recorder)
            await asyncio.sleep(601)
            emit(recorder)
            await settled()
            assert len(server.objects("Event", SPACE)) == 2

    run(story())


def test_a_series_whose_event_has_expired_goes_on_as_a_new_event() -> None:
    async def story() -> None:
        async with recording() as (server, recorder):
            emit(recorder)
            await settled()
            name = server.objects("Event", SPACE)[0]["metadata"]["name"]
            server.delete("Event", SPACE, name)
            await asyncio.sleep(1)
            emit(recorder)
            await settled()
            [event] = server.objects("Event", SPACE)
            assert event["metadata"]["name"] != name
            assert "series" not in event

    run(story())


def test_an_event_written_without_an_answer_is_not_written_twice() -> None:
    async def story() -> None:
        async with recording() as (server, recorder):
            server.faults.next(fault=Reset(committed=True))
            emit(recorder)
            await settled()
            await asyncio.sleep(1)
            emit(recorder)
            await settled()
            emit(recorder)
            await settled()
            [event] = server.objects("Event", SPACE)
            assert event["series"]["count"] == 3

    run(story())


@pytest.mark.parametrize(
    "fault", [Refuse(403), Refuse(422), Refuse(500), Reset(), Silence()], ids=repr
)
def test_no_failure_reaches_the_one_who_emits_nor_ends_the_recorder(
    fault: Refuse | Reset | Silence,
) -> None:
    async def story() -> None:
        async with recording() as (server, recorder):
            server.faults.next(fault=fault)
            emit(recorder, "lost")
            await asyncio.sleep(20)
            emit(recorder, "kept")
            await settled()
            assert [event["note"] for event in server.objects("Event", SPACE)] == ["kept"]
            assert recorder.dropped == 1

    run(story())


def test_without_leadership_nothing_is_written() -> None:
    async def story() -> None:
        async with recording(may_write=False) as (server, recorder):
            emit(recorder)
            await settled()
            assert server.objects("Event") == []

    run(story())


def test_more_than_can_wait_is_dropped_and_counted() -> None:
    async def story() -> None:
        async with recording(limit=10) as (server, recorder):
            hold = Hold()
            server.faults.next(fault=hold)
            for number in range(100):
                emit(recorder, f"note {number}")
            hold.release.set()
            await settled()
            assert len(server.objects("Event", SPACE)) == 10
            assert recorder.dropped == 90

    run(story())


def test_what_is_remembered_stays_bounded() -> None:
    async def story() -> None:
        async with recording(limit=10) as (server, recorder):
            for number in range(50):
                emit(recorder, f"note {number}")
                await settled()
            assert len(server.objects("Event", SPACE)) == 50
            emit(recorder, "note 0")
            await settled()
            assert len(server.objects("Event", SPACE)) == 51

    run(story())


def test_events_of_a_namespace_that_is_gone_are_dropped() -> None:
    async def story() -> None:
        async with recording() as (server, recorder):
            emit(recorder, namespace="gone")
            await settled()
            assert recorder.dropped == 1
            assert server.count("create", "Event") == 1

    run(story())


def test_an_object_without_namespace_has_its_events_in_default() -> None:
    async def story() -> None:
        async with recording() as (server, recorder):
            emit(recorder, namespace="")
            await settled()
            assert len(server.objects("Event", "default")) == 1

    run(story())


def test_a_long_note_is_cut() -> None:
    async def story() -> None:
        async with recording() as (server, recorder):
            emit(recorder, "ä" * 2000)
            await settled()
            [event] = server.objects("Event", SPACE)
            assert len(event["note"].encode()) <= 1024
            assert event["note"].endswith("ä...")

    run(story())


@given(st.text(), st.integers(3, 50))
def test_a_cut_never_exceeds_its_bytes_nor_touches_what_fits(text: str, limit: int) -> None:
    result = cut(text, limit)
    assert len(result.encode()) <= limit
    if len(text.encode()) <= limit:
        assert result == text
