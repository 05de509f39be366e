# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Everything secret that goes between the operator and OpenBao, and the places to look for it.

A proxy hears all of it: what is drawn, what is issued, keys, tokens, leases. So nothing has to be
marked beforehand, and what a test did not think of is looked for as well.
"""

from __future__ import annotations

import base64
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from tests.cluster import configuration
from tests.cluster.cluster import Cluster
from tests.cluster.ground import write_document
from tests.cluster.installation import NAMESPACE
from tests.component.workflows import small
from tests.e2e.furnished import furnished
from tests.e2e.stories import CHILD_KINDS, fresh_place
from tests.faults.vault_proxy import VaultProxy
from wardkeeper.api.credential import CREDENTIAL_KIND
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.cluster.databases import Databases
    from tests.cluster.runs import Run
    from tests.e2e.stage import Obj
    from tests.e2e.stories import Place

NAME = "everything"
SHORTEST = 8
"""Characters below which a value could stand anywhere by chance."""

_SECRET_WORDS = frozenset(
    {"client_token", "jwt", "password", "plaintext", "private_key", "lease_id", "lease"}
)
_KV_IN_THE_OPEN = frozenset(
    {
        *("username", "tls.crt", "ca.crt", "_uid", "_rotation_id", "_pending"),
        *("_x_serial", "_x_slot", "_x_marker", "_x_issued", "_x_expires", "_x_ends"),
    }
)
"""What KV keeps beside the values and may be known."""


class Heard:
    """Every secret value that was sent to OpenBao or answered by it."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._lock = threading.Lock()

    @property
    def values(self) -> frozenset[str]:
        """All of them up to now; more may come meanwhile."""
        with self._lock:
            return frozenset(self._values)

    def __call__(self, path: str, sent: bytes, answered: bytes) -> None:
        """Take in one request and its answer."""
        for body in (sent, answered):
            document = _json(body)
            if "/data/" in path and isinstance(document, dict):
                self._add(*_kept(document))
            self._add(*_worded(document))

    def _add(self, *values: str) -> None:
        for value in values:
            lines = [one for one in value.splitlines() if "PRIVATE KEY" not in one]
            with self._lock:
                self._values.update(one for one in lines if len(one) >= SHORTEST)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


def _kept(document: Obj) -> Iterator[str]:
    """The values of an entry of KV v2, as it is written and as it is read."""
    data = document.get("data") or {}
    inner = data.get("data", data) if isinstance(data, dict) else {}
    for key, value in (inner or {}).items():
        if isinstance(value, str) and key not in _KV_IN_THE_OPEN:
            yield value


def _worded(document: Any) -> Iterator[str]:
    """The values under words that stand for secrets, however deep; plaintext as it is meant."""
    if isinstance(document, list):
        for one in document:
            yield from _worded(one)
    elif isinstance(document, dict):
        for key, value in document.items():
            if key in _SECRET_WORDS and isinstance(value, str):
                yield base64.b64decode(value).decode() if key == "plaintext" else value
            else:
                yield from _worded(value)


def leaks(values: Iterable[str], places: dict[str, str]) -> list[str]:
    """The places that hold one of these values, in one of the forms it is written in."""
    forms = {
        form for value in values for form in (value, base64.b64encode(value.encode()).decode()[:-3])
    }
    return [name for name, text in places.items() if any(form in text for form in forms)]


def outside(place: Place, workflow: str) -> dict[str, str]:
    """Every place where people and programs look that holds no secret."""
    children = [
        {key: value for key, value in one.items() if (kind, key) != ("Secret", "data")}
        for kind in (*CHILD_KINDS, "ReplicaSet")
        for one in place.items(kind)
    ]
    operator = place.stage.operator
    return {
        "workflow": json.dumps(place.get(KIND, workflow)),
        "children": json.dumps(children),
        "pods": json.dumps(place.items("Pod")),
        "events": json.dumps(place.items("Event")),
        "ledger": json.dumps(place.stage.send("GET", CREDENTIAL_KIND, NAMESPACE)),
        "log": operator.log.read_text(),
        "metrics": requests.get(f"{operator.address}/metrics", timeout=10).text,
    }


@dataclass
class Aviary:
    """A workflow with every kind of secret, everything that is heard of them, and everywhere.

    Attributes:
        place: its namespace.
        heard: what is secret.
        vault: what the operator takes for OpenBao.
        databases: what the logins are for.
        secrets: names of the secrets.
    """

    place: Place
    heard: Heard
    vault: VaultProxy
    databases: Databases
    secrets: tuple[str, ...]
    asked: int = 0

    def ask(self) -> str:
        """Ask for a rotation of every secret; the request."""
        self.asked += 1
        request = ",".join(f"{name}@{self.asked}" for name in self.secrets)
        self.place.annotate(NAME, rotate_now=request)
        return request

    def bao(self, method: str, path: str, body: Obj | None = None) -> Any:
        """One request to OpenBao as its administrator."""
        return self.place.stage.cluster.openbao.api(method, path, body)

    def everywhere(self) -> dict[str, str]:
        """What stands outside of Secrets and OpenBao, by place; the audit log with its bodies."""
        folder = self.place.stage.cluster.run.logs
        logs = {one.name: one.read_text(errors="replace") for one in folder.glob("*.log")}
        return {**outside(self.place, NAME), **logs}

    def leaks(self) -> list[str]:
        """The places that hold anything secret."""
        return leaks(self.heard.values, self.everywhere())


class _Witnessed(Cluster):
    """A cluster whose API server writes down what is sent to it, Secrets and tokens aside."""

    def _lay_out(self, run: Run, programs: Path) -> None:
        super()._lay_out(run, programs)
        write_document(self._layout.config / "audit.yaml", configuration.audit(bodies=True))


@contextmanager
def open_aviary(program: str = "wardkeeper.shell.main") -> Iterator[Aviary]:
    """Start everything, the operator with as many log lines as it has."""
    heard = Heard()
    with (
        _Witnessed("simulated", openbao=True, postgres=True) as cluster,
        VaultProxy(cluster.openbao.address, listen=heard) as vault,
        furnished(cluster, vault, program=program) as furniture,
        fresh_place(furniture.stage) as place,
    ):
        secrets = _secrets(place, furniture.databases)
        place.create(small(NAME, secrets=secrets))
        place.until_ready(NAME)
        names = tuple(one["name"] for one in secrets)
        yield Aviary(place, heard, vault, furniture.databases, names)


def _secrets(place: Place, databases: Databases) -> list[Obj]:
    """One secret of each kind, with what an administrator makes for it."""
    bao, namespace = place.stage.cluster.openbao, place.namespace
    databases.dynamic(namespace, NAME, "dynamic")
    databases.alternating(namespace, NAME, "turns")
    databases.static(namespace, NAME, "static")
    bao.api("POST", f"transit/keys/hw.{namespace}.{NAME}.records", {})
    rule = 'length = 24\nrule "charset" { charset = "abcdefghijklmnopqrstuvwxyz0123456789" }'
    bao.api("PUT", "sys/policies/password/long", {"policy": rule})
    synced = {"data": {"token": "a-token-of-a-vendor-7f3a"}, "options": {"cas": 0}}
    bao.api("POST", f"secret/data/hw-synced/{namespace}/{NAME}/vendor", synced)
    fields = [{"name": "password"}]
    sources: dict[str, Obj] = {
        "drawn": {"kvGenerated": {"fields": fields}},
        "policy": {"kvGenerated": {"fields": fields, "passwordPolicy": "long"}},
        "synced": {"kvSynced": {"path": "vendor", "fields": ["token"]}},
        "dynamic": _login(databases, "dynamic", "Dynamic"),
        "turns": _login(databases, "turns", "AlternatingUsers"),
        "static": _login(databases, "static", "Static"),
        "tls": {"pki": {"ttl": "1h"}},
        "records": {"transit": {"key": "records"}},
    }
    rotation = {"every": "1h", "overlap": "0s"}
    return [{"name": name, "source": one, "rotation": rotation} for name, one in sources.items()]


def _login(databases: Databases, role: str, strategy: str) -> Obj:
    connection = databases.connection()
    return {"database": {"role": role, "strategy": strategy, "connection": connection}}
