# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Answers of OpenBao that get lost on the way, at every call that creates something.

A proxy lets the request through and drops the answer. Exactly one credential lives afterwards.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.authorities import Authorities
from tests.e2e.supplied import NS, Supply, fresh, login, operator, supplied
from tests.e2e.vault_world import SERVERS, VaultWorld, open_vault_world
from tests.faults.plan import LoseAnswer
from tests.faults.vault_proxy import VaultProxy
from wardkeeper.proof.certificate import inspect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.databases import Databases
    from wardkeeper.engine.secrets.job import SecretOutcome

pytestmark = pytest.mark.cluster("api")
PATIENCE = 60.0
GENERATED = {"kvGenerated": {"fields": [{"name": "password"}]}}


@pytest.fixture(scope="module", params=SERVERS)
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[VaultWorld]:
    with open_vault_world(tmp_path_factory.mktemp("vault"), request.param, postgres=True) as world:
        Authorities(world.bao).add()
        yield world


async def supplied_through(
    world: VaultWorld, name: str, source: dict[str, Any], method: str, path: str
) -> tuple[Supply, SecretOutcome]:
    """Supply a workflow while the answer to one request is lost; where its secret stands then."""
    with VaultProxy(world.bao.address) as proxy:
        lost = proxy.on(method, path, LoseAnswer())
        async with supplied(world, name, source, address=proxy.address) as supply:
            async with asyncio.timeout(PATIENCE):
                while (outcome := await supply.one(rotate_now="db@1")).reason is not None:
                    assert outcome.next_look
                    await asyncio.sleep(outcome.next_look)
            assert lost.happened
            return supply, outcome


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "auth/kubernetes/login"),
        ("POST", "transit/encrypt/.*"),
        ("POST", "secret/data/.*"),
        ("GET", "secret/data/.*"),
    ],
)
async def test_a_generated_secret_has_one_version(
    world: VaultWorld, method: str, path: str
) -> None:
    _, outcome = await supplied_through(world, fresh(), GENERATED, method, path)
    assert outcome.version == "1"


@pytest.mark.parametrize("path", ["database/creds/.*", "secret/data/.*", "transit/encrypt/.*"])
async def test_one_dynamic_login_lives(world: VaultWorld, databases: Databases, path: str) -> None:
    name = fresh()
    role = databases.dynamic(NS, name, "claims")
    method = "GET" if path.startswith("database") else "POST"
    await supplied_through(world, name, login(databases, "Dynamic"), method, path)
    assert len(databases.leases(role)) == 1


@pytest.mark.parametrize("strategy", ["AlternatingUsers", "Static"])
async def test_a_user_whose_rotation_was_lost_is_not_rotated_again(
    world: VaultWorld, databases: Databases, strategy: str
) -> None:
    name = fresh()
    if strategy == "Static":
        databases.static(NS, name, "claims")
        path = "database/static-creds/.*"
    else:
        databases.alternating(NS, name, "claims")
        path = "database/rotate-role/.*"
    method = "GET" if strategy == "Static" else "POST"
    supply, _ = await supplied_through(world, name, login(databases, strategy), method, path)
    assert len(supply.ledger.of(supply.job.uid, "db")) == 1


@pytest.mark.parametrize("path", ["pki/sign/hw-mtls", "secret/data/.*"])
async def test_one_certificate_lives(world: VaultWorld, path: str) -> None:
    name = fresh()
    await supplied_through(world, name, {"pki": {"ttl": "1h"}}, "POST", path)
    async with operator(world) as vault:
        found = [await vault.certificate(serial) for serial in await vault.certificates()]
    ours = [
        one for one in found if f"{name}.{NS}.svc" in inspect(one.pem).dns_names and not one.revoked
    ]
    assert len(ours) == 1


async def test_a_transit_key_gets_one_version_more(world: VaultWorld) -> None:
    name = fresh()
    key = f"transit/keys/hw.{NS}.{name}.records"
    assert world.ask("POST", key, body={})[0] in (200, 204)
    source = {"transit": {"key": "records"}}
    await supplied_through(world, name, source, "GET", "transit/keys/.*")
    assert world.ask("GET", key)[1]["data"]["latest_version"] == 1
