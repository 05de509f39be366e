# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The answering side of a watch: event lines, bookmarks, an end, and what may go wrong with it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from tests.component.apiserver import reads
from tests.component.apiserver.faults import DropWatch, DuplicateEvents, EndWatch, StallWatch

if TYPE_CHECKING:
    from tests.component.apiserver.call import ApiCall
    from tests.component.apiserver.faults import Fault
    from tests.component.apiserver.store import Store, Watcher


class WatchStream:
    """One open watch; tests may cut it, silence it, or make it repeat itself."""

    def __init__(
        self,
        call: ApiCall,
        watcher: Watcher,
        store: Store,
        *,
        bookmark_seconds: float,
        fault: Fault | None,
    ) -> None:
        self.call = call
        self._watcher = watcher
        self._store = store
        self._bookmark_seconds = bookmark_seconds
        self._drop_after = fault.after if isinstance(fault, DropWatch) else None
        self._stall_after = fault.after if isinstance(fault, StallWatch) else None
        self._ends_at_once = isinstance(fault, EndWatch)
        self._copies = 2 if isinstance(fault, DuplicateEvents) else 1
        self._sent = 0
        self._transport: asyncio.Transport | None = None

    def drop(self) -> None:
        """Cut the connection now."""
        if self._transport is not None:
            self._transport.abort()

    def stall(self) -> None:
        """Stay connected and bring nothing more, no bookmark either."""
        self._stall_after = self._sent

    def duplicate(self) -> None:
        """Bring every event twice from now on."""
        self._copies = 2

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Write the stream until its time is over or the client leaves."""
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        self._transport = request.transport
        loop = asyncio.get_running_loop()
        seconds = float(self.call.query.get("timeoutSeconds") or 1800)
        ends = loop.time() + (0 if self._ends_at_once else seconds)
        bookmarks = self.call.query.get("allowWatchBookmarks") in ("true", "1")
        while (left := ends - loop.time()) > 0:
            if self._drop_after is not None and self._sent >= self._drop_after:
                self.drop()
                break
            try:
                async with asyncio.timeout(min(left, self._bookmark_seconds)):
                    kind, obj = await self._watcher.queue.get()
            except TimeoutError:
                if not bookmarks or self._stalled or not self._watcher.queue.empty():
                    continue
                kind, obj = "BOOKMARK", self._bookmark()
            if self._stalled:
                continue
            await response.write(self._line(kind, obj))
        return response

    @property
    def _stalled(self) -> bool:
        return self._stall_after is not None and self._sent >= self._stall_after

    def _line(self, kind: str, obj: dict[str, Any]) -> bytes:
        event = {"type": kind, "object": reads.shown(obj, partial=self.call.partial)}
        line = orjson.dumps(event) + b"\n"
        if kind == "BOOKMARK":
            return line
        self._sent += 1
        return line * self._copies

    def _bookmark(self) -> dict[str, Any]:
        kind = self.call.kind
        return {
            "kind": kind.name,
            "apiVersion": kind.api_version,
            "metadata": {"resourceVersion": str(self._store.version), "creationTimestamp": None},
        }
