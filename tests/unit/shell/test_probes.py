# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Probes say whether a restart would help and whether the caches are full, and nothing else."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp

from wardkeeper.shell.identity import identity
from wardkeeper.shell.probes import Heartbeat, Probes, cache_synced, watch_alive

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def serving(**checks: dict[str, Callable[[], str | None]]) -> AsyncIterator[Client]:
    probes = Probes(
        host="127.0.0.1",
        port=0,
        alive=checks.get("alive", {}),
        ready=checks.get("ready", {}),
        metrics=lambda: b"up 1\n",
    )
    async with probes, aiohttp.ClientSession(f"http://127.0.0.1:{probes.port}") as session:
        yield Client(session)


class Client:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def get(self, path: str) -> tuple[int, str, str]:
        async with self._session.get(path) as answer:
            return answer.status, await answer.text(), answer.headers["Content-Type"]


async def test_a_process_whose_checks_all_pass_is_alive_and_ready() -> None:
    async with serving(alive={"loop": lambda: None}, ready={"cache": lambda: None}) as client:
        assert (await client.get("/healthz"))[:2] == (200, "[+] loop: ok\nok\n")
        assert (await client.get("/readyz"))[:2] == (200, "[+] cache: ok\nok\n")


async def test_a_failing_check_is_named_and_fails_its_own_probe_alone() -> None:
    async with serving(
        alive={"loop": lambda: None, "watch secrets": lambda: "no sign of life for 700 s"},
        ready={"cache": lambda: None},
    ) as client:
        status, text, _ = await client.get("/healthz")
        assert status == 503
        assert "[-] watch secrets: no sign of life for 700 s" in text
        assert (await client.get("/readyz"))[0] == 200


async def test_checks_are_asked_anew_each_time() -> None:
    synced = False
    async with serving(ready={"cache": cache_synced(lambda: synced)}) as client:
        assert (await client.get("/readyz"))[0] == 503
        synced = True
        assert (await client.get("/readyz"))[0] == 200


async def test_metrics_are_served_as_prometheus_text() -> None:
    async with serving() as client:
        status, text, kind = await client.get("/metrics")
    assert (status, text) == (200, "up 1\n")
    assert kind.startswith("text/plain; version=0.0.4")


async def test_nothing_else_is_served() -> None:
    async with serving() as client:
        assert (await client.get("/"))[0] == 404
        assert (await client.get("/debug"))[0] == 404


def test_a_loop_that_stood_still_is_noticed() -> None:
    clock = Clock()
    beat = Heartbeat(clock, longest=15)
    clock.now += 15
    assert beat() is None
    clock.now += 1
    assert beat() == "the event loop stood still for 16 s"


async def test_a_beat_makes_the_loop_count_as_alive_again() -> None:
    clock = Clock()
    beat = Heartbeat(clock, longest=15)
    clock.now += 60
    assert beat()
    task = asyncio.create_task(beat.run())
    await asyncio.sleep(0)
    assert beat() is None
    task.cancel()


def test_a_watch_is_dead_after_long_silence_and_not_before() -> None:
    clock = Clock()
    check = watch_alive(lambda: 1000.0, clock=clock, longest=600)
    clock.now = 1600
    assert check() is None
    clock.now = 1601
    assert check() == "no sign of life for 601 s"


def test_a_process_in_a_pod_is_known_by_the_name_and_uid_of_the_pod() -> None:
    assert identity({"POD_NAME": "wk-1", "POD_UID": "u"}, lambda: "x") == "wk-1_u"


def test_a_process_outside_of_a_pod_gets_a_name_of_its_own() -> None:
    assert identity({"POD_NAME": "wk-1"}, lambda: "host_42") == "host_42"
