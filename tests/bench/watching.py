# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""An independent pair of eyes: sees every change at the API server, and when it came.

The operator's own word that something is done is never taken for it.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from tests.bench.wire import BusyError
from wardkeeper.kube.resource import resource_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from tests.bench.wire import Wire

WATCH_SECONDS = 3600
BEGIN_SECONDS = 30.0
BUSY_SECONDS = 0.1


class NotSeenError(TimeoutError):
    """What was waited for did not happen in time."""


class Seen(NamedTuple):
    """One change: when it arrived (monotonic seconds), `ADDED` and so on, kind, and the object."""

    at: float
    type: str
    kind: str
    obj: dict[str, Any]


class Eyes:
    """Tells listeners about every change of some kinds, in the whole cluster."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[Seen], None]] = []
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def until(self, done: asyncio.Future[Any], seconds: float, what: str) -> None:
        """Wait until a listener has set `done`.

        Raises:
            NotSeenError: it did not happen in time.
            RefusedError: a watch broke.
        """
        finished, _ = await asyncio.wait(
            {done, self.failure}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if not finished:
            raise NotSeenError(f"{what}: not seen within {seconds:g} s")
        if self.failure in finished:
            self.failure.result()

    @asynccontextmanager
    async def telling(self, listener: Callable[[Seen], None]) -> AsyncIterator[None]:
        """Tell `listener` too, for a while."""
        self.listeners.append(listener)
        try:
            yield
        finally:
            self.listeners.remove(listener)

    def _tell(self, kind: str, line: bytes) -> None:
        at = time.monotonic()
        event = orjson.loads(line)
        if event["type"] == "BOOKMARK":
            return
        seen = Seen(at, event["type"], kind, event["object"])
        for listener in tuple(self.listeners):
            listener(seen)

    async def follow(self, wire: Wire, kind: str, began: asyncio.Event) -> None:
        """Watch one kind until cancelled; a watch that ends is a failure, it is not mended."""
        path = resource_of(kind).path(None)
        try:
            while not began.is_set():
                version = (await wire.read(f"{path}?limit=1"))["metadata"]["resourceVersion"]
                query = f"watch=1&resourceVersion={version}&timeoutSeconds={WATCH_SECONDS}"
                try:
                    async with wire.lines(f"{path}?{query}") as lines:
                        began.set()
                        async for line in lines:
                            self._tell(kind, line)
                except BusyError:  # a kind that was just defined has no watch cache yet
                    await asyncio.sleep(BUSY_SECONDS)
            raise ConnectionError(f"the watch on {kind} ended")
        except Exception as error:
            if not self.failure.done():
                self.failure.set_exception(error)


async def _all(events: Iterable[asyncio.Event]) -> None:
    for event in events:
        await event.wait()


@asynccontextmanager
async def watching(wire: Wire, *kinds: str) -> AsyncIterator[Eyes]:
    """Watch these kinds; every change after this is entered is seen."""
    eyes = Eyes()
    began = [asyncio.Event() for _ in kinds]
    tasks = [
        asyncio.create_task(eyes.follow(wire, kind, event))
        for kind, event in zip(kinds, began, strict=True)
    ]
    try:
        all_began = asyncio.ensure_future(_all(began))
        tasks.append(all_began)
        await eyes.until(all_began, BEGIN_SECONDS, f"watches on {', '.join(kinds)} begin")
        yield eyes
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if not eyes.failure.done():
            eyes.failure.cancel()
