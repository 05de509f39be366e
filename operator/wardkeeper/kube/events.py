# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Tells people what happened, as `events.k8s.io/v1` Events beside the objects concerned.

Events are a courtesy: emitting never waits, never raises, and under pressure events are dropped
rather than work delayed. What happens again becomes a series of one Event, not many Events.
Notes must be written without values of secrets; nothing here can know them.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from wardkeeper.kube.errors import ApiError, Conflict, NotFound, NotLeading
from wardkeeper.kube.lanes import Lane
from wardkeeper.kube.resource import resource_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from wardkeeper.kube.client import Client

_log = logging.getLogger(__name__)

_NOTE_BYTES = 1024
_WINDOW = timedelta(minutes=10)
_NAME_BYTES = 220


class _Key(NamedTuple):
    uid: str
    type: str
    reason: str
    action: str
    note: str


@dataclass(slots=True)
class _Series:
    """One Event and how often it happened; `written` is the count the server knows."""

    namespace: str
    name: str
    regarding: dict[str, Any]
    first: datetime
    last: datetime
    count: int = 1
    written: int = 0


class Recorder:
    """Writes Events one at a time, in the background lane.

    Args:
        client: where to.
        controller: `reportingController`.
        instance: `reportingInstance`: the identity of this process.
        now: the time of day.
        limit: Events waiting or remembered at most; more are dropped or forgotten.
    """

    def __init__(
        self,
        client: Client,
        *,
        controller: str = "wardkeeper.io/operator",
        instance: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        limit: int = 1024,
    ) -> None:
        self._client = client
        self._controller = controller
        self._instance = instance[:128]
        self._now = now
        self._limit = limit
        self._series: OrderedDict[_Key, _Series] = OrderedDict()
        self._pending: OrderedDict[_Key, None] = OrderedDict()
        self._wake = asyncio.Event()
        self.dropped = 0

    def emit(
        self,
        regarding: dict[str, Any],
        type: Literal["Normal", "Warning"],  # noqa: A002 - the field's name in the API
        reason: str,
        action: str,
        note: str,
    ) -> None:
        """Note an occurrence and return at once.

        Args:
            regarding: apiVersion, kind, name, namespace and uid of the object concerned.
            type: Normal or Warning.
            reason: why, one word for machines.
            action: what was done, one word for machines.
            note: the same for people, without values; cut to 1 kB.
        """
        now = self._now()
        key = _Key(str(regarding.get("uid", "")), type, reason, action, cut(note, _NOTE_BYTES))
        series = self._series.get(key)
        if series is not None and now - series.last <= _WINDOW:
            series.count += 1
            series.last = now
            self._series.move_to_end(key)
        elif key not in self._pending and len(self._pending) >= self._limit:
            self.dropped += 1
            return
        else:
            self._series[key] = self._begin(key, regarding, now)
            self._series.move_to_end(key)
        self._pending[key] = None
        self._forget()
        self._wake.set()

    async def run(self) -> None:
        """Write what was emitted, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._pending:
                key, _ = self._pending.popitem(last=False)
                await self._flush(key)

    async def _flush(self, key: _Key) -> None:
        series = self._series[key]
        count = series.count
        try:
            if series.written and not await self._repeat(series):
                # The Event has expired meanwhile: a new one tells what is still happening.
                series = self._series[key] = self._begin(key, series.regarding, series.last)
                count = series.count
            if not series.written:
                await self._create(key, series)
        except (ApiError, NotLeading) as error:
            self.dropped += 1
            _log.warning(
                "event not written",
                extra={"event_reason": key.reason, "failure": type(error).__name__},
            )
        else:
            series.written = count

    async def _create(self, key: _Key, series: _Series) -> None:
        event: dict[str, Any] = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"namespace": series.namespace, "name": series.name},
            "eventTime": _micro(series.first),
            "type": key.type,
            "reason": cut(key.reason, 128),
            "action": cut(key.action, 128),
            "note": key.note,
            "regarding": series.regarding,
            "reportingController": self._controller,
            "reportingInstance": self._instance,
        }
        if series.count > 1:
            event["series"] = _tally(series)
        try:
            await self._client.create(event, lane=Lane.BACKGROUND)
        except Conflict:
            # The name says it is this very Event: an earlier attempt arrived after all.
            return

    async def _repeat(self, series: _Series) -> bool:
        """Whether the Event was still there to be counted up."""
        try:
            await self._client.json_patch(
                resource_of("Event"),
                series.namespace,
                series.name,
                [{"op": "add", "path": "/series", "value": _tally(series)}],
                lane=Lane.BACKGROUND,
            )
        except NotFound:
            return False
        return True

    def _begin(self, key: _Key, regarding: dict[str, Any], now: datetime) -> _Series:
        told = "\0".join((*key, self._instance, _micro(now)))
        digest = hashlib.sha256(told.encode()).hexdigest()[:16]
        name = f"{str(regarding.get('name', ''))[:_NAME_BYTES].rstrip('.-')}.{digest}"
        namespace = regarding.get("namespace") or "default"
        return _Series(namespace, name, dict(regarding), now, now)

    def _forget(self) -> None:
        while len(self._series) > self._limit:
            oldest = next(iter(self._series))
            if oldest in self._pending:
                return
            del self._series[oldest]


def cut(text: str, limit: int) -> str:
    """At most `limit` bytes of UTF-8, never half a character; an ellipsis shows the cut."""
    raw = text.encode()
    if len(raw) <= limit:
        return text
    return raw[: limit - 3].decode(errors="ignore") + "..."


def _tally(series: _Series) -> dict[str, Any]:
    return {"count": series.count, "lastObservedTime": _micro(series.last)}


def _micro(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
