# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Tells the engine what exists and what changes, for ever, whatever the connection does.

It lists once, watches from there, lists again when the server has forgotten the version, and
reports what vanished meanwhile as deleted. It keeps no objects: what is known is the listener's
to say. An event may come twice; none is lost without a list that makes up for it.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from wardkeeper.kube.errors import ApiError, Gone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from wardkeeper.kube.client import Client
    from wardkeeper.kube.resource import Resource

_log = logging.getLogger(__name__)

_FIRST_DELAY = 0.5
_LONGEST_DELAY = 30.0
_SHORT_STREAM = 1.0

Change = Literal["ADDED", "MODIFIED", "DELETED"]


class Event(NamedTuple):
    """One change; `initial` marks what a list brought, which may be no news at all.

    A `DELETED` found by a list has kind, namespace and name only.
    """

    type: Change
    obj: dict[str, Any]
    initial: bool


class Informer:
    """Follows one kind in the whole cluster or in some namespaces.

    Args:
        client: where from.
        resource: the kind.
        namespaces: one stream each; empty is one stream over the whole cluster.
        label_selector: what to follow of it.
        metadata_only: objects come as their metadata; of Secrets they always do.
        known: (namespace, name) of every object the listener believes to exist.
        on_event: told about each change; must not block.
        clock: monotonic seconds.
        sleep: waits that many seconds.
        rng: a number in [0, 1), for jitter.
        idle: seconds without event or bookmark after which a stream is dead.
    """

    def __init__(
        self,
        client: Client,
        resource: Resource,
        *,
        namespaces: tuple[str, ...] = (),
        label_selector: str = "",
        metadata_only: bool = False,
        known: Callable[[], Iterable[tuple[str, str]]],
        on_event: Callable[[Event], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rng: Callable[[], float] = random.random,
        idle: float = 70.0,
    ) -> None:
        self._client = client
        self._resource = resource
        self._selector = label_selector
        self._metadata_only = metadata_only
        self._known = known
        self._on_event = on_event
        self._clock = clock
        self._sleep = sleep
        self._rng = rng
        self._idle = idle
        self._streams = [_Stream(space, clock()) for space in namespaces or (None,)]

    @property
    def synced(self) -> bool:
        """Whether everything that existed at the start has been reported once."""
        return all(stream.synced for stream in self._streams)

    @property
    def last_activity(self) -> float:
        """When the quietest stream last brought an event, a bookmark or a list (monotonic)."""
        return min(stream.last_activity for stream in self._streams)

    async def run(self) -> None:
        """Follow until cancelled; no failure of the server or of the listener ends it."""
        async with asyncio.TaskGroup() as group:
            for stream in self._streams:
                group.create_task(self._follow(stream))

    async def _follow(self, stream: _Stream) -> None:
        while True:
            began = self._clock()
            failure: Exception | None = None
            try:
                if not stream.version:
                    await self._list(stream)
                await self._watch(stream)
            except Gone as error:
                stream.version = ""
                failure = error
            except ApiError as error:
                failure = error
            except Exception as error:
                stream.version = ""
                failure = error
            if failure is None and self._clock() - began >= _SHORT_STREAM:
                stream.failures = 0
                continue
            stream.failures += 1
            await self._sleep(self._delay(stream, failure))

    async def _list(self, stream: _Stream) -> None:
        namespace = stream.namespace
        # Taken before the list: what is created after it began is not missed for vanished.
        vanished = {key for key in self._known() if namespace is None or key[0] == namespace}
        before = frozenset(vanished)
        version = ""
        async with aclosing(
            self._client.pages(
                self._resource,
                namespace,
                label_selector=self._selector,
                metadata_only=self._metadata_only,
            )
        ) as pages:
            async for page in pages:
                version = page.resource_version
                stream.last_activity = self._clock()
                for obj in page.items:
                    metadata = obj["metadata"]
                    key = (metadata.get("namespace", ""), metadata["name"])
                    vanished.discard(key)
                    change: Change = "MODIFIED" if key in before else "ADDED"
                    self._on_event(Event(change, obj, initial=True))
        for key in vanished:
            self._on_event(Event("DELETED", self._remains(key), initial=False))
        stream.version = version
        stream.synced = True

    async def _watch(self, stream: _Stream) -> None:
        async with aclosing(
            self._client.watch(
                self._resource,
                stream.namespace,
                stream.version,
                label_selector=self._selector,
                metadata_only=self._metadata_only,
                idle=self._idle,
            )
        ) as events:
            async for change, obj in events:
                if change != "BOOKMARK":
                    self._on_event(Event(cast("Change", change), obj, initial=False))
                stream.version = obj["metadata"]["resourceVersion"]
                stream.last_activity = self._clock()
                stream.failures = 0

    def _remains(self, key: tuple[str, str]) -> dict[str, Any]:
        namespace, name = key
        metadata = {"namespace": namespace, "name": name} if namespace else {"name": name}
        resource = self._resource
        return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata}

    def _delay(self, stream: _Stream, failure: Exception | None) -> float:
        delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2.0 ** min(stream.failures - 1, 10))
        delay *= 0.5 + self._rng() / 2
        if isinstance(failure, ApiError) and failure.retry_after:
            delay = max(delay, failure.retry_after)
        _log.warning(
            "watch interrupted",
            extra={
                "resource": self._resource.plural,
                "watched_namespace": stream.namespace or "",
                "failure": type(failure).__name__ if failure else "EndedEarly",
                "code": failure.code if isinstance(failure, ApiError) else 0,
                "retry_in": round(delay, 3),
            },
            exc_info=None if isinstance(failure, ApiError) else failure,
        )
        return delay


class _Stream:
    """Where one list-and-watch stands; an empty version asks for a list."""

    __slots__ = ("failures", "last_activity", "namespace", "synced", "version")

    def __init__(self, namespace: str | None, now: float) -> None:
        self.namespace = namespace
        self.version = ""
        self.synced = False
        self.last_activity = now
        self.failures = 0
