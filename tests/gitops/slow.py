# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A slow way to the API server: each piece that is sent on it arrives late, answers do not.

It does not look into what it passes on, so certificates and TLS stay those of the server.
"""

from __future__ import annotations

import socket
import socketserver
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE = 1 << 16


@contextmanager
def slow_way(server: str, delay: float) -> Iterator[str]:
    """A way to a server on which every piece that is sent takes `delay` seconds; its URL."""
    url = urlsplit(server)
    target = (str(url.hostname), int(url.port or 443))
    ended = Event()

    class Way(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(target, timeout=30) as onward:
                onward.settimeout(None)
                back = Thread(target=_pump, args=(onward, self.request, 0.0, ended))
                back.start()
                _pump(self.request, onward, delay, ended)
                back.join()

    with _Ways(("127.0.0.1", 0), Way) as ways:
        serving = Thread(target=ways.serve_forever, args=(0.05,))
        serving.start()
        try:
            yield f"{url.scheme}://127.0.0.1:{ways.server_address[1]}"
        finally:
            ended.set()
            ways.shutdown()
            serving.join()


class _Ways(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


def _pump(source: socket.socket, sink: socket.socket, delay: float, ended: Event) -> None:
    """Pass on until one side hangs up, then hang up on both."""
    try:
        while piece := source.recv(_PIECE):
            ended.wait(delay)
            sink.sendall(piece)
    except OSError:
        pass  # the other side has hung up
    for one in (source, sink):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue  # it had hung up already
