# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""One HTTP exchange with the API server: credentials, time limits, and honest failures.

It must never follow a redirect (the token would travel along), never repeat a request on its
own, and never log or quote a body.
"""

from __future__ import annotations

from asyncio import sslproto
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakSet

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientOSError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    ServerDisconnectedError,
    TCPConnector,
)
from yarl import URL

from wardkeeper.kube.credentials import AccessError
from wardkeeper.kube.errors import Unreachable, error_from_response

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Mapping
    from types import TracebackType

    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

    from wardkeeper.kube.credentials import Access

# Each TLS connection of asyncio holds a buffer of this size for as long as it lives, 256 KB by
# itself; a TLS record has 16 KB, and there are dozens of connections.
sslproto.SSLProtocol.max_size = 64 * 1024

_CONNECT_SECONDS = 5.0
_DNS_SECONDS = 300
_SAFE_METHODS = frozenset({"GET", "HEAD"})


class Answer:
    """What came back: HTTP status, raw body, and the seconds of `Retry-After` if any."""

    __slots__ = ("body", "code", "retry_after")

    def __init__(self, code: int, body: bytes, retry_after: float | None) -> None:
        self.code = code
        self.body = body
        self.retry_after = retry_after


class Transport:
    """Two connection pools: a bounded one for requests, and one for streams.

    Streams live for minutes; in one pool they would starve the requests.
    """

    def __init__(self, access: Access, *, user_agent: str, limit: int, timeout: float) -> None:
        self._access = access
        self._limit = limit
        self._timeout = ClientTimeout(total=timeout, sock_connect=min(timeout, _CONNECT_SECONDS))
        self._headers = {
            "User-Agent": user_agent,
            # Next to the server, compressing costs both sides more than the bytes do.
            "Accept-Encoding": "identity",
        }
        self._sessions: tuple[ClientSession, ClientSession] | None = None

    async def __aenter__(self) -> Self:
        """Open the pools; no connection is made yet."""
        self._sessions = (self._session(self._limit), self._session(0))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection."""
        if self._sessions is not None:
            for session in self._sessions:
                await session.close()
            self._sessions = None

    async def exchange(
        self, method: str, target: str, *, headers: Mapping[str, str], body: bytes | None, what: str
    ) -> Answer:
        """Send one request and read its whole answer, whatever the status.

        Raises:
            Unreachable: no complete answer; `ambiguous` when it was a write that may have arrived.
        """
        session, _ = self._opened()
        try:
            async with session.request(
                method,
                self._url(target),
                data=body,
                headers=self._authorised(headers),
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                return Answer(response.status, await response.read(), _retry_after(response))
        except (ClientError, TimeoutError, OSError) as error:
            raise _unreachable(error, what, write=method not in _SAFE_METHODS) from None

    @asynccontextmanager
    async def stream(
        self, target: str, *, headers: Mapping[str, str], idle: float, what: str, secret: bool
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The chunks of an endless answer that the server has begun to give.

        Args:
            target: path and query.
            headers: besides the standing ones.
            idle: seconds of silence after which the stream counts as dead.
            what: the request in words.
            secret: it is about Secrets.

        Raises:
            ApiError: the server refused, the connection broke, or it fell silent.
        """
        _, session = self._opened()
        limits = ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=idle)
        try:
            async with session.get(
                self._url(target),
                headers=self._authorised(headers),
                timeout=limits,
                allow_redirects=False,
            ) as response:
                if response.status != HTTPStatus.OK:
                    raise error_from_response(
                        response.status,
                        await response.read(),
                        what=what,
                        secret=secret,
                        retry_after=_retry_after(response),
                    )
                try:
                    yield response.content.iter_any()
                finally:
                    _cut(response)
        except (ClientError, TimeoutError, OSError) as error:
            raise _unreachable(error, what, write=False) from None

    def _session(self, limit: int) -> ClientSession:
        return ClientSession(
            connector=_Connector(
                limit=limit, ssl=self._access.ssl or True, ttl_dns_cache=_DNS_SECONDS
            ),
            headers=self._headers,
            cookie_jar=DummyCookieJar(),
            middlewares=(_never_repeat,),
        )

    def _opened(self) -> tuple[ClientSession, ClientSession]:
        if self._sessions is None:
            raise RuntimeError("the client is not open; use it as `async with Client(...)`")
        return self._sessions

    def _url(self, target: str) -> URL:
        return URL(self._access.server + target, encoded=True)

    def _authorised(self, headers: Mapping[str, str]) -> dict[str, str]:
        try:
            token = self._access.token()
        except AccessError as error:
            raise Unreachable(str(error)) from None
        return {**headers, "Authorization": f"Bearer {token}"} if token else dict(headers)


class _Connector(TCPConnector):
    """Leaves no connection behind, not even those of requests that were given up.

    A connection in the middle of an exchange is closed with a TLS goodbye that waits for its
    answer, and its connector forgets it at once.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._made: WeakSet[asyncio.Transport] = WeakSet()

    async def connect(
        self, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout
    ) -> Connection:
        """One of the pool, or a new one."""
        connection = await super().connect(req, traces, timeout)
        if connection.transport is not None:
            self._made.add(connection.transport)
        return connection

    async def close(self, *, abort_ssl: bool = False) -> None:
        """Close every connection that was ever made, whatever has become of it."""
        await super().close(abort_ssl=abort_ssl)
        for transport in self._made:
            transport.abort()


async def _never_repeat(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Keep aiohttp from sending PUT and DELETE a second time when a kept connection breaks."""
    try:
        return await handler(request)
    except ClientConnectorError:
        raise
    except (ClientOSError, ServerDisconnectedError) as error:
        raise _Broken(type(error).__name__) from error


class _Broken(ClientError):
    """The connection broke under a request that may have arrived."""


def _cut(response: ClientResponse) -> None:
    """Close at once: a TLS goodbye waits for its answer, half a minute if the server hangs."""
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()


def _unreachable(error: Exception, what: str, *, write: bool) -> Unreachable:
    never_sent = isinstance(error, ClientConnectorError | ConnectionTimeoutError)
    cause = str(error) if isinstance(error, _Broken) else type(error).__name__
    if never_sent:
        cause = "no connection"
    elif isinstance(error, TimeoutError):
        cause = "no answer in time"
    return Unreachable(f"{what}: {cause}", ambiguous=write and not never_sent)


def _retry_after(response: ClientResponse) -> float | None:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else None
