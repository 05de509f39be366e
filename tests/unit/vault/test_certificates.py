# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Whose certificate is believed, over a real TLS connection on the loopback address."""

from __future__ import annotations

import json
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.cluster.pki import Authority
from wardkeeper.vault.access import VaultAccess
from wardkeeper.vault.client import VaultClient
from wardkeeper.vault.errors import Kind, VaultError
from wardkeeper.vault.health import ask_health

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEALTH = {"sealed": False, "version": "2.7.2", "server_time_utc": 1767225600}


class Handler(BaseHTTPRequestHandler):
    """Healthy, whatever is asked."""

    def do_GET(self) -> None:
        body = json.dumps(HEALTH).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(authority: Authority, name: str, folder: Path) -> Iterator[str]:
    """A server with a certificate for this name; its URL."""
    certificate = authority.server((name,), (name,) if name[0].isdigit() else ())
    (folder / "server.crt").write_bytes(certificate.certificate)
    (folder / "server.key").write_bytes(certificate.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def trusting(authority: Authority, folder: Path) -> str:
    """The authority's PEM as a file."""
    file = folder / "ca.crt"
    file.write_bytes(authority.credential.certificate)
    return str(file)


@pytest.mark.parametrize(
    ("certificate_for", "trust", "believed"),
    [
        ("127.0.0.1", "its authority", True),
        ("127.0.0.1", "another authority", False),
        ("127.0.0.1", "the system's", False),
        ("vault.example.com", "its authority", False),
    ],
)
async def test_only_a_certificate_of_the_given_authority_for_this_name_is_believed(
    tmp_path: Path, certificate_for: str, trust: str, believed: bool
) -> None:
    authority = Authority("vault")
    given = {"its authority": authority, "another authority": Authority("other")}.get(trust)
    with served(authority, certificate_for, tmp_path) as address:
        ca_file = trusting(given, tmp_path) if given else None
        client = VaultClient(VaultAccess(address, ca_file=ca_file, timeout=5))
        try:
            if believed:
                assert (await ask_health(client)).version == "2.7.2"
                return
            with pytest.raises(VaultError) as caught:
                await ask_health(client)
            assert caught.value.kind is Kind.UNREACHABLE
        finally:
            client.close()
