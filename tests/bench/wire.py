# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A plain asyncio client: bytes out, bytes in, nothing cleverer; the floor is made with it.

It shares no code with the operator's client but the reading of a kubeconfig.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar

import aiohttp
import orjson
from yarl import URL

from wardkeeper.kube.access import from_kubeconfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
    from pathlib import Path
    from types import TracebackType

AGENT = "bench"
"""User-Agent; must not begin as the operator's does."""

JSON = "application/json"
APPLY = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"

_SECONDS = 60.0
_CONNECTIONS = 32
T = TypeVar("T")


class RefusedError(Exception):
    """The API server did not do what was asked."""


class BusyError(RefusedError):
    """The API server asks to come back later: 429."""


class Wire:
    """Requests to one API server; an async context manager.

    Args:
        kubeconfig: where and as whom.
    """

    def __init__(self, kubeconfig: Path) -> None:
        self._access = from_kubeconfig(kubeconfig)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the connection pool."""
        token = self._access.token()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_CONNECTIONS, ssl=self._access.ssl or True),
            timeout=aiohttp.ClientTimeout(total=_SECONDS),
            headers={"User-Agent": AGENT, "Accept": JSON, "Accept-Encoding": "identity"}
            | ({"Authorization": f"Bearer {token}"} if token else {}),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    async def send(
        self, method: str, target: str, body: bytes | None = None, content_type: str = JSON
    ) -> bytes:
        """One request; the body of the answer.

        Raises:
            RefusedError: the status is not 2xx.
        """
        async with self._opened().request(
            method,
            URL(self._access.server + target, encoded=True),
            data=body,
            headers={"Content-Type": content_type} if body is not None else {},
        ) as answer:
            told = await answer.read()
            if answer.status >= 300:
                text = told[:500].decode(errors="replace")
                raise RefusedError(f"{method} {target}: {answer.status} {text}")
            return told

    async def read(self, target: str) -> dict[str, Any]:
        """GET of a JSON document."""
        document: dict[str, Any] = orjson.loads(await self.send("GET", target))
        return document

    @asynccontextmanager
    async def lines(self, target: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """The lines of an endless answer; the server has accepted it when this is entered.

        Raises:
            BusyError: the server asks to come back later.
            RefusedError: it refuses.
        """
        async with self._opened().get(
            URL(self._access.server + target, encoded=True),
            timeout=aiohttp.ClientTimeout(total=None),
            read_bufsize=2**20,
        ) as answer:
            if answer.status == 429:
                raise BusyError(f"watch {target}: {answer.status}")
            if answer.status != 200:
                raise RefusedError(f"watch {target}: {answer.status}")
            yield aiter(answer.content)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the wire is not open; use it as `async with Wire(...)`")
        return self._session


async def each(
    items: Iterable[T],
    do: Callable[[T], Awaitable[object]],
    at_once: int,
    done: Callable[[], None] = lambda: None,
) -> None:
    """Do something with every item, so many at once; the first failure ends it.

    Args:
        items: what to do it with.
        do: what to do.
        at_once: how many run at the same time.
        done: called after each.
    """
    waiting = iter(items)

    async def serve() -> None:
        for item in waiting:
            await do(item)
            done()

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(serve())
