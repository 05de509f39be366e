# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What the canary answers: `/probe?address=<IP of the operator's pod>`, and `/healthz`."""

from __future__ import annotations

import asyncio
import ipaddress
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import web

from wardkeeper.proof.reach import listen, reaches

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TRY_SECONDS = 3.0


class Ports(NamedTuple):
    """Which ports there are; each pair is a declared one and one that is not.

    Attributes:
        declared: of the canary; answers the operator.
        undeclared: of the canary; nobody may reach it.
        operator: of the operator; the canary may reach it.
        operator_undeclared: of the operator; the canary may not reach it.
    """

    declared: int
    undeclared: int
    operator: int
    operator_undeclared: int


@asynccontextmanager
async def serving(ports: Ports, host: str | None = None) -> AsyncIterator[None]:
    """Serve on both ports.

    Args:
        ports: which ones.
        host: address to listen on; None for all.

    Raises:
        OSError: a port is taken.
    """
    app = web.Application()
    app.router.add_get("/probe", partial(_probe, ports))
    app.router.add_get("/healthz", _healthy)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, ports.declared).start()
        async with await listen(host, ports.undeclared):
            yield
    finally:
        await runner.cleanup()


async def _probe(ports: Ports, request: web.Request) -> web.Response:
    """Try both ports of the operator; answers with what was reached, and the own address."""
    try:
        address = str(ipaddress.ip_address(request.query.get("address", "")))
    except ValueError:
        raise web.HTTPBadRequest(text="address: wanted the IP address of a pod\n") from None
    declared, undeclared = await asyncio.gather(
        reaches(address, ports.operator, timeout=TRY_SECONDS),
        reaches(address, ports.operator_undeclared, timeout=TRY_SECONDS),
    )
    own = request.transport.get_extra_info("sockname")[0] if request.transport else ""
    return web.json_response(
        {
            "address": own,
            "undeclaredPort": ports.undeclared,
            "reached": {"declared": declared, "undeclared": undeclared},
        }
    )


async def _healthy(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")
