# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A Vault in memory that takes the place of the network below hvac, and goes wrong on demand.

It knows what the operator uses: health, Kubernetes login, roles, tokens, KV v2 with
compare-and-set. It answers in the words of the real servers, which the end-to-end tests compare.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import requests
from requests.adapters import BaseAdapter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OPERATOR_JWT = "jwt-of-the-operator"
PREFIX = "/v1/"
Answer = tuple[int, dict[str, Any] | bytes | None]


def workflow_jwt(namespace: str, name: str) -> str:
    """The token that the fake takes for one of this ServiceAccount."""
    return f"jwt:{namespace}/{name}"


@dataclass
class Stored:
    """One version in KV."""

    data: dict[str, str] | None
    created: datetime


@dataclass
class FakeVault(BaseAdapter):
    """State and switches of the fake.

    Attributes:
        now: its clock.
        sealed: every request but health is answered 503.
        kv: versions by path below the mount.
        roles: bodies by name.
        tokens: who a token belongs to: `operator`, or `<namespace>/<workflow>`.
        log: `METHOD path` of everything that arrived.
        before: called with each of them; may raise, or give an answer of its own.
        after: called when it was carried out; may raise: the answer is lost.
        headers: of every answer.
    """

    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    sealed: bool = False
    kv: dict[str, list[Stored]] = field(default_factory=dict)
    roles: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    before: Callable[[str], Answer | None] | None = None
    after: Callable[[str], None] | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        self.minted = 0

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Answer one request."""
        assert request.url is not None
        path = urlsplit(request.url).path
        line = f"{request.method} {path.removeprefix(PREFIX)}"
        with self.lock:
            self.log.append(line)
            answer = self.before(line) if self.before else None
            if answer is None:
                answer = self._answer(request, line)
                if self.after:
                    self.after(line)
        return self._response(request, *answer)

    def close(self) -> None:
        """Nothing to close."""

    def seen(self, start: str) -> list[str]:
        """The requests that start with this."""
        return [each for each in self.log if each.startswith(start)]

    def edit(self, path: str, **values: str) -> None:
        """Somebody else writes a version by hand."""
        self.kv.setdefault(path, []).append(Stored(values, self.now))

    def delete(self, path: str) -> None:
        """Somebody deletes the newest version; its number still counts."""
        self.kv[path][-1].data = None

    def _answer(self, request: requests.PreparedRequest, line: str) -> Answer:
        method, path = line.split(" ", 1)
        body = json.loads(request.body) if request.body else {}
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if path == "sys/health":
            return 200, {
                "initialized": True,
                "sealed": False,
                "version": "2.7.2",
                "server_time_utc": int(self.now.timestamp()),
            }
        if path == "auth/kubernetes/login":
            return self._login(body)
        who = self.tokens.get(request.headers.get("X-Vault-Token", ""))
        if who is None:
            return 403, {"errors": ["permission denied"]}
        if path.startswith("auth/token/"):
            return self._token(path, request.headers["X-Vault-Token"])
        if path.startswith("auth/kubernetes/role/") and who == "operator":
            return self._role(method, path.removeprefix("auth/kubernetes/role/"), body)
        if path.startswith("transit/") and who == "operator":
            return self._transit(path, body)
        mount, kind, *rest = path.split("/")
        entry = "/".join(rest)
        if mount == "secret" and entry.startswith(f"hw/{who}/"):
            version = parse_qs(urlsplit(request.url or "").query).get("version", ["0"])[0]
            return self._kv(method, kind, entry, body, int(version))
        return 403, {"errors": ["permission denied"]}

    def _login(self, body: Mapping[str, Any]) -> Answer:
        role, jwt = body["role"], body["jwt"]
        if role == "hw-operator" and jwt == OPERATOR_JWT:
            return 200, self._auth("operator", 3600)
        if role not in self.roles:
            return 400, {"errors": [f'invalid role name "{role}"']}
        bound = self.roles[role]
        who = f"{bound['bound_service_account_namespaces']}/{bound['bound_service_account_names']}"
        if jwt != f"jwt:{who}":
            return 403, {"errors": ["permission denied"]}
        return 200, self._auth(who, 86400)

    def _auth(self, who: str, lasts: int) -> dict[str, Any]:
        self.minted += 1
        token = f"s.token-{self.minted}"
        self.tokens[token] = who
        return {
            "auth": {
                "client_token": token,
                "accessor": f"accessor-{self.minted}",
                "lease_duration": lasts,
                "renewable": True,
            }
        }

    def _token(self, path: str, token: str) -> Answer:
        if path.endswith("revoke-self"):
            del self.tokens[token]
            return 204, None
        return 200, {"auth": {"client_token": token, "lease_duration": 3600}}

    def _transit(self, path: str, body: Mapping[str, Any]) -> Answer:
        if "/encrypt/" in path:
            return 200, {"data": {"ciphertext": f"vault:v1:{body['plaintext'][::-1]}"}}
        return 200, {"data": {"plaintext": body["ciphertext"].removeprefix("vault:v1:")[::-1]}}

    def _role(self, method: str, name: str, body: dict[str, Any]) -> Answer:
        if method == "DELETE":
            self.roles.pop(name, None)
            return 204, None
        self.roles[name] = body
        return 204, None

    def _kv(
        self, method: str, kind: str, path: str, body: Mapping[str, Any], number: int
    ) -> Answer:
        if kind == "metadata" and method == "DELETE":
            self.kv.pop(path, None)
            return 204, None
        versions = self.kv.get(path, [])
        if kind == "destroy":
            for each in body["versions"]:
                versions[each - 1].data = None
            return 204, None
        if method == "GET":
            if not versions:
                return 404, {"errors": []}
            asked = versions[: number or len(versions)]
            answer = {"data": {"data": asked[-1].data, "metadata": _metadata(asked)}}
            return (404 if asked[-1].data is None else 200), answer
        if body["options"]["cas"] != len(versions):
            words = "check-and-set parameter did not match the current version"
            return 400, {"errors": [words]}
        self.kv[path] = [*versions, Stored(dict(body["data"]), self.now)]
        return 200, {"data": _metadata(self.kv[path])}

    def _response(
        self, request: requests.PreparedRequest, status: int, body: dict[str, Any] | bytes | None
    ) -> requests.Response:
        response = requests.Response()
        response.status_code = status
        response.request = request
        response.url = request.url or ""
        response._content = body if isinstance(body, bytes) else _encoded(body)
        response.headers.update({"Content-Type": "application/json", **self.headers})
        return response


def _encoded(body: dict[str, Any] | None) -> bytes:
    return b"" if body is None else json.dumps(body).encode()


def _metadata(versions: list[Stored]) -> dict[str, Any]:
    created = versions[-1].created.strftime("%Y-%m-%dT%H:%M:%S.123456789Z")
    return {"version": len(versions), "created_time": created, "destroyed": False}
