# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The whole process with kopf, Lease and probes, in real time; the few things only it can show."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from tests.component.apiserver.server import ApiServer
from tests.component.operator_fixture import SPACE, is_ready, status_of, written
from tests.component.ports import free_ports
from tests.component.workflows import CHILDREN, workflow
from wardkeeper.api.workflow import KIND
from wardkeeper.engine.secrets.sweep import Sweeper
from wardkeeper.settings.model import Settings
from wardkeeper.shell.metrics import Metrics
from wardkeeper.shell.process import LeaseLost, Operator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

SYSTEM = "wardkeeper-system"
SECONDS = 15.0


@pytest.fixture
def port() -> int:
    """Where the operator listens."""
    return free_ports(1)[0]


@asynccontextmanager
async def cluster() -> AsyncIterator[ApiServer]:
    async with ApiServer(namespaces=(SPACE, SYSTEM), rolling_out=True) as server:
        yield server


def operator(server: ApiServer, identity: str, port: int) -> Operator:
    """An operator whose Lease goes over quickly."""
    settings = Settings.model_validate(
        {
            "http": {"host": "127.0.0.1", "port": port},
            "leaderElection": {"duration": 15, "deadline": 10, "retry": 1},
        }
    )
    metrics = Metrics(host=server.url, workers=settings.concurrency.workers)
    return Operator(settings, server.access(), identity=identity, metrics=metrics)


@asynccontextmanager
async def running(one: Operator) -> AsyncIterator[asyncio.Task[None]]:
    """The operator at work; stopped at the end as Kubernetes stops a pod, if it still runs."""
    task = asyncio.create_task(one.run())
    try:
        yield task
    finally:
        if not task.done():
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(server: ApiServer, holds: Callable[[], object]) -> None:
    await server.until(lambda: bool(holds()), seconds=SECONDS)


def changes(server: ApiServer, since: int = 0) -> list[tuple[str, str, str]]:
    """What was written but the Lease."""
    return [one for one in written(server, since) if one[1] != "Lease"]


def holder(server: ApiServer) -> str:
    lease = server.get("Lease", SYSTEM, "wardkeeper")
    return str(lease["spec"].get("holderIdentity")) if lease else ""


async def test_a_workflow_goes_the_whole_way_and_a_restart_writes_nothing(
    port: int,
) -> None:
    async with cluster() as server:
        async with running(operator(server, "one", port)) as task:
            server.put(workflow())
            await until(server, lambda: is_ready(server))
            made = sorted(("apply", kind, name) for kind, name in CHILDREN)
            assert [one for one in changes(server) if one[0] == "apply"] == made
            assert server.count("patch", KIND) <= 2
            await _answers(port)
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(task, SECONDS)
        assert holder(server) == ""

        before = len(server.seen)
        two = operator(server, "two", port)
        async with running(two):
            await until(server, lambda: holder(server) == "two" and two.following.synced)
            server.put(workflow("later"))
            await until(server, lambda: is_ready(server, "later"))
            assert {one[2] for one in changes(server, before)} == {
                name.replace("router", "later") for _, name in CHILDREN
            }


async def test_without_vault_no_secret_is_asked_for(unused_tcp_port: int) -> None:
    """So the installation need give no right on Secrets."""
    async with cluster() as server:
        async with running(operator(server, "one", unused_tcp_port)):
            server.put(workflow())
            await until(server, lambda: is_ready(server))
            server.edit(KIND, SPACE, "router", _quarantine)
            await until(server, lambda: server.get("Role", SPACE, "router") is None)
        kinds = {one.call.kind.name for one in server.seen}
        assert {"NetworkPolicy", "Role", "Deployment"} <= kinds
        assert "Secret" not in kinds


async def test_it_runs_as_a_user_that_has_no_name(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As platforms run it that give each namespace users of its own."""

    def nameless(_: int) -> None:
        raise KeyError("getpwuid(): uid not found")

    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", nameless)
    async with cluster() as server, running(operator(server, "one", port)):
        server.put(workflow())
        await until(server, lambda: is_ready(server))


async def test_a_standby_takes_over_and_finds_what_was_edited() -> None:
    first, second = free_ports(2)
    async with cluster() as server, running(operator(server, "one", first)) as one:
        server.put(workflow())
        await until(server, lambda: is_ready(server))
        standby = operator(server, "two", second)
        async with running(standby):
            await until(server, lambda: standby.following.synced and len(standby.world))
            one.cancel()
            await asyncio.gather(one, return_exceptions=True)
            before = len(server.seen)
            server.edit("Role", SPACE, "router", lambda obj: obj["rules"].clear())
            await until(server, lambda: status_of(server).get("drift"))
            assert holder(server) == "two"
            assert {each[1] for each in changes(server, before)} == {"Role", f"{KIND}/status"}


async def test_an_operator_that_lost_its_lease_ends_and_writes_nothing_more(
    port: int,
) -> None:
    async with cluster() as server, running(operator(server, "one", port)) as task:
        await until(server, lambda: holder(server) == "one")
        server.edit("Lease", SYSTEM, "wardkeeper", _steal)
        with pytest.raises(LeaseLost):
            await asyncio.wait_for(task, SECONDS)
        assert holder(server) == "thief"
        server.put(workflow())
        assert changes(server) == []


async def test_an_operator_of_which_a_part_has_failed_ends(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else nothing would be swept any more, and nobody would know."""

    async def sweep(_: Sweeper) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Sweeper, "sweep", sweep)
    async with cluster() as server, running(operator(server, "one", port)) as task:
        with pytest.raises(ExceptionGroup) as failed:
            await asyncio.wait_for(task, SECONDS)
        assert failed.group_contains(ZeroDivisionError)
        assert holder(server) == ""


async def test_a_deleted_workflow_is_forgotten(port: int) -> None:
    async with cluster() as server:
        one = operator(server, "one", port)
        async with running(one):
            server.put(workflow())
            await until(server, lambda: is_ready(server))
            server.delete(KIND, SPACE, "router")
            async with asyncio.timeout(SECONDS):
                while len(one.world) or list(one.world.known("Role")):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)


async def _answers(port: int) -> None:
    async with aiohttp.ClientSession() as session:
        for path in ("healthz", "readyz", "metrics"):
            async with session.get(f"http://127.0.0.1:{port}/{path}") as answer:
                assert answer.status == 200, path


def _quarantine(obj: dict[str, Any]) -> None:
    obj["metadata"].setdefault("annotations", {})["wardkeeper.io/quarantine"] = "a drill"


def _steal(lease: dict[str, Any]) -> None:
    lease["spec"] |= {"holderIdentity": "thief", "leaseDurationSeconds": 3}
