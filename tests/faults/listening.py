# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What proxies of tests have in common: a server in threads that knows its connections."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

HOST = "127.0.0.1"
METHODS = ("GET", "LIST", "POST", "PUT", "PATCH", "DELETE", "HEAD")

Headers = list[tuple[str, str]]

_NOT_PASSED_ON = {
    *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"),
    *("content-length", "host", "accept-encoding"),
}


class Listener(ThreadingHTTPServer):
    """A server on the loopback address that can cut all its connections."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        """Listen; nothing is served before `begin`."""
        self._open: set[socket.socket] = set()
        super().__init__((HOST, 0), handler)
        self._serving = threading.Thread(target=self.serve_forever, args=(0.05,))

    @property
    def address(self) -> str:
        """Its URL."""
        return f"http://{HOST}:{self.server_port}"

    def begin(self) -> None:
        """Serve, in threads of its own."""
        self._serving.start()

    def end(self) -> None:
        """Cut every connection and wait until nothing runs."""
        self.shutdown()
        self.cut_all()
        self.server_close()
        self._serving.join()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take note of a connection."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that ends."""
        self._open.discard(request)
        super().shutdown_request(request)

    def cut_all(self) -> None:
        """Cut every connection."""
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it has just ended

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle is nothing to tell."""


class Call(BaseHTTPRequestHandler):
    """One connection of a client.

    Attributes:
        at_end: called when the connection has ended.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    at_end: Callable[[], None] = staticmethod(lambda: None)

    def finish(self) -> None:
        """The connection has ended, perhaps with an answer that nobody takes any more."""
        try:
            with suppress(OSError):
                super().finish()
        finally:
            self.rfile.close()
            self.at_end()

    def body(self) -> bytes:
        """What the client sent along."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status: int, headers: Headers, content: bytes) -> None:
        """Answer the request at once."""
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


def calls(serve: Callable[[Call], None]) -> type[Call]:
    """The handler of a server that deals with every method alike.

    The server looks for a method `do_<METHOD>` of the handler's class.
    """

    def do(call: Call) -> None:
        serve(call)

    return type("ServedCall", (Call,), {f"do_{method}": do for method in METHODS})


def passed_on(headers: Iterable[tuple[str, str]]) -> Headers:
    """The headers that concern both ends, and not one connection."""
    return [(name, value) for name, value in headers if name.lower() not in _NOT_PASSED_ON]
