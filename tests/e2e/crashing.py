# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A stage on which the running operator is killed in the middle of rotations, at a write of choice.

One workflow for each kind of credential; all are held up at their writes at the same time, so that
one kill meets each of them where it hurts. Pods become ready at once.
"""

from __future__ import annotations

import asyncio
import base64
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.cluster.authorities import Authorities
from tests.cluster.cluster import Cluster
from tests.cluster.databases import DATABASE, VAULT_USER, Databases
from tests.cluster.installation import NAMESPACE, Installation
from tests.cluster.waiting import until
from tests.component.workflows import small
from tests.e2e.stage import Stage
from tests.e2e.stories import fresh_place, is_ready
from tests.faults.api_proxy import ApiProxy
from tests.faults.stops import Stops
from tests.faults.vault_proxy import VaultProxy
from wardkeeper.api.credential import CREDENTIAL_KIND
from wardkeeper.api.workflow import KIND
from wardkeeper.proof.certificate import inspect
from wardkeeper.proof.database import log_in
from wardkeeper.proof.errors import NotProven

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.stage import Obj
    from tests.e2e.stories import Place

GENERATED, DYNAMIC, ALTERNATING, CERTIFICATE = (
    "w-generated",
    "w-dynamic",
    "w-alternating",
    "w-certificate",
)
NAMES = (GENERATED, DYNAMIC, ALTERNATING, CERTIFICATE)
LOGINS = (DYNAMIC, ALTERNATING)
SETTLES = 60.0

Values = dict[str, str]


@dataclass
class Theatre:
    """Where the stories are played.

    Attributes:
        place: the workflows' namespace.
        stops: where their writes are held up.
        api: what the operator takes for the API server.
        vault: what it takes for OpenBao.
        databases: the database that logins are for.
        asked: how many rotations have been asked for.
    """

    place: Place
    stops: Stops
    api: ApiProxy
    vault: VaultProxy
    databases: Databases
    asked: int = field(default=0)

    @property
    def stage(self) -> Stage:
        """Cluster and operator."""
        return self.place.stage

    def crash(self) -> None:
        """Kill the operator with SIGKILL; what it had under way is cut."""
        self.stage.operator.kill()
        self.stops.release()
        self.api.cut_all()
        self.vault.cut_all()

    def ask(self) -> str:
        """Ask for a rotation of every workflow at once; the request."""
        self.asked += 1
        request = f"db@{self.asked}"
        for name in NAMES:
            self.place.annotate(name, rotate_now=request)
        return request

    def until_rotated(self, request: str) -> None:
        """Wait until every rotation has come to its end, the credential before it too."""
        for name in NAMES:
            until(
                lambda name=name: self._is_over(name, request),  # type: ignore[misc]
                f"{name} has answered {request}",
                seconds=SETTLES,
                check=self.stage.operator.process.check,  # type: ignore[union-attr]
            )

    def entries(self, name: str, secret: str = "db") -> list[Obj]:
        """The ledger's entries of a workflow's secret; of its token when that is empty."""
        chosen = f"wardkeeper.io/workflow={name},wardkeeper.io/workflow-namespace="
        found = self.stage.send(
            "GET", CREDENTIAL_KIND, NAMESPACE, labelSelector=chosen + self.place.namespace
        )["items"]
        return [one for one in found if one["spec"].get("secret", "") == secret]

    def delivered(self, name: str) -> Values:
        """What pods read."""
        data = self.place.read("Secret", f"{name}-db")["data"]
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def kept(self, name: str) -> list[Values]:
        """The versions in KV that can still be read."""
        bao, path = self.stage.cluster.openbao, f"hw/{self.place.namespace}/{name}/db"
        versions = bao.api("GET", f"secret/metadata/{path}")["data"]["versions"]
        return [
            bao.api("GET", f"secret/data/{path}?version={number}")["data"]["data"]
            for number, one in versions.items()
            if not one["destroyed"] and not one["deletion_time"]
        ]

    def works(self, name: str, values: Values) -> bool:
        """Whether a credential would let its bearer in now."""
        if name in LOGINS:
            return self._lets_in(values)
        if name == CERTIFICATE:
            return inspect(values["tls.crt"]).serial in self.certificates()
        return any(values["password"] == one["password"] for one in self.kept(name))

    def certificates(self) -> set[str]:
        """Serial numbers of the workflow's certificates that are not revoked."""
        bao = self.stage.cluster.openbao
        found = {serial: bao.api("GET", f"pki/cert/{serial}")["data"] for serial in self._serials()}
        name = f"{CERTIFICATE}.{self.place.namespace}.svc"
        return {
            serial
            for serial, one in found.items()
            if name in inspect(one["certificate"]).dns_names and not one["revocation_time"]
        }

    def users(self) -> set[str]:
        """The users of the database that OpenBao made for somebody."""
        fixed = {VAULT_USER, *self._slots()}
        return self.stage.cluster.postgres.users() - fixed

    def leases(self) -> tuple[str, ...]:
        """The leases of the dynamic role."""
        return self.databases.leases(f"hw.{self.place.namespace}.{DYNAMIC}.claims")

    def _slots(self) -> tuple[str, str]:
        role = f"hw.{self.place.namespace}.{ALTERNATING}.claims"
        return f"{role}.a", f"{role}.b"

    def _serials(self) -> list[str]:
        return self.stage.cluster.openbao.list("pki/certs")

    def _lets_in(self, values: Values) -> bool:
        postgres = self.stage.cluster.postgres
        try:
            asyncio.run(
                log_in(
                    "localhost",
                    postgres.port,
                    DATABASE,
                    values["username"],
                    values["password"],
                    ca_file=str(postgres.ca_file),
                )
            )
        except NotProven:
            return False
        return True

    def _is_over(self, name: str, request: str) -> bool:
        workflow = self.place.read(KIND, name)
        answered = workflow["status"].get("lastHandledRotateNow") == request
        return answered and is_ready(workflow) and len(self.entries(name)) == 1


@contextmanager
def open_theatre() -> Iterator[Theatre]:
    """Start everything, and bring every workflow to rest."""
    stops = Stops(NAMES)
    with (
        Cluster("simulated", openbao=True, postgres=True) as cluster,
        VaultProxy(cluster.openbao.address, stops) as vault,
        ApiProxy(cluster.server, cluster.ca, stops) as api,
    ):
        through = {"address": vault.address, "databaseCaFile": str(cluster.postgres.ca_file)}
        settings = {"vault": through, "logging": {"level": "debug"}}
        operator = Installation(cluster, settings=settings, server=api.address)
        stage = Stage(cluster, operator)
        with stage.session, operator:
            Authorities(cluster.openbao).add()
            databases = Databases(cluster.openbao, cluster.postgres)
            databases.install()
            hasty_pods(stage)
            with fresh_place(stage) as place:
                _people(place, databases)
                yield Theatre(place, stops, api, vault, databases)


def hasty_pods(stage: Stage) -> None:
    """Have simulated pods become ready, and go, at once."""
    stages, keys = ("pod-create", "pod-ready", "pod-delete"), ("delay", "jitter-delay")
    told = ", ".join(f'"{one}.stage.kwok.x-k8s.io/{key}": "0s"' for one in stages for key in keys)
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
    change = {"expression": f"Object{{metadata: Object.metadata{{annotations: {{{told}}}}}}}"}
    made: dict[str, dict[str, Any]] = {
        "MutatingAdmissionPolicy": {
            "matchConstraints": {"resourceRules": [{**rule, "operations": ["CREATE"]}]},
            "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": change}],
            "reinvocationPolicy": "Never",
            "failurePolicy": "Fail",
        },
        "MutatingAdmissionPolicyBinding": {"policyName": "hasty"},
    }
    for kind, spec in made.items():
        stage.send("POST", kind, body={"metadata": {"name": "hasty"}, "spec": spec})


def _people(place: Place, databases: Databases) -> None:
    """One workflow for each kind of credential, with what an administrator makes for it."""
    databases.dynamic(place.namespace, DYNAMIC, "claims")
    databases.alternating(place.namespace, ALTERNATING, "claims")
    sources: dict[str, Obj] = {
        GENERATED: {"kvGenerated": {"fields": [{"name": "password"}]}},
        DYNAMIC: _login(databases, "Dynamic"),
        ALTERNATING: _login(databases, "AlternatingUsers"),
        CERTIFICATE: {"pki": {"ttl": "1h"}},
    }
    for name, source in sources.items():
        rotation = {"every": "1h", "overlap": "0s"}
        place.create(small(name, secrets=[{"name": "db", "source": source, "rotation": rotation}]))
    for name in NAMES:
        place.until_ready(name)


def _login(databases: Databases, strategy: str) -> Obj:
    connection = databases.connection()
    return {"database": {"role": "claims", "strategy": strategy, "connection": connection}}
