# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A proxy between the operator and Vault that passes everything on, except what a test planned.

It also counts what passes, by kind. It is made of the standard library's server, because Vault's
method LIST is no method to the parser of aiohttp. It never repeats a request by itself.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
from collections import Counter
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from tests.faults.kinds import kind_of
from tests.faults.plan import Answer, Cut, Delay, Fault, LoseAnswer, Plan, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

HOST = "127.0.0.1"
_SECONDS = 60.0
_NOT_PASSED_ON = {
    *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"),
    *("content-length", "host", "accept-encoding"),
}
_Headers = list[tuple[str, str]]


class VaultProxy:
    """A proxy on the loopback address, in threads of its own; a context manager.

    Attributes:
        address: URL to give to whoever shall meet the faults.
        skew: what Vault's clock is ahead by, as `sys/health` tells it.
    """

    def __init__(self, target: str) -> None:
        """Nothing is listened on yet.

        Args:
            target: `http://` URL of the real server.
        """
        url = urlsplit(target)
        self._target = (url.hostname or "", url.port or 80)
        self._plan = Plan()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self.address = ""
        self.skew = timedelta()

    def __enter__(self) -> Self:
        """Listen."""
        self._server = _Server((HOST, 0), _handler(self))
        self.address = f"http://{HOST}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Cut every connection and wait until nothing runs."""
        self._ending.set()
        self._server.shutdown()
        self._server.cut_all()
        self._server.server_close()
        self._thread.join()

    def on(
        self, method: str, path: str, fault: Fault, *, nth: int = 1, times: int | None = 1
    ) -> Rule:
        """Plan a fault.

        Args:
            method: such as `GET`; `*` is every method.
            path: regular expression for all of the path without `/v1/`.
            fault: what happens.
            nth: the first matching request from now on that meets it.
            times: how many in a row meet it; None is all.

        Returns:
            the rule, which tells how often it has happened.
        """
        return self._plan.add(Rule(method, re.compile(path), fault, nth, times))

    def clear(self) -> None:
        """Let everything pass from now on."""
        self._plan.clear()

    def counts(self) -> Counter[tuple[str, str]]:
        """How many requests came, by method and kind of path (`tests/faults/kinds.py`)."""
        with self._lock:
            return Counter(self._counts)

    def forget(self) -> None:
        """Count from zero again."""
        with self._lock:
            self._counts.clear()

    def serve(self, call: _Call) -> None:
        """Deal with one request, in the thread of its connection."""
        path = urlsplit(call.path).path.removeprefix("/v1/")
        with self._lock:
            self._counts[call.command, kind_of(path)] += 1
        fault = self._plan.fault_for(call.command, path)
        body = call.rfile.read(int(call.headers.get("Content-Length") or 0))
        if isinstance(fault, Cut):
            call.close_connection = True
            return
        if isinstance(fault, Answer):
            call.answer(fault.status, *_injected(fault))
            return
        if isinstance(fault, Delay) and not fault.after:
            self._ending.wait(fault.seconds)
        told = self._ask(call, body)
        if told is None or isinstance(fault, LoseAnswer):
            call.close_connection = True
            return
        if isinstance(fault, Delay) and fault.after:
            self._ending.wait(fault.seconds)
        status, headers, content = told
        if path == "sys/health" and self.skew:
            content = _shifted(content, self.skew)
        call.answer(status, headers, content)

    def _ask(self, call: _Call, body: bytes) -> tuple[int, _Headers, bytes] | None:
        """Pass a request on; None when the server does not answer."""
        connection = http.client.HTTPConnection(*self._target, timeout=_SECONDS)
        try:
            headers = dict(_passed_on(call.headers.items()))
            connection.request(call.command, call.path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, _passed_on(answer.getheaders()), answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


class _Server(ThreadingHTTPServer):
    """Knows its connections, so that it can cut them."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, *arguments: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def cut_all(self) -> None:
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it has just ended

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle is nothing to tell."""


class _Call(BaseHTTPRequestHandler):
    """One connection; `answer` is what the proxy says on it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def answer(self, status: int, headers: _Headers, content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, *_: Any, **__: Any) -> None:
        """Say nothing."""


def _handler(proxy: VaultProxy) -> type[_Call]:
    """The handler's class looks for a method `do_<METHOD>`; all are dealt with alike."""

    def do(call: _Call) -> None:
        proxy.serve(call)

    methods: dict[str, Callable[[_Call], None]] = {
        f"do_{method}": do for method in ("GET", "LIST", "POST", "PUT", "PATCH", "DELETE", "HEAD")
    }
    return type("Call", (_Call,), methods)


def _passed_on(headers: Iterable[tuple[str, str]]) -> _Headers:
    return [(name, value) for name, value in headers if name.lower() not in _NOT_PASSED_ON]


def _injected(fault: Answer) -> tuple[_Headers, bytes]:
    headers = [("Content-Type", "application/json")]
    if fault.retry_after is not None:
        headers.append(("Retry-After", str(fault.retry_after)))
    return headers, json.dumps({"errors": list(fault.errors)}).encode()


def _shifted(content: bytes, skew: timedelta) -> bytes:
    """The health document of a server whose clock is ahead."""
    document: dict[str, Any] = json.loads(content)
    if "server_time_utc" in document:
        document["server_time_utc"] += int(skew.total_seconds())
    return json.dumps(document).encode()
