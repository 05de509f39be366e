# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""One request from its turn in the queue to its answer: the rules that hold for every verb.

Asks for permission at the last moment before a write, waits out load shedding a bounded number
of times, and reports each exchange. Nothing else is ever sent twice from here.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from wardkeeper.kube.errors import ApiError, NotLeading, error_from_response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from wardkeeper.kube.lanes import Gate
    from wardkeeper.kube.requests import Request
    from wardkeeper.kube.transport import Answer, Transport

_ATTEMPTS = 3
_LONGEST_PAUSE = 60.0
_DEFAULT_PAUSE = 1.0


class Call(NamedTuple):
    """One exchange, for metrics; `code` is 0 when no answer came, times are in seconds.

    `waited` is the time before it was sent, `seconds` the time after. A watch counts when it is
    accepted or refused, as method `WATCH`.
    """

    method: str
    kind: str
    code: int
    seconds: float
    waited: float


class Exchange:
    """Sends requests over a transport, each in its turn."""

    def __init__(
        self,
        transport: Transport,
        gate: Gate,
        *,
        may_write: Callable[[], bool],
        observe: Callable[[Call], None] | None,
        clock: Callable[[], float],
    ) -> None:
        self._transport = transport
        self._gate = gate
        self._may_write = may_write
        self._observe = observe
        self._clock = clock

    async def send(self, request: Request) -> dict[str, Any]:
        """The object in the answer.

        Raises:
            ApiError: the server refused, or no answer came.
            NotLeading: a write, and it may not be sent.
        """
        body = None if request.body is None else orjson.dumps(request.body)
        for _ in range(_ATTEMPTS):
            answer = await self._once(request, body)
            if answer.code < HTTPStatus.MULTIPLE_CHOICES:
                return _parsed(answer, request.what)
            if not _sheds_load(answer):
                break
            asked = _DEFAULT_PAUSE if answer.retry_after is None else answer.retry_after
            self._gate.pause(min(asked, _LONGEST_PAUSE))
        raise error_from_response(
            answer.code,
            answer.body,
            what=request.what,
            secret=request.secret,
            retry_after=answer.retry_after,
        )

    @asynccontextmanager
    async def stream(self, request: Request, *, idle: float) -> AsyncIterator[AsyncIterator[bytes]]:
        """The chunks of a watch the server has accepted; takes no place among the requests.

        Raises:
            ApiError: refused, broken, or silent for `idle` seconds.
        """
        began = self._clock()
        code = 0
        try:
            async with self._transport.stream(
                request.target,
                headers={"Accept": request.accept},
                idle=idle,
                what=request.what,
                secret=request.secret,
            ) as chunks:
                code = HTTPStatus.OK
                self._report("WATCH", request, code, began, began)
                yield chunks
        except ApiError as error:
            if not code:
                self._report("WATCH", request, error.code, began, began)
            raise

    async def _once(self, request: Request, body: bytes | None) -> Answer:
        queued = self._clock()
        async with self._gate.passage(request.lane):
            if request.write and not self._may_write():
                raise NotLeading(request.what)
            headers = {"Accept": request.accept}
            if body is not None:
                headers["Content-Type"] = request.content_type
            sent = self._clock()
            code = 0
            try:
                answer = await self._transport.exchange(
                    request.method, request.target, headers=headers, body=body, what=request.what
                )
                code = answer.code
            finally:
                self._report(request.method, request, code, sent, queued)
        return answer

    def _report(self, method: str, request: Request, code: int, sent: float, queued: float) -> None:
        if self._observe is not None:
            took = self._clock() - sent
            self._observe(Call(method, request.resource.kind, code, took, sent - queued))


def _sheds_load(answer: Answer) -> bool:
    if answer.code == HTTPStatus.TOO_MANY_REQUESTS:
        return True
    return answer.code == HTTPStatus.SERVICE_UNAVAILABLE and answer.retry_after is not None


def _parsed(answer: Answer, what: str) -> dict[str, Any]:
    try:
        parsed = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        parsed = None
    if not isinstance(parsed, dict):
        raise ApiError(answer.code, "Unreadable", f"{what}: the answer is no JSON object")
    return parsed
