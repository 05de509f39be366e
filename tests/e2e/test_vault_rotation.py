# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Secrets on a real OpenBao and a real API server: set up, made, rotated, restored, taken back."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from random import SystemRandom
from typing import TYPE_CHECKING

import pytest

from tests.cluster.vault_server import KEY
from tests.e2e.supplied import NS, SECRET, Supply, operator
from tests.e2e.vault_world import OPERATOR, SERVERS, VaultWorld, open_vault_world
from wardkeeper.api.reasons import Reason
from wardkeeper.api.secrets import SecretSpec
from wardkeeper.cli.talk import EXIT_FAILED
from wardkeeper.engine.secrets.job import Job
from wardkeeper.kube.client import Client
from wardkeeper.kube.kubeconfig import from_kubeconfig
from wardkeeper.rotation.facts import Cause, Phase
from wardkeeper.vault.access import VaultAccess
from wardkeeper.vault.client import VaultClient
from wardkeeper.vault.errors import Kind, VaultError
from wardkeeper.vault.kv import OwnPath
from wardkeeper.vault.workflows import WorkflowVault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


FIELDS = {"kvGenerated": {"fields": [{"name": "password"}, {"name": "user", "length": 16}]}}


@pytest.fixture(scope="module", params=SERVERS)
def vault_world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[VaultWorld]:
    with open_vault_world(tmp_path_factory.mktemp("vault"), request.param) as world:
        yield world


@pytest.fixture
async def supplied(vault_world: VaultWorld) -> AsyncIterator[Supply]:
    name = f"wf-{secrets.token_hex(3)}"
    vault_world.service_account(NS, name)
    spec = SecretSpec.model_validate({"name": "db", "source": FIELDS})
    access = from_kubeconfig(vault_world.cluster.kubeconfig())
    async with Client(access, user_agent="test") as kube, operator(vault_world) as vault:
        yield Supply(vault_world, kube, vault, Job(NS, name, f"uid-of-{name}", (spec,)))


def test_a_second_run_of_the_command_changes_nothing_and_says_so(vault_world: VaultWorld) -> None:
    assert "created    policy hw-workflow-writer" in vault_world.first_run
    assert "created    role hw-operator of the operator" in vault_world.first_run
    output = vault_world.bootstrap()
    assert output.endswith("nothing changed\n")
    told = [line for line in output.splitlines()[:-1] if not line.startswith("unchanged ")]
    assert [line for line in told if not line.startswith("note: pki/ has no issuer yet")] == []


def test_a_policy_that_somebody_edited_is_put_right_and_nothing_else(
    vault_world: VaultWorld,
) -> None:
    path, body = "sys/policies/acl/hw-workflow-reader", {"policy": 'path "x" { capabilities = [] }'}
    assert vault_world.ask("POST", path, body=body)[0] == 204
    changed = [each for each in vault_world.bootstrap().splitlines() if each.startswith("changed")]
    assert changed == ["changed    policy hw-workflow-reader"]


def test_a_mount_of_another_kind_is_left_alone(vault_world: VaultWorld) -> None:
    body = {"type": "kv", "options": {"version": "1"}}
    assert vault_world.ask("POST", "sys/mounts/old", body=body)[0] == 204
    code, output = vault_world.run_bootstrap("--kv-mount=old")
    assert code == EXIT_FAILED
    assert "sys/mounts/old exists and is no KV v2 engine" in output


def test_other_paths_may_be_chosen(vault_world: VaultWorld) -> None:
    output = vault_world.bootstrap("--kv-mount=clinic", "--auth-mount=kubernetes-east")
    assert "created    KV v2 engine at clinic/" in output
    options = ("--kv-mount=clinic", "--auth-mount=kubernetes-east")
    assert vault_world.bootstrap(*options).endswith("nothing changed\n")
    vault_world.bootstrap()


def test_a_namespace_is_set_up_by_itself(vault_world: VaultWorld) -> None:
    assert vault_world.ask("POST", "sys/namespaces/east", body={})[0] == 200
    option = "--vault-namespace=east"
    assert "created    policy hw-operator" in vault_world.bootstrap(option)
    assert vault_world.bootstrap(option).endswith("nothing changed\n")
    assert vault_world.ask("GET", "east/sys/policies/acl/hw-operator")[0] == 200


async def test_a_secret_is_made_delivered_rotated_on_request_and_readable_by_the_pods(
    supplied: Supply,
) -> None:
    made = await supplied.one()
    assert (made.version, made.reason, made.rotated) == ("1", None, False)
    first = supplied.values()
    assert {key: len(value) for key, value in first.items()} == {"password": 32, "user": 16}
    assert (await supplied.one()).version == "1"

    rotated = await supplied.one(rotate_now="db@now")
    assert (rotated.version, rotated.rotated, rotated.phase) == ("2", True, Phase.OVERLAP)
    second = supplied.values()
    assert not set(first.values()) & set(second.values())
    assert rotated.content_mac != made.content_mac
    assert (await supplied.one()).version == "2"

    name = supplied.job.workflow
    reader = supplied.world.token(f"hw.r.{NS}.{name}", NS, name, "vault")
    status, read = supplied.world.ask("GET", f"secret/data/hw/{NS}/{name}/db", reader)
    assert status == 200
    assert second.items() <= read["data"]["data"].items()


async def test_a_deleted_secret_comes_back_as_the_same_version(supplied: Supply) -> None:
    made = await supplied.one()
    before = supplied.values()
    live = await supplied.kube.get(SECRET, NS, f"{supplied.job.workflow}-db", metadata_only=True)
    await supplied.kube.delete(SECRET, NS, live["metadata"]["name"], uid=live["metadata"]["uid"])
    restored = await supplied.one()
    assert (restored.restored, restored.rotated) == (Cause.MISSING, False)
    assert (restored.version, restored.content_mac) == (made.version, made.content_mac)
    assert supplied.values() == before


async def test_a_sealed_vault_takes_nothing_away_and_work_goes_on_by_itself(
    supplied: Supply,
) -> None:
    bao = supplied.world.bao
    if not bao.unseal_key:
        pytest.skip(f"nobody could unseal {bao.address} again; give its key in {KEY}")
    await supplied.one()
    before = supplied.values()
    bao.seal()
    try:
        assert (await supplied.vault.health()).sealed
        waiting = await supplied.one(rotate_now="db@sealed")
        assert waiting.reason is Reason.VAULT_UNAVAILABLE
        assert "unseal it" in waiting.message
        assert supplied.values() == before
    finally:
        bao.unseal()
    while (outcome := await supplied.one()).reason:
        assert outcome.next_look
        assert outcome.next_look < 10
        await asyncio.sleep(outcome.next_look)
    assert outcome.version == "2"
    assert supplied.values() != before


async def test_a_deleted_workflow_leaves_nothing_in_vault(supplied: Supply) -> None:
    ask, name = supplied.world.ask, supplied.job.workflow
    accessors = ask("LIST", "auth/token/accessors")[1]["data"]["keys"]
    await supplied.one()
    withdrawn = await supplied.withdraw()
    assert withdrawn.done
    assert ask("GET", f"secret/metadata/hw/{NS}/{name}/db")[0] == 404
    for family in "wr":
        assert ask("GET", f"auth/kubernetes/role/hw.{family}.{NS}.{name}")[0] == 404
    left = set(ask("LIST", "auth/token/accessors")[1]["data"]["keys"]) - set(accessors)
    assert len(left) == 1  # the operator's own token
    assert not supplied.ledger.all_of(supplied.job.uid)
    assert (await supplied.withdraw()).done


async def test_two_operators_at_once_make_one_version(supplied: Supply) -> None:
    await supplied.one()
    async with operator(supplied.world) as other:
        rival = replace(supplied, vault=other)
        changes = {"rotate_now": "db@both"}
        both = await asyncio.gather(supplied.one(**changes), rival.one(**changes))
    assert [each.version for each in both] == ["2", "2"]
    assert len({each.content_mac for each in both}) == 1


async def refused(vault: WorkflowVault, namespace: str, name: str, jwt: str) -> Kind:
    with pytest.raises(VaultError) as caught:
        await vault.log_in(namespace, name, jwt)
    return caught.value.kind


async def test_the_servers_words_for_what_goes_wrong_are_understood(supplied: Supply) -> None:
    world, vault, name = supplied.world, supplied.vault, supplied.job.workflow
    jwt = world.mint(NS, name, "vault-operator")
    assert await refused(vault, NS, name, jwt) is Kind.ROLE_MISSING
    await vault.ensure_roles(NS, name)
    assert await refused(vault, NS, name, "no.jwt.atall") is Kind.LOGIN_REFUSED
    assert await refused(vault, NS, name, world.mint(NS, name, "vault")) is Kind.LOGIN_REFUSED
    own = vault.as_workflow((await vault.log_in(NS, name, jwt)).token, NS, name).kv
    await own.write("db", {"a": "b"}, 0)
    with pytest.raises(VaultError) as caught:
        await own.write("db", {"a": "c"}, 0)
    assert caught.value.kind is Kind.CAS
    own._workflow = "other"
    with pytest.raises(VaultError) as caught:
        await own.read("db")
    assert caught.value.kind is Kind.DENIED


async def test_a_missing_mount_is_named(supplied: Supply) -> None:
    client = VaultClient(VaultAccess(supplied.world.bao.address, kv_mount="nowhere"))
    own = OwnPath(client, supplied.world.bao.root_token, NS, "x")
    with pytest.raises(VaultError) as caught:
        await own.read("db")
    client.close()
    assert caught.value.kind is Kind.MOUNT_MISSING


async def test_an_auth_method_that_is_not_set_up_is_named(vault_world: VaultWorld) -> None:
    ask = vault_world.ask
    assert ask("POST", "sys/auth/bare", body={"type": "kubernetes"})[0] == 204
    body = {"bound_service_account_names": "a", "bound_service_account_namespaces": "b"}
    assert ask("POST", "auth/bare/role/hw-operator", body={**body, "audience": "vault"})[0] == 204

    async def jwt() -> str:
        return vault_world.mint(*OPERATOR, "vault")

    access = VaultAccess(vault_world.bao.address, auth_mount="bare")
    async with WorkflowVault(
        access, jwt, clock=lambda: datetime.now(UTC), random=SystemRandom()
    ) as vault:
        with pytest.raises(VaultError) as caught:
            await vault.ensure_roles(NS, "x")
    assert caught.value.kind is Kind.AUTH_NOT_CONFIGURED
    assert caught.value.reason is Reason.VAULT_NOT_CONFIGURED
