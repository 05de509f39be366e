# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The fake API server as tests use it: started with `async with`, looked into, and disturbed."""

from __future__ import annotations

import asyncio
import copy
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from aiohttp import web

from tests.component.apiserver.controllers import Controllers
from tests.component.apiserver.faults import Faults
from tests.component.apiserver.handler import Handler
from tests.component.apiserver.kinds import BY_NAME
from tests.component.apiserver.store import Store
from tests.component.apiserver.target import Target
from tests.component.apiserver.writes import Writer
from wardkeeper.kube.access import Access

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.component.apiserver.call import ApiCall
    from tests.component.apiserver.watching import WatchStream


class Seen(NamedTuple):
    """One request that was answered, or would have been: code 0 means the answer was cut off."""

    call: ApiCall
    code: int


class ApiServer:
    """An in-process API server on a free local port.

    Attributes:
        faults: what is to go wrong.
        seen: every request, in order of completion.
        streams: the watches open now.

    Args:
        now: the time of day, for the timestamps in objects.
        bookmark_seconds: how long a watch is quiet before a bookmark comes.
        rolling_out: Deployments become available by themselves.
        namespaces: exist from the start, besides `default`.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        bookmark_seconds: float = 60.0,
        rolling_out: bool = False,
        namespaces: tuple[str, ...] = (),
    ) -> None:
        self.faults = Faults()
        self.seen: list[Seen] = []
        self.streams: list[WatchStream] = []
        self._store = Store()
        self._writer = Writer(self._store, now)
        self.controllers = Controllers(self._store, self._writer, rolling_out=rolling_out)
        self._changed = asyncio.Event()
        self._store.listeners.append(lambda change: self._changed.set())
        self._handler = Handler(
            self._store,
            self._writer,
            self.faults,
            self.streams,
            self._note,
            now=now,
            bookmark_seconds=bookmark_seconds,
        )
        self._runner: web.AppRunner | None = None
        self._task: asyncio.Task[None] | None = None
        self.url = ""
        for name in ("default", *namespaces):
            self.put({"kind": "Namespace", "metadata": {"name": name}})

    async def __aenter__(self) -> Self:
        """Listen on a free port of the loopback interface."""
        app = web.Application(client_max_size=8 << 20)
        app.router.add_route("*", "/{path:.*}", self._handler.serve)
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        self._task = asyncio.create_task(self.controllers.run())
        return self

    async def __aexit__(self, *failure: object) -> None:
        """Stop; a fault in the fake's own controllers fails the test."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def access(self, token: str = "a-token") -> Access:
        """How the operator's client gets here."""
        return Access(self.url, None, lambda: token)

    def get(self, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
        """An object as it is now; change a copy only."""
        stored = self._store.get(BY_NAME[kind], (namespace, name))
        return stored.obj if stored else None

    def objects(self, kind: str, namespace: str = "") -> list[dict[str, Any]]:
        """All objects of a kind as they are now."""
        return self._store.objects(BY_NAME[kind], namespace)

    def put(self, obj: dict[str, Any], *, manager: str = "kubectl") -> dict[str, Any]:
        """Create an object, or put this one in its place, as somebody else would."""
        metadata = obj["metadata"]
        kind = BY_NAME[obj["kind"]]
        target = Target(kind, metadata.get("namespace", ""), metadata["name"], manager=manager)
        stored = self._store.get(kind, target.key)
        if stored is None:
            return self._writer.create(target, obj)
        version = stored.obj["metadata"]["resourceVersion"]
        placed = {**obj, "metadata": {**metadata, "resourceVersion": version}}
        return self._writer.update(target, placed)

    def edit(
        self,
        kind: str,
        namespace: str,
        name: str,
        change: Callable[[dict[str, Any]], object],
        *,
        manager: str = "kubectl-edit",
        subresource: str = "",
    ) -> dict[str, Any]:
        """Change an object in place, as somebody else would with `kubectl edit`."""
        target = Target(BY_NAME[kind], namespace, name, subresource, manager)
        stored = self._store.get(target.kind, target.key)
        if stored is None:
            raise target.missing()
        obj = copy.deepcopy(stored.obj)
        change(obj)
        return self._writer.update(target, obj)

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """Delete an object, as somebody else would."""
        self._writer.delete(Target(BY_NAME[kind], namespace, name, manager="kubectl"), {})

    def compact(self) -> None:
        """Forget the past: watches and lists that go on from an earlier version get 410."""
        self._store.compact()

    def drop_watches(self, kind: str = "") -> int:
        """Cut the open watches (of one kind); how many there were."""
        dropped = [stream for stream in self.streams if kind in ("", stream.call.kind.name)]
        for stream in dropped:
            stream.drop()
        return len(dropped)

    def count(
        self,
        verb: str = "",
        kind: str = "",
        *,
        agent: str = "",
        code: int | None = None,
        writes: bool | None = None,
    ) -> int:
        """How many requests there were of this description."""
        return sum(
            verb in ("", call.verb)
            and kind in ("", call.kind.name)
            and agent in ("", call.agent)
            and code in (None, seen)
            and writes in (None, call.writes)
            for call, seen in self.seen
        )

    async def until(self, holds: Callable[[], bool], *, seconds: float = 5.0) -> None:
        """Wait until something is so; it is asked again after every change and request.

        Raises:
            TimeoutError: it did not come about.
        """
        async with asyncio.timeout(seconds):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    def _note(self, call: ApiCall, code: int) -> None:
        self.seen.append(Seen(call, code))
        self._changed.set()
