# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Answers kubelet and Prometheus: /healthz, /readyz and /metrics.

`/healthz` fails when only a restart helps: the event loop hung, or a watch died. `/readyz` tells
whether the caches hold what the cluster holds, on standbys too. Neither asks the API server or
Vault anything: their outage is no reason to restart. Nothing else is served, and nothing is read
from a request.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

from aiohttp import web

from wardkeeper.shell.metrics import CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType

BEAT = 1.0
SLOWEST_LOOP = 15.0
QUIETEST_WATCH = 600.0


class Check(Protocol):
    """One question about this process."""

    def __call__(self) -> str | None:
        """None when all is well, else what is not, in a few words."""


class Heartbeat:
    """Notices when the event loop stopped turning; a check.

    Args:
        clock: monotonic seconds.
        longest: seconds between two beats after which the loop counts as hung.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, longest: float = SLOWEST_LOOP
    ) -> None:
        self._clock = clock
        self._longest = longest
        self._last = clock()

    async def run(self) -> None:
        """Beat for ever."""
        while True:
            self._last = self._clock()
            await asyncio.sleep(BEAT)

    def __call__(self) -> str | None:
        """Whether the last beat is recent."""
        age = self._clock() - self._last
        return f"the event loop stood still for {age:.0f} s" if age > self._longest else None


def watch_alive(
    last_activity: Callable[[], float],
    *,
    clock: Callable[[], float] = time.monotonic,
    longest: float = QUIETEST_WATCH,
) -> Check:
    """A check that a watch brought an event, a bookmark or a list not too long ago.

    Args:
        last_activity: when it last did, on the same clock.
        clock: monotonic seconds.
        longest: seconds of silence after which it counts as dead; far above the minute or so in
            which bookmarks come and dead streams are replaced.
    """

    def check() -> str | None:
        age = clock() - last_activity()
        return f"no sign of life for {age:.0f} s" if age > longest else None

    return check


def cache_synced(synced: Callable[[], bool]) -> Check:
    """A check that a cache holds everything that existed when it was begun."""
    return lambda: None if synced() else "not synced yet"


class Probes:
    """The HTTP server; an async context manager that serves while it is open.

    Args:
        host: address to listen on; None for all.
        port: TCP port; 0 for any.
        alive: checks behind /healthz, by name.
        ready: checks behind /readyz, by name.
        metrics: makes the page of /metrics.
    """

    def __init__(
        self,
        *,
        host: str | None,
        port: int,
        alive: Mapping[str, Check],
        ready: Mapping[str, Check],
        metrics: Callable[[], bytes],
    ) -> None:
        self._host = host
        self._port = port
        self._metrics = metrics
        app = web.Application()
        app.router.add_get("/healthz", _answer(alive))
        app.router.add_get("/readyz", _answer(ready))
        app.router.add_get("/metrics", self._page)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        address: tuple[str, int] = self._runner.addresses[0]
        return address[1]

    async def __aenter__(self) -> Probes:
        """Begin to serve.

        Raises:
            OSError: the address is taken or not ours.
        """
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop serving."""
        await self._runner.cleanup()

    async def _page(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics(), headers={"Content-Type": CONTENT_TYPE})


def _answer(checks: Mapping[str, Check]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(_: web.Request) -> web.Response:
        found = {name: check() for name, check in checks.items()}
        well = not any(found.values())
        lines = [
            f"[{'-' if wrong else '+'}] {name}: {wrong or 'ok'}" for name, wrong in found.items()
        ]
        text = "\n".join([*lines, "ok" if well else "failed", ""])
        return web.Response(text=text, status=200 if well else 503)

    return handle
