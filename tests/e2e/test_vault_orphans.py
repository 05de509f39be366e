# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`wardkeeper vault orphans` on real servers: it finds what nobody knows, and ends nothing else."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from tests.cluster.authorities import Authorities
from tests.cluster.databases import DATABASE, Databases
from tests.e2e.supplied import NS, Supply, fresh, login, supplied
from tests.e2e.vault_world import VaultWorld, open_vault_world
from wardkeeper.cli.main import app
from wardkeeper.engine.secrets.ledger import Owner
from wardkeeper.proof.csr import new_key_and_csr
from wardkeeper.proof.database import log_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer.testing import Result

pytestmark = pytest.mark.cluster("api")
NOBODY = "hw.r.nowhere.nobody"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultWorld]:
    with open_vault_world(tmp_path_factory.mktemp("vault"), postgres=True) as world:
        Authorities(world.bao).add()
        world.bootstrap()
        yield world


def run(world: VaultWorld, *options: str) -> Result:
    """The command as an admin runs it."""
    where = (f"--address={world.bao.address}", f"--kubeconfig={world.cluster.kubeconfig()}")
    environment = {"VAULT_TOKEN": world.bao.root_token}
    return CliRunner().invoke(app, ["vault", "orphans", *where, *options], env=environment)


def told(result: Result) -> dict[str, dict[str, Any]]:
    """What it found, by id."""
    return {one["id"]: one for one in json.loads(result.stdout)["orphans"]}


async def test_what_nobody_knows_is_found_and_ended_and_what_is_in_use_goes_on(
    world: VaultWorld, databases: Databases
) -> None:
    name, certificate = fresh(), fresh()
    role = databases.dynamic(NS, name, "claims")
    async with (
        supplied(world, name, login(databases, "Dynamic")) as one,
        supplied(world, certificate, {"pki": {"ttl": "1h"}}) as other,
    ):
        for supply in (one, other):
            assert (await supply.one()).reason is None
        result = await asked(world)
        assert (result.exit_code, result.stdout) == (0, "there are none\n"), result.stderr

        own = await one.tokens.own(Owner(NS, name, one.job.uid))
        lease = (await own.database.creds(role)).lease
        signed = await sign(other, certificate)
        body = {"bound_service_account_names": "nobody", "token_policies": "hw-workflow-reader"}
        body |= {"bound_service_account_namespaces": "nowhere", "audience": "vault"}
        assert world.ask("POST", f"auth/kubernetes/role/{NOBODY}", body=body)[0] < 300

        result = await asked(world, "--json")
        assert result.exit_code == 1, result.stderr
        found = told(result)
        assert set(found) == {lease, signed, NOBODY}
        assert {each["kind"] for each in found.values()} == {"lease", "certificate", "auth role"}
        assert found[lease]["workflow"] == name
        assert found[signed]["endsAt"]

        result = await asked(world, "--revoke", "--json")
        assert result.exit_code == 0, result.stderr
        assert {each["outcome"] for each in told(result).values()} == {"ended"}
        assert (await asked(world)).stdout == "there are none\n"
        values = one.values()
        await log_in(
            "localhost",
            world.cluster.postgres.port,
            DATABASE,
            values["username"],
            values["password"],
            ca_file=str(world.cluster.postgres.ca_file),
        )
        mine = world.ask("GET", f"pki/cert/{signed}")[1]["data"]
        assert mine["revocation_time"] > 0


async def test_an_empty_ledger_ends_nothing_unless_that_is_said_to_be_so(
    world: VaultWorld, databases: Databases
) -> None:
    name = fresh()
    databases.dynamic(NS, name, "claims")
    async with supplied(world, name, login(databases, "Dynamic")) as supply:
        assert (await supply.one()).reason is None
        elsewhere = ("--revoke", "--operator-namespace=default")
        result = await asked(world, *elsewhere)
        assert result.exit_code == 2
        assert "the ledger in namespace default is empty" in result.stderr
        [entry] = supply.ledger.of(supply.job.uid, "db")
        assert await supply.vault.decrypt(entry.handle.lease) in await supply.vault.leases(
            entry.role
        )


def test_a_token_that_may_not_look_is_told_which_one_may(world: VaultWorld) -> None:
    jwt = world.mint("wardkeeper-system", "wardkeeper", "vault")
    status, token = world.login("hw-operator", jwt)
    assert status == 200
    where = (f"--address={world.bao.address}", f"--kubeconfig={world.cluster.kubeconfig()}")
    result = CliRunner().invoke(app, ["vault", "orphans", *where], env={"VAULT_TOKEN": token})
    assert result.exit_code == 2
    assert "use the token of a platform admin" in result.stderr


async def asked(world: VaultWorld, *options: str) -> Result:
    """The same, in a thread: the command runs a loop of its own."""
    return await asyncio.to_thread(run, world, *options)


async def sign(supply: Supply, name: str) -> str:
    """A certificate that the workflow has signed past the ledger; its serial number."""
    own = await supply.tokens.own(Owner(NS, name, supply.job.uid))
    names, uris = (f"{name}.{NS}.svc",), (f"spiffe://cluster.local/ns/{NS}/sa/{name}",)
    made = new_key_and_csr(names[0], names, uris)
    signed = await own.pki.sign(
        made.csr_pem, common_name=names[0], dns_names=names, uris=uris, ttl=600
    )
    return signed.serial
