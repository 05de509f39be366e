# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Serves the queue: one pass after another, as many at once as there are workers.

No failure of a pass ends a worker. A change that came while its workflow's pass ran is looked at
when the pass has ended, and only if the pass itself did not cause it.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from wardkeeper.engine.outcome import Terminal, Transient
from wardkeeper.kube.errors import NotLeading

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wardkeeper.engine.queue import Queue
    from wardkeeper.engine.seen import Key
    from wardkeeper.engine.world import World

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PassContext:
    """What every log line of a pass carries."""

    namespace: str
    name: str
    uid: str
    generation: int
    reconcile_id: str


CURRENT_PASS: ContextVar[PassContext | None] = ContextVar("wardkeeper_pass", default=None)


class PassMeter(Protocol):
    """Counts passes."""

    def passed(self, result: str, seconds: float) -> None:
        """A pass ended: `success`, `requeue_after`, `requeue`, `terminal` or `error`."""


class Workers:
    """A fixed number of workers over one queue."""

    def __init__(
        self,
        queue: Queue[Key],
        world: World,
        reconcile: Callable[[Key], Awaitable[float | None]],
        *,
        meter: PassMeter,
        clock: Callable[[], float],
    ) -> None:
        self._queue = queue
        self._world = world
        self._reconcile = reconcile
        self._meter = meter
        self._clock = clock

    async def run(self, count: int) -> None:
        """Serve for ever; when cancelled, the passes that run are cancelled and joined."""
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(self._serve())

    async def _serve(self) -> None:
        while True:
            key = await self._queue.get()
            before = self._world.pending(key)
            began = self._clock()
            token = CURRENT_PASS.set(self._context(key))
            result = "error"
            try:
                result = await self._pass(key)
            finally:
                CURRENT_PASS.reset(token)
                self._meter.passed(result, self._clock() - began)
                self._queue.done(key)
            if self._world.pending(key) - before:
                self._queue.add(key)

    async def _pass(self, key: Key) -> str:
        try:
            later = await self._reconcile(key)
        except NotLeading:
            _log.info("the pass stopped, for another process leads")
            return "error"
        except Terminal as refused:
            self._queue.forget(key)
            if refused.recheck is not None:
                self._queue.add_after(key, refused.recheck)
            _log.info(
                "the workflow is stalled", extra={"reason": refused.reason, "why": refused.message}
            )
            return "terminal"
        except Transient as put_off:
            delay = self._queue.retry(key)
            _log.info(
                "the pass is tried again",
                extra={
                    "reason": put_off.reason,
                    "why": put_off.message,
                    "retry_in": round(delay, 1),
                },
            )
            return "requeue"
        except Exception as error:
            delay = self._queue.retry(key)
            _log.exception(
                "the pass failed", extra={"kind": type(error).__name__, "retry_in": round(delay, 1)}
            )
            return "error"
        self._queue.forget(key)
        if later is None:
            if self._world.workflow(key) is None:
                self._queue.drop(key)
            return "success"
        self._queue.add_after(key, later)
        return "requeue_after"

    def _context(self, key: Key) -> PassContext:
        seen = self._world.workflow(key)
        return PassContext(
            key.namespace,
            key.name,
            seen.uid if seen else "",
            seen.generation if seen else 0,
            uuid.uuid4().hex[:12],
        )
