# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The canary and who asks it, over real connections on loopback addresses.

On loopback nothing is closed, so an open port is reached and a closed one has no listener.
"""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from tests.component.ports import free_ports
from wardkeeper.canary.server import Ports, serving
from wardkeeper.engine.enforcement import Enforced, Look
from wardkeeper.proof.reach import listen, reaches
from wardkeeper.shell.canary import NO_ADDRESS, Canary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HERE, THERE = "127.0.0.1", "127.0.0.2"
"""Where the operator is, and where the canary is."""


@pytest.fixture
def ports() -> Ports:
    return Ports(*free_ports(4, HERE, THERE))


@asynccontextmanager
async def operator(*ports: int) -> AsyncIterator[None]:
    """The listeners of the operator's pod."""
    servers = [await listen(HERE, port) for port in ports]
    try:
        yield
    finally:
        for server in servers:
            server.close()


def canary(ports: Ports, address: str = HERE) -> Canary:
    url = f"http://{THERE}:{ports.declared}"
    return Canary(url, address, make=made, changed=lambda: None, every=0.01)


async def made() -> str:
    return ""


async def test_where_nothing_is_closed_both_ways_are_told(ports: Ports) -> None:
    async with operator(ports.operator, ports.operator_undeclared), serving(ports, THERE):
        look = await canary(ports).look()
    assert look.missing == ""
    assert look.leaks == (
        "the canary reached a port of another pod that it does not declare",
        "a port of the canary was reached that it does not declare",
    )


@pytest.mark.parametrize(
    ("declared", "undeclared", "look"),
    [
        (True, False, Look()),
        (False, False, Look(missing="the canary cannot reach what it declares")),
        (
            False,
            True,
            Look(("the canary reached a port of another pod that it does not declare",)),
        ),
    ],
)
async def test_a_closed_network_is_one_in_which_what_is_declared_works_and_nothing_else(
    ports: Ports, declared: bool, undeclared: bool, look: Look
) -> None:
    async def answer(_: web.Request) -> web.Response:
        reached = {"declared": declared, "undeclared": undeclared}
        said = {"address": THERE, "undeclaredPort": ports.undeclared, "reached": reached}
        return web.json_response(said)

    async with answering(ports, answer):
        assert await canary(ports).look() == look


async def test_whoever_does_not_answer_is_named(ports: Ports) -> None:
    assert "does not answer" in (await canary(ports).look()).missing
    assert await canary(ports, "").look() == Look(missing=NO_ADDRESS)


async def test_a_canary_that_cannot_be_made_is_not_asked(ports: Ports) -> None:
    async def forbidden() -> str:
        return "its workflow cannot be made: forbidden"

    asking = Canary("http://127.0.0.1:1", HERE, make=forbidden, changed=lambda: None, every=1)
    assert await asking.look() == Look(missing="its workflow cannot be made: forbidden")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        json.dumps({"address": "x", "undeclaredPort": 1, "reached": {}}).encode(),
        json.dumps(
            {
                "address": "no.address",
                "undeclaredPort": 1,
                "reached": {"declared": True, "undeclared": False},
            }
        ).encode(),
        json.dumps(
            {
                "address": THERE,
                "undeclaredPort": 70000,
                "reached": {"declared": True, "undeclared": False},
            }
        ).encode(),
        b"x" * 10_000,
    ],
)
async def test_an_answer_that_is_none_is_believed_in_nothing(ports: Ports, body: bytes) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body)

    async with answering(ports, answer):
        assert "something else" in (await canary(ports).look()).missing


async def test_a_redirect_is_not_followed(ports: Ports) -> None:
    async def answer(_: web.Request) -> web.Response:
        raise web.HTTPFound("http://203.0.113.1/")

    async with answering(ports, answer):
        assert (await canary(ports).look()).missing


@asynccontextmanager
async def answering(ports: Ports, answer: object) -> AsyncIterator[None]:
    """Another server in the place of the canary."""
    app = web.Application()
    app.router.add_get("/probe", answer)  # type: ignore[arg-type]
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, THERE, ports.declared).start()
    try:
        yield
    finally:
        await runner.cleanup()


async def test_looks_go_on_and_a_change_is_told_once(ports: Ports) -> None:
    changes: list[Enforced] = []
    looked = asyncio.Event()
    looks = 0

    async def sleep(_: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 4:
            looked.set()
            await asyncio.Event().wait()

    url = f"http://{THERE}:{ports.declared}"
    asking = Canary(
        url,
        HERE,
        make=made,
        changed=lambda: changes.append(asking.answer().enforced),
        every=60,
        sleep=sleep,
    )
    async with operator(ports.operator, ports.operator_undeclared), serving(ports, THERE):
        task = asyncio.create_task(asking.run())
        await asyncio.wait_for(looked.wait(), 30)
        task.cancel()
    assert changes == [Enforced.NO]


async def test_only_an_address_is_probed_and_no_name(ports: Ports) -> None:
    async with serving(ports, THERE), aiohttp.ClientSession() as session:
        where = f"http://{THERE}:{ports.declared}"
        for query in ("", "?address=localhost", "?address=10.0.0.1:80"):
            async with session.get(f"{where}/probe{query}") as response:
                assert response.status == 400
        async with session.get(f"{where}/healthz") as response:
            assert response.status == 200


async def test_nobody_is_waited_for_longer_than_is_said() -> None:
    listening = socket.create_server((HERE, 0), backlog=0)
    full = [socket.socket() for _ in range(4)]
    try:
        for one in full:
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        began = asyncio.get_running_loop().time()
        assert not await reaches(HERE, listening.getsockname()[1], timeout=0.2)
        assert asyncio.get_running_loop().time() - began < 5
    finally:
        for one in (*full, listening):
            one.close()
