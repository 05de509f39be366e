# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A proxy between the operator and the API server that holds requests up where a test says so.

Towards the operator it speaks plain HTTP on the loopback address; whoever asks is told apart by
the token that is passed on. Watches are passed on as they come. It never repeats a request.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from tests.faults.listening import Listener, calls, passed_on
from tests.faults.stops import Request

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.listening import Call
    from tests.faults.stops import Stops

_SECONDS = 600.0
_PIECE = 65536


class ApiProxy:
    """A proxy in threads of its own; a context manager.

    Attributes:
        address: URL to give to whoever shall be held up.
    """

    def __init__(self, target: str, ca: Path, stops: Stops) -> None:
        """Nothing is listened on yet.

        Args:
            target: `https://` URL of the API server.
            ca: PEM of the authority that signed its certificate.
            stops: where requests are held up.
        """
        url = urlsplit(target)
        self._target = (url.hostname or "", url.port or 443)
        self._context = ssl.create_default_context(cafile=str(ca))
        self._stops = stops
        self._upstream: dict[Call, http.client.HTTPSConnection] = {}
        self._lock = threading.Lock()
        self.address = ""

    def __enter__(self) -> Self:
        """Listen."""
        self._server = Listener(calls(self.serve))
        self.address = self._server.address
        self._server.begin()
        return self

    def __exit__(self, *_: object) -> None:
        """Cut every connection and wait until nothing runs."""
        self.cut_all()
        self._server.end()

    def cut_all(self) -> None:
        """Cut every connection, on both sides: whoever had one is gone."""
        self._server.cut_all()
        with self._lock:
            for upstream in self._upstream.values():
                connection = upstream.sock  # another thread may be closing it
                if connection is not None:
                    with suppress(OSError):
                        connection.shutdown(socket.SHUT_RDWR)

    def serve(self, call: Call) -> None:
        """Deal with one request, in the thread of its connection."""
        body = call.body()
        path = urlsplit(call.path).path
        stop = self._stops.meet(Request("api", call.command, path, body))
        call.close_connection = True
        if stop and stop.before():
            return
        with suppress(OSError, http.client.HTTPException):
            with self._ask(call, body) as answer:
                if stop and stop.after():
                    return
                _pass_on(call, answer)
            call.close_connection = False

    def _ask(self, call: Call, body: bytes) -> http.client.HTTPResponse:
        headers = dict(passed_on(call.headers.items()))
        upstream = self._upstream_of(call)
        upstream.request(call.command, call.path, body or None, headers)
        return upstream.getresponse()

    def _upstream_of(self, call: Call) -> http.client.HTTPSConnection:
        """The connection to the API server that goes with a client's."""
        with self._lock:
            if call not in self._upstream:
                self._upstream[call] = http.client.HTTPSConnection(
                    *self._target, timeout=_SECONDS, context=self._context
                )
                call.at_end = lambda: self._let_go(call)
            return self._upstream[call]

    def _let_go(self, call: Call) -> None:
        with self._lock:
            upstream = self._upstream.pop(call)
        upstream.close()


def _pass_on(call: Call, answer: http.client.HTTPResponse) -> None:
    """Answer, piece by piece where the length is not known."""
    headers = passed_on(answer.getheaders())
    if answer.length is not None:
        call.answer(answer.status, headers, answer.read())
        return
    call.send_response_only(answer.status)
    for name, value in (*headers, ("Transfer-Encoding", "chunked")):
        call.send_header(name, value)
    call.end_headers()
    while piece := answer.read1(_PIECE):
        call.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        call.wfile.flush()
    call.wfile.write(b"0\r\n\r\n")
    call.wfile.flush()
