# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The test PostgreSQL, OpenBao's users in it, OpenBao's authorities, and the product's proofs."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.cluster.authorities import Authorities
from tests.cluster.cluster import Cluster
from tests.cluster.databases import DATABASE, Databases
from tests.cluster.vault_server import VaultRefusedError
from tests.faults.plan import LoseAnswer
from tests.faults.vault_proxy import VaultProxy
from wardkeeper.proof.certificate import check_leaf
from wardkeeper.proof.csr import new_key_and_csr
from wardkeeper.proof.database import REQUIRE, VERIFY_FULL, log_in
from wardkeeper.proof.errors import Cause, NotProven
from wardkeeper.proof.handshake import shake_hands

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cluster.access import ClusterAccess

pytestmark = pytest.mark.cluster("api")
NAME = "router.radiology.svc"
URI = "spiffe://cluster.local/ns/radiology/sa/router"


@dataclass
class World:
    """A cluster with OpenBao and PostgreSQL, which know each other."""

    cluster: Cluster
    databases: Databases

    def read(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self.cluster.openbao.api("GET", f"database/{path}")
        return found

    async def log_in(self, login: dict[str, Any], **changes: Any) -> None:
        arguments: dict[str, Any] = {
            "host": "localhost",
            "port": self.cluster.postgres.port,
            "database": DATABASE,
            "user": login["username"],
            "password": login["password"],
            "ca_file": str(self.cluster.postgres.ca_file),
        }
        await log_in(**(arguments | changes))


@pytest.fixture
def our_own(cluster: ClusterAccess, postgresql: Path) -> None:
    """Skips where no cluster or no PostgreSQL can be had."""
    if not isinstance(cluster, Cluster):
        pytest.skip("needs our own build: unset KUBECONFIG")


@pytest.fixture(scope="module")
def open_world() -> Iterator[Callable[[], World]]:
    """Starts one for all tests here when the first of them asks, so that they can be skipped."""
    with ExitStack() as stack:

        @cache
        def opened() -> World:
            cluster = stack.enter_context(Cluster("api", openbao=True, postgres=True))
            databases = Databases(cluster.openbao, cluster.postgres)
            databases.install()
            return World(cluster, databases)

        yield opened


@pytest.fixture
def world(our_own: None, open_world: Callable[[], World]) -> World:
    return open_world()


@pytest.mark.usefixtures("our_own")
def test_postgresql_ends_with_its_cluster() -> None:
    with Cluster("api", postgres=True) as cluster:
        process = cluster.run.processes["postgres"]
        assert process.alive
        assert cluster.postgres.sql("SHOW ssl") == [("on",)]
    assert not process.alive


async def test_an_issued_user_can_log_in_until_it_is_revoked(world: World) -> None:
    role = world.databases.dynamic("radiology", "router", "claims")
    issued = world.read(f"creds/{role}")
    login = issued["data"]
    assert world.databases.leases(role) == (issued["lease_id"],)
    for tls in (VERIFY_FULL, REQUIRE):
        await world.log_in(login, tls=tls)
    revoke = {"lease_id": issued["lease_id"], "sync": True}
    world.cluster.openbao.api("PUT", "sys/leases/revoke", revoke)
    with pytest.raises(NotProven, match="refuses the password") as caught:
        await world.log_in(login)
    assert caught.value.cause is Cause.REFUSED
    assert not world.databases.leases(role)
    assert login["username"] not in world.cluster.postgres.users()


async def test_two_users_take_turns_and_one_does_not(world: World) -> None:
    pair = world.databases.alternating("radiology", "router", "turns")
    first, second = [world.read(f"static-creds/{role}")["data"] for role in pair]
    world.cluster.openbao.api("POST", f"database/rotate-role/{pair[1]}")
    await world.log_in(first)
    with pytest.raises(NotProven):
        await world.log_in(second)
    await world.log_in(world.read(f"static-creds/{pair[1]}")["data"])
    alone = world.databases.static("radiology", "router", "alone")
    await world.log_in(world.read(f"static-creds/{alone}")["data"])


async def test_a_login_needs_the_right_authority_database_and_server(world: World) -> None:
    role = world.databases.static("radiology", "router", "wrong")
    login = world.read(f"static-creds/{role}")["data"]
    with pytest.raises(NotProven, match="its certificate is not trusted"):
        await world.log_in(login, ca_file=str(world.cluster.ca))
    with pytest.raises(NotProven, match="no such database"):
        await world.log_in(login, database="nothing")
    postgres = world.cluster.postgres
    postgres.stop()
    try:
        with pytest.raises(NotProven) as caught:
            await world.log_in(login)
        assert caught.value.cause is Cause.UNREACHABLE
    finally:
        postgres.start()
    await world.log_in(login)


def test_a_lost_answer_leaves_a_lease_behind(world: World) -> None:
    role = world.databases.dynamic("radiology", "router", "lost")
    bao = world.cluster.openbao
    with VaultProxy(bao.address) as proxy, requests.Session() as session:
        session.trust_env = False
        session.headers["X-Vault-Token"] = bao.root_token
        proxy.on("GET", "database/creds/.*", LoseAnswer())
        with pytest.raises(requests.ConnectionError):
            session.get(f"{proxy.address}/v1/database/creds/{role}")
        path = f"{proxy.address}/v1/sys/leases/lookup/database/creds/{role}"
        assert len(session.request("LIST", path).json()["data"]["keys"]) == 1
    assert len(world.databases.leases(role)) == 1


def test_what_openbao_signs_is_proved_also_while_authorities_change(world: World) -> None:
    bao = world.cluster.openbao
    authorities = Authorities(bao)
    authorities.add()
    role = {"allow_any_name": True, "allowed_uri_sans": "*", "key_type": "ec", "max_ttl": "720h"}
    bao.api("POST", "pki/roles/hw-mtls", role)
    _proved(world, "24h")
    following = authorities.add("following", lasts="100h")
    _proved(world, "720h")
    authorities.use(following)
    _proved(world, "24h")
    with pytest.raises(VaultRefusedError, match="beyond the expiration of the CA"):
        _proved(world, "720h")


def _proved(world: World, ttl: str) -> None:
    """Have a certificate signed and put it through every proof."""
    bao = world.cluster.openbao
    made = new_key_and_csr(NAME, [NAME], [URI])
    asked = {"common_name": NAME, "alt_names": NAME, "uri_sans": URI}
    signed = bao.api("POST", "pki/sign/hw-mtls", {"csr": made.csr_pem, "ttl": ttl, **asked})["data"]
    leaf, chain = signed["certificate"], signed["ca_chain"]
    trusted = [
        bao.api("GET", f"pki/issuer/{issuer}/json")["data"]["certificate"]
        for issuer in bao.list("pki/issuers")
    ]
    now = datetime.now(UTC)
    said = check_leaf(leaf, chain, made.key_pem, trusted, [NAME], [URI], now)
    assert said.serial == signed["serial_number"]
    shake_hands(leaf, chain, made.key_pem, trusted, NAME)
