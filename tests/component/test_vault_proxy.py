# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The proxy that loses answers on demand passes on everything else, and counts all of it."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.faults.kinds import kind_of
from tests.faults.plan import Answer, Cut, Delay, LoseAnswer
from tests.faults.vault_proxy import VaultProxy

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 1_800_000_000


class Target:
    """A server that writes down what it is asked and answers in kind."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, bytes, str | None]] = []
        target = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                target.heard.append((self.command, self.path, body, self.headers["X-Vault-Token"]))
                content = b'{"sealed": false, "server_time_utc": %d}' % NOW
                self.send_response(418 if "teapot" in self.path else 200)
                self.send_header("X-Told", "by the target")
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_LIST = do_PUT = _serve

            def log_message(self, *_: Any, **__: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def target() -> Iterator[Target]:
    target = Target()
    yield target
    target.stop()


@pytest.fixture
def proxy(target: Target) -> Iterator[VaultProxy]:
    with VaultProxy(target.address) as proxy:
        yield proxy


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def test_requests_and_answers_pass_as_they_are(
    target: Target, proxy: VaultProxy, session: requests.Session
) -> None:
    answer = session.request(
        "PUT", f"{proxy.address}/v1/a/teapot?x=1", data=b"body", headers={"X-Vault-Token": "t"}
    )
    assert (answer.status_code, answer.headers["X-Told"]) == (418, "by the target")
    assert answer.json()["server_time_utc"] == NOW
    session.request("LIST", f"{proxy.address}/v1/pki/certs").raise_for_status()
    assert target.heard == [
        ("PUT", "/v1/a/teapot?x=1", b"body", "t"),
        ("LIST", "/v1/pki/certs", b"", None),
    ]


def test_a_lost_answer_is_of_something_that_was_done(
    target: Target, proxy: VaultProxy, session: requests.Session
) -> None:
    lost = proxy.on("GET", "database/creds/.*", LoseAnswer(), nth=2)
    url = f"{proxy.address}/v1/database/creds/hw.ns.wf.db"
    assert session.get(url).ok
    with pytest.raises(requests.ConnectionError):
        session.get(url)
    lost.wait(0)
    assert session.get(url).ok
    assert (len(target.heard), lost.happened) == (3, 1)


def test_a_request_that_is_cut_never_arrives(
    target: Target, proxy: VaultProxy, session: requests.Session
) -> None:
    proxy.on("*", "sys/.*", Cut(), times=None)
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            session.get(f"{proxy.address}/v1/sys/health")
    assert session.get(f"{proxy.address}/v1/other").ok
    proxy.clear()
    assert session.get(f"{proxy.address}/v1/sys/health").ok
    assert [path for _, path, _, _ in target.heard] == ["/v1/other", "/v1/sys/health"]


def test_an_answer_can_be_put_in_place_of_the_server_s(
    target: Target, proxy: VaultProxy, session: requests.Session
) -> None:
    proxy.on("GET", ".*", Answer(429, ("slow down",), retry_after=3))
    proxy.on("GET", ".*", Answer(503), nth=2)
    first, second = (session.get(f"{proxy.address}/v1/x") for _ in range(2))
    assert (first.status_code, first.headers["Retry-After"]) == (429, "3")
    assert first.json() == {"errors": ["slow down"]}
    assert second.status_code == 503
    assert not target.heard


@pytest.mark.parametrize("after", [False, True])
def test_an_answer_can_be_late(
    target: Target, proxy: VaultProxy, session: requests.Session, after: bool
) -> None:
    proxy.on("GET", "slow", Delay(0.2, after=after))
    start = time.monotonic()
    assert session.get(f"{proxy.address}/v1/slow").ok
    assert time.monotonic() - start >= 0.2
    assert len(target.heard) == 1


def test_the_clock_of_the_server_can_be_ahead_or_behind(
    proxy: VaultProxy, session: requests.Session
) -> None:
    def told(path: str) -> int:
        return int(session.get(f"{proxy.address}/v1/{path}").json()["server_time_utc"])

    proxy.skew = timedelta(minutes=-5)
    assert (told("sys/health"), told("sys/health?standbyok=true")) == (NOW - 300, NOW - 300)
    assert told("sys/other") == NOW


def test_requests_are_counted_by_kind(proxy: VaultProxy, session: requests.Session) -> None:
    proxy.on("GET", ".*", Cut(), nth=3)
    for name in ("one", "other"):
        session.get(f"{proxy.address}/v1/secret/data/hw/ns/wf/{name}?version=1")
    with pytest.raises(requests.ConnectionError):
        session.get(f"{proxy.address}/v1/sys/health")
    assert proxy.counts() == {("GET", "secret/data/hw/*"): 2, ("GET", "sys/health"): 1}
    proxy.forget()
    assert not proxy.counts()


def test_a_server_that_is_away_looks_away(session: requests.Session) -> None:
    target = Target()
    target.stop()
    with VaultProxy(target.address) as proxy, pytest.raises(requests.ConnectionError):
        session.get(f"{proxy.address}/v1/x")


def test_a_fault_that_does_not_happen_is_told(proxy: VaultProxy) -> None:
    with pytest.raises(TimeoutError, match="no request GET never"):
        proxy.on("GET", "never", Cut()).wait(0)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("secret/data/hw/ns/wf/db", "secret/data/hw/*"),
        ("secret/destroy/hw/ns/wf/db", "secret/destroy/hw/*"),
        ("secret/data/hw-synced/ns/wf/a/b", "secret/data/hw-synced/*"),
        ("auth/kubernetes/role/hw.w.ns.wf", "auth/kubernetes/role/hw.w.*"),
        ("auth/kubernetes/login", "auth/kubernetes/login"),
        ("database/creds/hw.ns.wf.db", "database/creds/*"),
        ("database/rotate-role/hw.ns.wf.db.a", "database/rotate-role/*"),
        ("sys/leases/revoke/database/creds/hw.ns.wf.db/x", "sys/leases/revoke/*"),
        ("sys/leases/renew", "sys/leases/renew"),
        ("sys/policies/password/long/generate", "sys/policies/password/*/generate"),
        ("pki/sign/hw-mtls", "pki/sign/hw-mtls"),
        ("pki/issuer/0a1b/json", "pki/issuer/*/json"),
        ("pki/cert/0a:1b", "pki/cert/*"),
        ("transit/keys/hw.ns.wf.k/rotate", "transit/keys/*/rotate"),
        ("transit/encrypt/hw-operator-state", "transit/encrypt/hw-operator-state"),
        ("auth/token/renew-self", "auth/token/renew-self"),
    ],
)
def test_a_kind_says_what_is_asked_and_not_about_whom(path: str, kind: str) -> None:
    assert kind_of(path) == kind
