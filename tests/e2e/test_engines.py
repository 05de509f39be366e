# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Every engine on real servers: OpenBao, PostgreSQL, an authority; made, used, replaced, ended."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.cluster.authorities import Authorities
from tests.cluster.databases import DATABASE, Databases
from tests.e2e.supplied import NS, Supply, fresh, supplied
from tests.e2e.vault_world import SERVERS, VaultWorld, open_vault_world
from wardkeeper.api.reasons import Reason
from wardkeeper.proof.certificate import inspect
from wardkeeper.proof.database import log_in
from wardkeeper.proof.errors import NotProven

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wardkeeper.engine.secrets.job import SecretOutcome

pytestmark = pytest.mark.cluster("api")
ROTATIONS = 10
OVERLAP = 1.0
"""Seconds that a user goes on after another one was delivered."""

PATIENCE = 60.0


@pytest.fixture(scope="module", params=SERVERS)
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[VaultWorld]:
    with open_vault_world(tmp_path_factory.mktemp("vault"), request.param, postgres=True) as world:
        yield world


async def rotated(supply: Supply, request: str) -> SecretOutcome:
    """Ask for another one, and wait until the one before has ended."""
    async with asyncio.timeout(PATIENCE):
        while True:
            outcome = await supply.one(rotate_now=request)
            live = supply.ledger.of(supply.job.uid, "db")
            if outcome.request == request and len(live) == 1 and outcome.reason is None:
                return outcome
            await asyncio.sleep(min(outcome.next_look or 0.2, 0.5))


async def enter(world: VaultWorld, values: dict[str, str]) -> None:
    await log_in(
        "localhost",
        world.cluster.postgres.port,
        DATABASE,
        values["username"],
        values["password"],
        ca_file=str(world.cluster.postgres.ca_file),
    )


async def test_alternating_users_go_through_ten_rotations_without_a_failed_login(
    world: VaultWorld, databases: Databases
) -> None:
    name = fresh()
    databases.alternating(NS, name, "claims")
    source = {
        "database": {
            "role": "claims",
            "strategy": "AlternatingUsers",
            "connection": databases.connection(),
        }
    }
    async with supplied(world, name, source, overlap=f"{OVERLAP:g}s") as supply:
        assert (await supply.one()).reason is None
        entered = asyncio.Event()

        async def log_in_all_the_time() -> None:
            while True:
                read = time.monotonic()
                try:
                    await enter(world, await asyncio.to_thread(supply.values))
                except NotProven:
                    if time.monotonic() - read < OVERLAP:
                        raise
                    continue  # a slow client, whose values may have been replaced and ended since
                entered.set()

        async with asyncio.TaskGroup() as group:
            clients = group.create_task(log_in_all_the_time())
            users = [supply.values()["username"]]
            for number in range(ROTATIONS):
                await rotated(supply, f"db@{number}")
                users.append(supply.values()["username"])
                entered.clear()
                async with asyncio.timeout(PATIENCE):
                    await entered.wait()
            clients.cancel()
        assert all(one != other for one, other in pairwise(users))


async def test_a_dynamic_login_is_replaced_and_the_one_before_ends(
    world: VaultWorld, databases: Databases
) -> None:
    name = fresh()
    role = databases.dynamic(NS, name, "claims")
    source = {
        "database": {
            "role": "claims",
            "strategy": "Dynamic",
            "connection": databases.connection(),
        }
    }
    async with supplied(world, name, source) as supply:
        first = await supply.one()
        before = supply.values()
        await enter(world, before)
        assert first.expires_at is not None
        assert before["username"] in before["url"]
        await rotated(supply, "db@1")
        await enter(world, supply.values())
        with pytest.raises(NotProven):
            await enter(world, before)
        assert len(databases.leases(role)) == 1
        assert (await supply.withdraw()).done
        assert databases.leases(role) == ()


async def test_a_static_login_follows_what_vault_and_people_do(
    world: VaultWorld, databases: Databases
) -> None:
    name = fresh()
    role = databases.static(NS, name, "claims")
    source = {
        "database": {
            "role": "claims",
            "strategy": "Static",
            "connection": databases.connection(),
        }
    }
    async with supplied(world, name, source) as supply:
        assert (await supply.one()).reason is None
        before = supply.values()
        await enter(world, before)
        async with asyncio.timeout(PATIENCE):
            while supply.values() == before:  # Vault tells the time of a rotation in seconds
                world.ask("POST", f"database/rotate-role/{role}", body={})
                await supply.one()
        await enter(world, supply.values())


async def test_a_certificate_is_for_the_workflow_alone_and_the_one_before_is_revoked(
    world: VaultWorld,
) -> None:
    Authorities(world.bao).add()
    name = fresh()
    async with supplied(world, name, {"pki": {"ttl": "1h"}}) as supply:
        outcome = await supply.one()
        assert outcome.reason is None, outcome.message
        first = inspect(supply.values()["tls.crt"])
        assert first.dns_names == (f"{name}.{NS}.svc",)
        assert first.uris == (f"spiffe://cluster.local/ns/{NS}/sa/{name}",)
        await rotated(supply, "db@1")
        second = inspect(supply.values()["tls.crt"])
        assert second.spki_sha256 != first.spki_sha256
        assert (await supply.vault.certificate(first.serial))[1]
        assert not (await supply.vault.certificate(second.serial))[1]


async def test_a_name_that_is_longer_than_a_subject_may_be_gets_a_certificate_as_well(
    world: VaultWorld,
) -> None:
    if not world.bao.list("pki/issuers"):
        Authorities(world.bao).add()
    namespace, name = f"clinic-{'n' * 56}", f"router-{'w' * 45}"
    async with supplied(world, name, {"pki": {"ttl": "1h"}}, namespace=namespace) as supply:
        outcome = await supply.one()
        assert outcome.reason is None, outcome.message
        leaf = supply.values()["tls.crt"]
        assert inspect(leaf).dns_names == (f"{name}.{namespace}.svc",)
        assert inspect(leaf).uris == (f"spiffe://cluster.local/ns/{namespace}/sa/{name}",)
        assert (await supply.withdraw()).done


async def test_a_transit_key_gets_versions_and_old_ones_go_on_until_somebody_approves(
    world: VaultWorld,
) -> None:
    name = fresh()
    key = f"transit/keys/hw.{NS}.{name}.records"
    assert world.ask("POST", key, body={})[0] in (200, 204)
    async with supplied(world, name, {"transit": {"key": "records"}}) as supply:
        assert (await supply.one()).version == "1"
        outcome = await supply.one(rotate_now="db@1")
        assert (outcome.version, outcome.reason) == ("2", None)
        assert world.ask("GET", key)[1]["data"]["min_decryption_version"] == 1
        await supply.one(give_up_before="db=2")
        assert world.ask("GET", key)[1]["data"]["min_decryption_version"] == 2
        assert (await supply.withdraw()).done
        assert world.ask("GET", key)[0] == 200


async def test_a_synced_secret_follows_its_source_and_outlives_its_deletion(
    world: VaultWorld,
) -> None:
    name = fresh()
    path = f"secret/data/hw-synced/{NS}/{name}/vendor/key"

    def write(cas: int, **data: str) -> None:
        body = {"data": data, "options": {"cas": cas}}
        assert world.ask("POST", path, body=body)[0] == 200

    write(0, key="one")
    source = {"kvSynced": {"path": "vendor/key", "fields": ["key"]}}
    async with supplied(world, name, source) as supply:
        assert (await supply.one()).reason is None
        assert supply.values() == {"key": "one"}
        write(1, key="two")
        assert (await supply.one()).reason is None
        assert supply.values() == {"key": "two"}
        write(2, other="three")
        assert (await supply.one()).reason is Reason.SECRET_EMPTY
        assert supply.values() == {"key": "two"}
        assert world.ask("DELETE", path)[0] == 204
        assert (await supply.one()).reason is Reason.SOURCE_DELETED
        assert supply.values() == {"key": "two"}
