# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A stage on which the running operator is killed in the middle of rotations, at a write of choice.

Two workflows for each kind of credential: one is held up before its write, one after. All wait for
each other, so that one kill meets each of them where it hurts.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tests.cluster.cluster import Cluster
from tests.cluster.databases import VAULT_USER
from tests.cluster.installation import NAMESPACE
from tests.cluster.waiting import until
from tests.component.workflows import small
from tests.e2e.furnished import furnished, values_of
from tests.e2e.stories import fresh_place, is_ready
from tests.faults.api_proxy import ApiProxy
from tests.faults.stops import Side, Stops
from tests.faults.vault_proxy import VaultProxy
from wardkeeper.api.credential import CREDENTIAL_KIND
from wardkeeper.api.workflow import KIND
from wardkeeper.proof.certificate import inspect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.databases import Databases
    from tests.e2e.furnished import Furnished, Values
    from tests.e2e.stage import Obj, Stage
    from tests.e2e.stories import Place

GENERATED, DYNAMIC, ALTERNATING, CERTIFICATE = "generated", "dynamic", "alternating", "certificate"
KINDS = (GENERATED, DYNAMIC, ALTERNATING, CERTIFICATE)
LOGINS = (DYNAMIC, ALTERNATING)


class Chain(NamedTuple):
    """A workflow: what its credential is, and on which side of its writes it is held up."""

    kind: str
    side: Side

    @property
    def name(self) -> str:
        """Its name."""
        return f"{self.kind}-{self.side}"


CHAINS = tuple(Chain(kind, side) for kind in KINDS for side in Side)
SETTLES = 60.0


@dataclass
class Theatre:
    """Where the stories are played.

    Attributes:
        place: the workflows' namespace.
        stops: where their writes are held up.
        api: what the operator takes for the API server.
        vault: what it takes for OpenBao.
        furnished: the database that logins are for.
        asked: how many rotations have been asked for.
    """

    place: Place
    stops: Stops
    api: ApiProxy
    vault: VaultProxy
    furnished: Furnished
    asked: int = 0

    def __post_init__(self) -> None:
        """Tell the workflows' certificates from those of authorities."""
        at_rest = {inspect(self.delivered(one.name)["tls.crt"]).serial for one in CHAINS[-2:]}
        self._authorities = set(self.stage.cluster.openbao.list("pki/certs")) - at_rest

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
        for chain in CHAINS:
            self.place.annotate(chain.name, rotate_now=request)
        return request

    def until_rotated(self, request: str) -> None:
        """Wait until every rotation has come to its end, the credential before it too."""
        for chain in CHAINS:
            until(
                lambda name=chain.name: self._is_over(name, request),  # type: ignore[misc]
                f"{chain.name} has answered {request}",
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
        return values_of(self.place.read("Secret", f"{name}-db"))

    def kept(self, name: str) -> list[Values]:
        """The versions in KV that can still be read."""
        bao, path = self.stage.cluster.openbao, f"hw/{self.place.namespace}/{name}/db"
        versions = bao.api("GET", f"secret/metadata/{path}")["data"]["versions"]
        return [
            bao.api("GET", f"secret/data/{path}?version={number}")["data"]["data"]
            for number, one in versions.items()
            if not one["destroyed"] and not one["deletion_time"]
        ]

    def works(self, chain: Chain, values: Values) -> bool:
        """Whether a credential would let its bearer in now."""
        if chain.kind in LOGINS:
            return self.furnished.lets_in(values)
        if chain.kind == CERTIFICATE:
            serial = inspect(values["tls.crt"]).serial
            found = self.stage.cluster.openbao.api("GET", f"pki/cert/{serial}")["data"]
            return not found["revocation_time"]
        return any(values["password"] == one["password"] for one in self.kept(chain.name))

    def certificates(self) -> set[str]:
        """Serial numbers of all certificates that are not revoked."""
        bao = self.stage.cluster.openbao
        revoked = set(bao.list("pki/certs/revoked"))
        mine = set(bao.list("pki/certs")) - revoked - self._authorities
        return mine

    def users(self) -> set[str]:
        """The users of the database that OpenBao made for somebody."""
        roles = [f"hw.{self.place.namespace}.{ALTERNATING}-{side}.claims" for side in Side]
        fixed = {VAULT_USER, *(f"{role}.{slot}" for role in roles for slot in "ab")}
        return self.stage.cluster.postgres.users() - fixed

    def leases(self, chain: Chain) -> tuple[str, ...]:
        """The leases of a workflow's dynamic role."""
        return self.furnished.databases.leases(f"hw.{self.place.namespace}.{chain.name}.claims")

    def _is_over(self, name: str, request: str) -> bool:
        workflow = self.place.read(KIND, name)
        answered = workflow["status"].get("lastHandledRotateNow") == request
        return answered and is_ready(workflow) and len(self.entries(name)) == 1


@contextmanager
def open_theatre() -> Iterator[Theatre]:
    """Start everything, and bring every workflow to rest."""
    stops = Stops(chain.name for chain in CHAINS)
    with (
        Cluster("simulated", openbao=True, postgres=True) as cluster,
        VaultProxy(cluster.openbao.address, stops) as vault,
        ApiProxy(cluster.server, cluster.ca, stops) as api,
        furnished(cluster, vault, server=api.address) as furniture,
        fresh_place(furniture.stage) as place,
    ):
        _people(place, furniture.databases)
        yield Theatre(place, stops, api, vault, furniture)


def _people(place: Place, databases: Databases) -> None:
    """The workflows, with what an administrator makes for each."""
    for side in Side:
        databases.dynamic(place.namespace, f"{DYNAMIC}-{side}", "claims")
        databases.alternating(place.namespace, f"{ALTERNATING}-{side}", "claims")
    sources: dict[str, Obj] = {
        GENERATED: {"kvGenerated": {"fields": [{"name": "password"}]}},
        DYNAMIC: _login(databases, "Dynamic"),
        ALTERNATING: _login(databases, "AlternatingUsers"),
        CERTIFICATE: {"pki": {"ttl": "1h"}},
    }
    rotation = {"every": "1h", "overlap": "0s"}
    for chain in CHAINS:
        secret = {"name": "db", "source": sources[chain.kind], "rotation": rotation}
        place.create(small(chain.name, secrets=[secret]))
    for chain in CHAINS:
        place.until_ready(chain.name)


def _login(databases: Databases, strategy: str) -> Obj:
    connection = databases.connection()
    return {"database": {"role": "claims", "strategy": strategy, "connection": connection}}
