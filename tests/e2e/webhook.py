# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Somebody's admission webhook that refuses, served on the loopback address."""

from __future__ import annotations

import base64
import json
import ssl
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

from tests.cluster.pki import Authority
from tests.cluster.waiting import until
from tests.e2e.stage import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.stories import Place

HOST = "127.0.0.1"


@contextmanager
def refusing_webhook(place: Place, folder: Path, words: str) -> Iterator[None]:
    """Refuse every new ServiceAccount in a namespace, with these words."""
    authority = Authority("somebody")
    with _serving(authority, folder, words) as port:
        ca = base64.b64encode(authority.credential.certificate).decode()
        name = f"refuse-{place.namespace}"
        hook = {
            "name": "audit.example.org",
            "clientConfig": {"url": f"https://{HOST}:{port}/", "caBundle": ca},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": place.namespace}},
            "rules": [
                {
                    "apiGroups": [""],
                    "apiVersions": ["v1"],
                    "resources": ["serviceaccounts"],
                    "operations": ["CREATE"],
                }
            ],
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "failurePolicy": "Fail",
        }
        kind = "ValidatingWebhookConfiguration"
        place.stage.send("POST", kind, body={"metadata": {"name": name}, "webhooks": [hook]})
        try:
            until(lambda: _refuses(place, words), "the webhook is in force")
            yield
        finally:
            place.stage.send("DELETE", kind, name=name)
        until(lambda: not _refuses(place, words), "the webhook is out of force")


def _refuses(place: Place, words: str) -> bool:
    probe = {"metadata": {"name": "probe"}}
    try:
        place.stage.send("POST", "ServiceAccount", place.namespace, body=probe, dryRun="All")
    except RefusedError as error:
        return words in str(error)
    return False


@contextmanager
def _serving(authority: Authority, folder: Path, words: str) -> Iterator[int]:
    """An HTTPS server that says no; its port."""

    class Refuse(BaseHTTPRequestHandler):
        """Answers every AdmissionReview with the same words."""

        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            uid = review["request"]["uid"]
            review["response"] = {"uid": uid, "allowed": False, "status": {"message": words}}
            body = json.dumps(review).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    credential = authority.server(("localhost",), (HOST,))
    pem = folder / "webhook.pem"
    pem.touch(mode=0o600)
    pem.write_bytes(credential.certificate + credential.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = ThreadingHTTPServer((HOST, 0), Refuse)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
