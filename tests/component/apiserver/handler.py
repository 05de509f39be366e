# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""From HTTP message to verb and back, with the fault of the day in between."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from tests.component.apiserver import discovery, reads
from tests.component.apiserver.call import ApiCall, read_call
from tests.component.apiserver.faults import Faults, Hold, Refuse, Reset, Silence
from tests.component.apiserver.patches import patched
from tests.component.apiserver.refusal import Refusal
from tests.component.apiserver.selectors import selector
from tests.component.apiserver.store import Store, Watcher
from tests.component.apiserver.target import Target
from tests.component.apiserver.watching import WatchStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.component.apiserver.faults import Fault
    from tests.component.apiserver.writes import Writer

_FACELESS = {"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Success"}


class Handler:
    """Serves every path of the fake."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        faults: Faults,
        streams: list[WatchStream],
        note: Callable[[ApiCall, int], None],
        *,
        now: Callable[[], datetime],
        bookmark_seconds: float,
    ) -> None:
        self._store = store
        self._writer = writer
        self._faults = faults
        self._streams = streams
        self._note = note
        self._now = now
        self._bookmark_seconds = bookmark_seconds

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        if request.method == "GET" and (found := discovery.document(request.path)):
            return _json(200, found)
        raw = await request.read()
        try:
            call = read_call(request.method, request.path, request.query, request.headers, raw)
        except Refusal as refusal:
            return _refused(refusal)
        fault = self._faults.take(call)
        if isinstance(fault, Reset | Silence) and not fault.committed:
            self._note(call, 0)
            return await _cut_off(request, fault)
        try:
            await _before(fault)
            if call.verb == "watch":
                return await self._watch(request, call, fault)
            code, answer = self._carry_out(call)
        except Refusal as refusal:
            self._note(call, refusal.code)
            return _refused(refusal)
        if isinstance(fault, Reset | Silence):
            self._note(call, 0)
            return await _cut_off(request, fault)
        if isinstance(fault, Hold) and fault.committed:
            await fault.release.wait()
        self._note(call, code)
        return _json(code, answer)

    async def _watch(
        self, request: web.Request, call: ApiCall, fault: Fault | None
    ) -> web.StreamResponse:
        selects = selector(call.query.get("labelSelector", ""), call.query.get("fieldSelector", ""))
        watcher = Watcher(call.kind, call.namespace, selects)
        since = int(call.query.get("resourceVersion") or 0) or None
        self._store.watch(watcher, since)
        stream = WatchStream(
            call, watcher, self._store, bookmark_seconds=self._bookmark_seconds, fault=fault
        )
        self._streams.append(stream)
        self._note(call, 200)
        try:
            return await stream.answer(request)
        finally:
            self._streams.remove(stream)
            self._store.unwatch(watcher)

    def _carry_out(self, call: ApiCall) -> tuple[int, dict[str, Any]]:
        if call.verb == "get":
            return 200, reads.get(self._store, call)
        if call.verb == "list":
            return 200, reads.page(self._store, call)
        if call.subresource == "token":
            return 201, self._token(call)
        target = _target(call)
        if call.verb == "delete":
            obj, gone = self._writer.delete(target, call.body or {})
            if not gone:
                return 200, reads.shown(obj, partial=call.partial)
            details = {"name": target.name, "uid": obj["metadata"]["uid"]}
            return 200, {**_FACELESS, "details": details}
        code, obj = self._change(call, target)
        return code, reads.shown(obj, partial=call.partial)

    def _change(self, call: ApiCall, target: Target) -> tuple[int, dict[str, Any]]:
        if call.verb == "create":
            return 201, self._writer.create(target, call.body)
        if call.verb == "apply":
            force = call.query.get("force") in ("true", "1")
            return self._writer.apply(target, call.body, force=force)
        if call.verb == "update":
            return 200, self._writer.update(target, call.body)
        stored = self._store.get(target.kind, target.key)
        if stored is None:
            raise target.missing()
        return 200, self._writer.update(target, patched(stored.obj, call))

    def _token(self, call: ApiCall) -> dict[str, Any]:
        reads.get(self._store, call)
        spec = call.body["spec"]
        ends = self._now() + timedelta(seconds=spec["expirationSeconds"])
        claims = {
            "iss": "https://kubernetes.default.svc",
            "sub": f"system:serviceaccount:{call.namespace}:{call.name}",
            "aud": spec["audiences"],
            "exp": int(ends.timestamp()),
        }
        token = ".".join((_base64({"alg": "RS256"}), _base64(claims), "unsigned"))
        stamp = ends.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {**call.body, "status": {"token": token, "expirationTimestamp": stamp}}


def _target(call: ApiCall) -> Target:
    name = call.name
    if call.verb == "create":
        name = call.body["metadata"].get("name", "")
        if not name:
            raise Refusal(422, "name or generateName is required")
    return Target(
        call.kind,
        call.namespace,
        name,
        call.subresource,
        call.query.get("fieldManager") or call.agent,
        bool(call.query.get("dryRun")),
    )


async def _before(fault: Fault | None) -> None:
    if isinstance(fault, Refuse):
        raise Refusal(fault.code, fault.message, reason=fault.reason, retry_after=fault.retry_after)
    if isinstance(fault, Hold) and not fault.committed:
        await fault.release.wait()


async def _cut_off(request: web.Request, fault: Reset | Silence) -> web.Response:
    if isinstance(fault, Silence):
        # Ends when the client gives up: the server then cancels this handler.
        await asyncio.Event().wait()
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _json(code: int, body: dict[str, Any]) -> web.Response:
    return web.Response(status=code, body=orjson.dumps(body), content_type="application/json")


def _refused(refusal: Refusal) -> web.Response:
    response = _json(refusal.code, refusal.status())
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _base64(claims: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(claims)).rstrip(b"=").decode()
