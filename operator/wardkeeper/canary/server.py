# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What the canary answers: `/probe?address=<IP of the operator's pod>`, and `/healthz`."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import web

from wardkeeper.proof.reach import listen, reaches

if TYPE_CHECKING:
    from types import TracebackType

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


class CanaryServer:
    """Both listeners; an async context manager that serves while it is open.

    Args:
        ports: which ones.
        host: address to listen on; None for all.
    """

    def __init__(self, ports: Ports, host: str | None = None) -> None:
        self._ports = ports
        self._host = host
        app = web.Application()
        app.router.add_get("/probe", self._probe)
        app.router.add_get("/healthz", _healthy)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        self._listener: asyncio.Server | None = None

    async def __aenter__(self) -> CanaryServer:
        """Begin to serve.

        Raises:
            OSError: a port is taken.
        """
        self._listener = await listen(self._host, self._ports.undeclared)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._ports.declared).start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop serving."""
        await self._runner.cleanup()
        if self._listener is not None:
            self._listener.close()
            await self._listener.wait_closed()

    async def _probe(self, request: web.Request) -> web.Response:
        """Try both ports of the operator; answers with what was reached, and the own address."""
        try:
            address = str(ipaddress.ip_address(request.query.get("address", "")))
        except ValueError:
            raise web.HTTPBadRequest(text="address: wanted the IP address of a pod\n") from None
        declared, undeclared = await asyncio.gather(
            reaches(address, self._ports.operator, timeout=TRY_SECONDS),
            reaches(address, self._ports.operator_undeclared, timeout=TRY_SECONDS),
        )
        own = request.transport.get_extra_info("sockname")[0] if request.transport else ""
        return web.json_response(
            {
                "address": own,
                "undeclaredPort": self._ports.undeclared,
                "reached": {"declared": declared, "undeclared": undeclared},
            }
        )


async def _healthy(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")
