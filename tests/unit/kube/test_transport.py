# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What is left of connections when the client is closed: nothing."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.cluster.pki import Authority
from wardkeeper.kube.access import Access
from wardkeeper.kube.client import Client
from wardkeeper.kube.resource import resource_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 5


class MuteServer:
    """Takes one connection and a request on it, and says nothing, not even a TLS goodbye."""

    def __init__(self, folder: Path) -> None:
        authority = Authority("test authority")
        identity = authority.server(("mute",), ("127.0.0.1",))
        pem = folder / "server.pem"
        pem.write_bytes(identity.certificate + identity.key)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pem)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(SECONDS)
        self._connection: ssl.SSLSocket | None = None
        trusted = ssl.create_default_context(cadata=authority.credential.certificate.decode())
        url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self.access = Access(server=url, ssl=trusted, token=lambda: None)

    def take(self) -> None:
        """Wait for a request to have come in."""
        plain, _ = self._listener.accept()
        plain.settimeout(SECONDS)
        self._connection = self._context.wrap_socket(plain, server_side=True)
        assert self._connection.recv(65536).startswith(b"GET ")

    def until_gone(self) -> None:
        """Wait for the client to have closed the connection under the TLS."""
        assert self._connection is not None
        with socket.socket(fileno=os.dup(self._connection.fileno())) as plain:
            plain.settimeout(SECONDS)
            with suppress(ConnectionResetError):
                while plain.recv(65536):
                    pass

    def stop(self) -> None:
        for one in (self._connection, self._listener):
            if one is not None:
                one.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MuteServer]:
    mute = MuteServer(tmp_path)
    yield mute
    mute.stop()


async def test_a_request_given_up_leaves_no_connection_behind(server: MuteServer) -> None:
    async with Client(server.access, user_agent="wardkeeper/test") as client:
        request = asyncio.create_task(client.get(resource_of("ConfigMap"), "radiology", "a"))
        await asyncio.to_thread(server.take)
        request.cancel()
        with suppress(asyncio.CancelledError):
            await request
    await asyncio.to_thread(server.until_gone)
