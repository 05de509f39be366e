# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Nobody gets further in Vault than they should: database, PKI, transit, leases, entities.

What is refused is tried beside what is allowed, with the product's own client and policies, so
that a refusal is never one by mistake.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from tests.cluster.authorities import Authorities
from tests.cluster.databases import DATABASE, Databases
from tests.e2e.vault_world import OPERATOR, SERVERS, VaultWorld, open_vault_world
from wardkeeper.cli.vault import app
from wardkeeper.proof.csr import new_key_and_csr
from wardkeeper.vault.access import VaultAccess
from wardkeeper.vault.errors import Kind, VaultError
from wardkeeper.vault.workflows import WorkflowVault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from wardkeeper.vault.own import OwnVault

NS, WF, OTHER = "radiology", "router", "claims"
MINE, THEIRS = f"hw.{NS}.{WF}", f"hw.{NS}.{OTHER}"


@dataclass
class World:
    """A Vault with every engine, two workflows, and a lease of each.

    Attributes:
        vault: the server, and who may ask it.
        operator: the operator's token.
        writer: the operator's, logged in as the first workflow.
        reader: the pods' of the first workflow.
        leases: full ids by workflow, and one of nobody's.
        alone: an entity that is no workflow's.
    """

    vault: VaultWorld
    operator: str
    writer: str
    reader: str
    leases: dict[str, str]
    alone: str

    def ask(self, method: str, path: str, token: str, body: Any = None) -> int:
        return self.vault.ask(method, path, token, body)[0]

    def run(self, act: Callable[[WorkflowVault, OwnVault], Awaitable[Any]]) -> Any:
        """Do something with the product's own client, as the first workflow."""

        async def run() -> Any:
            async with client_of(self.vault) as vault:
                await vault.ensure_roles(NS, WF)
                jwt = self.vault.mint(NS, WF, "vault-operator")
                login = await vault.log_in(NS, WF, jwt)
                return await act(vault, vault.as_workflow(login.token, NS, WF))

        return asyncio.run(run())


def client_of(world: VaultWorld) -> WorkflowVault:
    async def jwt() -> str:
        return world.mint(*OPERATOR, "vault")

    return WorkflowVault(
        VaultAccess(world.bao.address),
        jwt,
        clock=lambda: datetime.now(UTC),
        random=Random(1),
    )


@pytest.fixture(scope="module", params=SERVERS)
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    with open_vault_world(tmp_path_factory.mktemp("vault"), request.param, postgres=True) as vault:
        yield furnish(vault)


def furnish(vault: VaultWorld) -> World:
    """What an admin makes for two workflows, and their logins."""
    databases = Databases(vault.bao, vault.cluster.postgres)
    databases.install()
    Authorities(vault.bao).add()

    async def roles() -> None:
        async with client_of(vault) as client:
            for name in (WF, OTHER):
                await client.ensure_roles(NS, name)

    for name in (WF, OTHER):
        vault.service_account(NS, name)
        databases.dynamic(NS, name, "app")
        databases.static(NS, name, "fixed")
        vault.bao.api("POST", f"transit/keys/hw.{NS}.{name}.records", {})
        entry = {"data": {"token": name}, "options": {"cas": 0}}
        vault.bao.api("POST", f"secret/data/hw-synced/{NS}/{name}/vendor", entry)
    asyncio.run(roles())
    leases = {}
    for name in (WF, OTHER):
        token = vault.token(f"hw.w.{NS}.{name}", NS, name, "vault-operator")
        _, made = vault.ask("GET", f"database/creds/hw.{NS}.{name}.app", token)
        leases[name] = made["lease_id"]
    role = vault.bao.api("GET", f"database/roles/{MINE}.app")["data"]
    vault.bao.api("POST", "database/roles/admins", role)
    vault.bao.api("POST", f"database/config/{DATABASE}", {"allowed_roles": "hw.*,admins"})
    leases["admins"] = vault.bao.api("GET", "database/creds/admins")["lease_id"]
    alone = vault.bao.api("POST", "identity/entity", {"name": "an-admin"})["data"]["id"]
    return World(
        vault,
        operator=vault.token("hw-operator", *OPERATOR, "vault"),
        writer=vault.token(f"hw.w.{NS}.{WF}", NS, WF, "vault-operator"),
        reader=vault.token(f"hw.r.{NS}.{WF}", NS, WF, "vault"),
        leases=leases,
        alone=alone,
    )


OPERATOR_MAY_NOT: list[tuple[str, str, Any]] = [
    # read a secret or a credential
    ("GET", f"database/creds/{MINE}.app", None),
    ("GET", f"database/static-creds/{MINE}.fixed", None),
    ("GET", f"secret/data/hw-synced/{NS}/{WF}/vendor", None),
    ("LIST", f"secret/metadata/hw-synced/{NS}", None),
    ("POST", f"transit/decrypt/{MINE}.records", {"ciphertext": "vault:v1:x"}),
    ("POST", f"transit/encrypt/{MINE}.records", {"plaintext": "eA=="}),
    ("GET", f"transit/export/encryption-key/{MINE}.records", None),
    ("POST", "transit/datakey/plaintext/hw-operator-state", {}),
    # change or destroy a key, its own too
    ("GET", "transit/keys/hw-operator-state", None),
    ("POST", "transit/keys/hw-operator-state/config", {"deletion_allowed": True}),
    ("POST", "transit/keys/hw-operator-state/config", {"exportable": True}),
    ("POST", "transit/keys/hw-operator-state/rotate", {}),
    ("DELETE", "transit/keys/hw-operator-state", None),
    ("GET", "transit/export/encryption-key/hw-operator-state", None),
    ("GET", "transit/backup/hw-operator-state", None),
    ("POST", f"transit/keys/{MINE}.records/rotate", {}),
    ("DELETE", f"transit/keys/{MINE}.records", None),
    # make itself a way into a database
    ("POST", "database/roles/hw.evil", {"db_name": "claims", "creation_statements": "DROP"}),
    ("POST", "database/static-roles/hw.evil", {"db_name": "claims", "username": "postgres"}),
    ("POST", "database/config/claims", {"connection_url": "postgresql://evil"}),
    ("GET", "database/config/claims", None),
    ("POST", "database/rotate-root/claims", {}),
    ("POST", "database/rotate-role/admins", {}),
    ("POST", "database/reset/claims", {}),
    # make itself a certificate, or an authority
    ("POST", "pki/sign/hw-mtls", {"csr": "x"}),
    ("POST", "pki/issue/hw-mtls", {"common_name": f"{WF}.{NS}.svc"}),
    ("POST", "pki/sign-verbatim", {"csr": "x"}),
    ("POST", "pki/roles/hw-mtls", {"allow_any_name": True}),
    ("POST", "pki/root/generate/exported", {"common_name": "evil"}),
    ("POST", "pki/config/ca", {"pem_bundle": "x"}),
    ("POST", "pki/revoke", {"serial_number": "00"}),
    ("DELETE", "pki/issuer/default", None),
    # end or find what is not a workflow's
    ("PUT", "sys/leases/revoke", {"lease_id": f"database/creds/{MINE}.app/x"}),
    ("PUT", "sys/leases/revoke-prefix/database/creds/hw.", {}),
    ("PUT", "sys/leases/revoke-force/database/creds", {}),
    ("PUT", "sys/leases/lookup", {"lease_id": f"database/creds/{MINE}.app/x"}),
    ("LIST", "sys/leases/lookup/database/creds/", None),
    ("LIST", "sys/leases/lookup/database/creds/admins", None),
    ("LIST", "sys/leases/lookup/auth/kubernetes/login", None),
    ("POST", "auth/token/revoke-accessor", {"accessor": "x"}),
    ("LIST", "auth/token/accessors", None),
    ("POST", "auth/token/create-orphan", {}),
    # become somebody else
    ("POST", "identity/entity", {"name": "evil", "policies": ["root"]}),
    ("POST", "identity/entity-alias", {"name": "x", "canonical_id": "y", "mount_accessor": "z"}),
    ("POST", "identity/group", {"name": "evil", "policies": ["root"]}),
    ("POST", "identity/entity/merge", {"from_entity_ids": ["a"], "to_entity_id": "b"}),
    ("POST", "sys/policies/acl/hw-operator-quarantine", {"policy": 'path "*" {}'}),
    ("DELETE", "sys/policies/acl/hw-workflow-writer", None),
    ("POST", "sys/policies/password/hw", {"policy": "length = 1"}),
    ("POST", "sys/auth/evil", {"type": "userpass"}),
    ("POST", "sys/auth/kubernetes/tune", {"max_lease_ttl": "87600h"}),
    ("PUT", "sys/seal", {}),
    ("GET", "sys/raw/logical", None),
    ("PUT", "sys/audit/evil", {"type": "file"}),
    ("DELETE", "auth/kubernetes/role/hw-operator", None),
]


@pytest.mark.parametrize(("method", "path", "body"), OPERATOR_MAY_NOT)
def test_the_operator_is_refused(world: World, method: str, path: str, body: Any) -> None:
    assert world.ask(method, path, world.operator, body) == 403


@pytest.mark.parametrize("body", [{"name": "x"}, {"policies": "root"}, {"disabled": False}, None])
def test_of_an_entity_the_operator_changes_nothing_but_that_it_is_disabled(
    world: World, body: Any
) -> None:
    """An empty body changes nothing, and is let through."""
    status = world.ask("POST", f"identity/entity/id/{world.alone}", world.operator, body)
    assert status == 403 if body else status in (200, 204)
    found = world.vault.bao.api("GET", f"identity/entity/id/{world.alone}")["data"]
    assert (found["name"], found["disabled"], found["policies"]) == ("an-admin", False, [])


def test_the_operator_ends_no_lease_but_a_workflows_whatever_path_or_body_says(
    world: World,
) -> None:
    mine, foreign = world.leases[OTHER], world.leases["admins"]
    revoke = "sys/leases/revoke"
    climbing = f"{revoke}/database/creds/{THEIRS}.app/../../admins/{foreign.rsplit('/', 1)[1]}"
    assert world.ask("PUT", f"{revoke}/{foreign}", world.operator, {"sync": True}) == 403
    assert world.ask("PUT", f"{revoke}/{mine}", world.operator, {"lease_id": foreign}) == 403
    assert world.ask("PUT", climbing, world.operator, {"sync": True}) in (307, 403)
    kept = world.vault.bao.list("sys/leases/lookup/database/creds/admins")
    assert foreign.endswith(tuple(kept))


WRITER_MAY_NOT: list[tuple[str, str, Any]] = [
    ("GET", f"database/creds/{THEIRS}.app", None),
    ("GET", f"database/creds/{MINE}", None),
    ("GET", f"database/creds/{MINE}x.app", None),
    ("GET", "database/creds/admins", None),
    ("GET", f"database/static-creds/{THEIRS}.fixed", None),
    ("POST", f"database/rotate-role/{MINE}.fixed", {}),
    ("POST", f"database/rotate-role/{THEIRS}.fixed", {}),
    ("POST", f"database/roles/{MINE}.app", {"db_name": "claims"}),
    ("GET", f"secret/data/hw-synced/{NS}/{OTHER}/vendor", None),
    ("POST", f"secret/data/hw-synced/{NS}/{WF}/vendor", {"data": {}, "options": {"cas": 1}}),
    ("DELETE", f"secret/data/hw-synced/{NS}/{WF}/vendor", None),
    ("GET", f"transit/keys/{THEIRS}.records", None),
    ("POST", f"transit/keys/{THEIRS}.records/rotate", {}),
    ("POST", f"transit/keys/{THEIRS}.records/config", {"min_decryption_version": 1}),
    ("POST", f"transit/encrypt/{THEIRS}.records", {"plaintext": "eA=="}),
    ("POST", f"transit/decrypt/{THEIRS}.records", {"ciphertext": "vault:v1:x"}),
    ("POST", "transit/decrypt/hw-operator-state", {"ciphertext": "vault:v1:x"}),
    ("POST", f"transit/keys/{MINE}.records/config", {"deletion_allowed": True}),
    ("POST", f"transit/keys/{MINE}.records/config", {"exportable": True}),
    ("POST", f"transit/keys/{MINE}.records/config", {"allow_plaintext_backup": True}),
    ("POST", f"transit/keys/{MINE}.records/trim", {"min_available_version": 1}),
    ("DELETE", f"transit/keys/{MINE}.records", None),
    ("GET", f"transit/export/encryption-key/{MINE}.records", None),
    ("GET", f"transit/backup/{MINE}.records", None),
    ("POST", "pki/issue/hw-mtls", {"common_name": f"{WF}.{NS}.svc"}),
    ("POST", "pki/sign-verbatim", {"csr": "x"}),
    ("POST", "pki/revoke", {"serial_number": "00"}),
    ("LIST", "pki/certs", None),
    ("PUT", "sys/leases/revoke", {"lease_id": "x"}),
    ("LIST", f"sys/leases/lookup/database/creds/{MINE}.app", None),
    ("GET", "sys/policies/password/any", None),
    ("LIST", "identity/entity/id", None),
    ("LIST", "auth/kubernetes/role", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITER_MAY_NOT)
def test_the_writer_of_a_workflow_is_refused(
    world: World, method: str, path: str, body: Any
) -> None:
    assert world.ask(method, path, world.writer, body) == 403


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        *WRITER_MAY_NOT,
        ("GET", f"database/creds/{MINE}.app", None),
        ("GET", f"database/static-creds/{MINE}.fixed", None),
        ("GET", f"secret/data/hw-synced/{NS}/{WF}/vendor", None),
        ("GET", f"transit/keys/{MINE}.records", None),
        ("POST", f"transit/keys/{MINE}.records/rotate", {}),
        ("POST", f"transit/keys/{MINE}.records/config", {"min_decryption_version": 1}),
        ("POST", f"transit/sign/{THEIRS}.records", {"input": "eA=="}),
        ("POST", "pki/sign/hw-mtls", {"csr": "x"}),
        ("POST", "pki/revoke-with-key", {"certificate": "x", "private_key": "y"}),
    ],
)
def test_the_pods_of_a_workflow_are_refused(
    world: World, method: str, path: str, body: Any
) -> None:
    assert world.ask(method, path, world.reader, body) == 403


def test_the_pods_of_a_workflow_use_its_keys(world: World) -> None:
    status, made = world.vault.ask(
        "POST", f"transit/encrypt/{MINE}.records", world.reader, {"plaintext": "eA=="}
    )
    assert status == 200
    body = {"ciphertext": made["data"]["ciphertext"]}
    assert world.ask("POST", f"transit/decrypt/{MINE}.records", world.reader, body) == 200


@pytest.mark.parametrize(
    ("dns", "uri"),
    [
        (f"{OTHER}.{NS}.svc", ""),
        (f"{WF}.billing.svc", ""),
        (f"x{WF}.{NS}.svc", ""),
        (f"{NS}.svc", ""),
        (f"*.{WF}.{NS}.svc", ""),
        ("localhost", ""),
        (f"{WF}.{NS}.svc", f"spiffe://cluster.local/ns/{NS}/sa/{OTHER}"),
        (f"{WF}.{NS}.svc", f"spiffe://elsewhere/ns/{NS}/sa/{WF}"),
        (f"{WF}.{NS}.svc", f"spiffe://cluster.local/ns/{NS}/sa/{WF}/more"),
    ],
)
def test_no_certificate_is_signed_for_somebody_else(world: World, dns: str, uri: str) -> None:
    uris = (uri,) if uri else ()
    made = new_key_and_csr(dns, (dns,), uris)
    body = {
        "csr": made.csr_pem,
        "common_name": dns,
        "alt_names": dns,
        "uri_sans": uri,
        "ttl": "1h",
    }
    assert world.ask("POST", "pki/sign/hw-mtls", world.writer, body) == 400


def test_a_database_user_is_made_renewed_found_and_ended(world: World) -> None:
    async def act(vault: WorkflowVault, own: OwnVault) -> None:
        made = await own.database.creds(f"{MINE}.app")
        assert made.lasts > 0
        assert await own.database.renew(made.lease) > 0
        assert made.lease in await vault.leases(f"{MINE}.app")
        await vault.revoke_lease(made.lease)
        await vault.revoke_lease(made.lease)
        assert made.lease not in await vault.leases(f"{MINE}.app")
        with pytest.raises(VaultError) as caught:
            await own.database.renew(made.lease)
        assert caught.value.kind is Kind.LEASE_GONE
        assert await vault.leases(f"{MINE}.none") == ()

    world.run(act)


def test_a_static_user_is_rotated_by_the_operator_and_read_by_the_workflow(world: World) -> None:
    async def act(vault: WorkflowVault, own: OwnVault) -> None:
        before = await own.database.static(f"{MINE}.fixed")
        await vault.rotate_static(f"{MINE}.fixed")
        after = await own.database.static(f"{MINE}.fixed")
        assert after.username == before.username
        assert after.password != before.password
        assert after.rotated_at >= before.rotated_at

    world.run(act)


@pytest.mark.parametrize("what", ["creds", "static", "rotate", "key", "password"])
def test_what_an_admin_has_not_made_is_named_as_missing(world: World, what: str) -> None:
    async def act(vault: WorkflowVault, own: OwnVault) -> None:
        name = f"{MINE}.none"
        asks: dict[str, Callable[[], Awaitable[Any]]] = {
            "creds": lambda: own.database.creds(name),
            "static": lambda: own.database.static(name),
            "rotate": lambda: vault.rotate_static(name),
            "key": lambda: own.transit.key(name),
            "password": lambda: own.kv.password("none"),
        }
        with pytest.raises(VaultError) as caught:
            await asks[what]()
        assert caught.value.kind is Kind.SOURCE_MISSING

    world.run(act)


def test_a_database_that_is_down_is_told_from_a_vault_that_is(world: World) -> None:
    async def act(vault: WorkflowVault, own: OwnVault) -> None:
        made = await own.database.creds(f"{MINE}.app")
        world.vault.cluster.postgres.stop()
        try:
            for ask in (
                lambda: own.database.creds(f"{MINE}.app"),
                lambda: vault.revoke_lease(made.lease),
            ):
                with pytest.raises(VaultError) as caught:
                    await ask()
                assert caught.value.kind is Kind.DATABASE
        finally:
            world.vault.cluster.postgres.start()
        assert made.lease in await vault.leases(f"{MINE}.app")
        await vault.revoke_lease(made.lease)

    world.run(act)


def test_a_certificate_is_signed_found_and_revoked_by_its_key(world: World) -> None:
    async def act(vault: WorkflowVault, own: OwnVault) -> None:
        name, below = f"{WF}.{NS}.svc", f"api.{WF}.{NS}.svc"
        uri = f"spiffe://cluster.local/ns/{NS}/sa/{WF}"
        made = new_key_and_csr(name, (name, below), (uri,))
        signed = await own.pki.sign(
            made.csr_pem, common_name=name, dns_names=(name, below), uris=(uri,), ttl=3600
        )
        assert signed.chain[0] in await own.pki.authorities()
        assert signed.serial.replace(":", "-") in {
            serial.replace(":", "-") for serial in await vault.certificates()
        }
        assert not (await vault.certificate(signed.serial)).revoked
        await own.pki.revoke_with_key(signed.certificate, made.key_pem)
        await own.pki.revoke_with_key(signed.certificate, made.key_pem)
        assert (await vault.certificate(signed.serial)).revoked

    world.run(act)


def test_nobody_revokes_a_certificate_without_its_key(world: World) -> None:
    async def act(vault: WorkflowVault, own: OwnVault) -> None:
        name = f"{WF}.{NS}.svc"
        made, other = new_key_and_csr(name, (name,), ()), new_key_and_csr(name, (name,), ())
        signed = await own.pki.sign(
            made.csr_pem, common_name=name, dns_names=(name,), uris=(), ttl=3600
        )
        with pytest.raises(VaultError):
            await own.pki.revoke_with_key(signed.certificate, other.key_pem)
        assert not (await vault.certificate(signed.serial)).revoked

    world.run(act)


def test_a_key_is_rotated_and_old_versions_are_given_up(world: World) -> None:
    async def act(vault: WorkflowVault, own: OwnVault) -> None:
        key = f"{MINE}.records"
        old = await own.transit.encrypt(key, "record")
        before = await own.transit.key(key)
        await own.transit.rotate(key)
        assert (await own.transit.key(key)).latest == before.latest + 1
        assert await own.transit.decrypt(key, old) == "record"
        await own.transit.give_up_before(key, before.latest + 1)
        with pytest.raises(VaultError) as caught:
            await own.transit.decrypt(key, old)
        assert caught.value.kind is Kind.INVALID
        await own.transit.give_up_before(key, 1)
        assert await own.transit.decrypt(key, old) == "record"

    world.run(act)


def test_what_others_write_is_read_and_what_the_ledger_keeps_comes_back(world: World) -> None:
    async def act(vault: WorkflowVault, own: OwnVault) -> None:
        found = await own.kv.read_synced("vendor")
        assert found is not None
        assert (found.version, found.data, found.deleted) == (1, {"token": WF}, False)
        assert await own.kv.read_synced("nothing") is None
        assert await vault.decrypt(await vault.encrypt("s.token")) == "s.token"
        assert f"hw.w.{NS}.{WF}" in await vault.auth_roles()

    world.run(act)


def test_a_disabled_entity_cuts_off_the_tokens_of_that_workflow_alone(world: World) -> None:
    vault = world.vault
    vault.service_account(NS, "suspect")

    async def act(client: WorkflowVault, own: OwnVault) -> None:
        await client.ensure_roles(NS, "suspect")
        token = vault.token(f"hw.r.{NS}.suspect", NS, "suspect", "vault")
        assert world.ask("GET", "auth/token/lookup-self", token) == 200
        assert await client.disable_entities(NS, "suspect") == 1
        assert await client.disable_entities(NS, "suspect") == 1
        assert world.ask("GET", "auth/token/lookup-self", token) == 403
        assert vault.login(f"hw.r.{NS}.suspect", vault.mint(NS, "suspect", "vault"))[0] == 403
        assert world.ask("GET", "auth/token/lookup-self", world.reader) == 200

    world.run(act)


def test_a_second_bootstrap_changes_nothing(world: World) -> None:
    assert world.vault.bootstrap().endswith("nothing changed\n")


def check(world: World, folder: Path | None = None) -> tuple[int, list[dict[str, str]]]:
    """Run `wardkeeper vault check`, as the operator or as an admin; exit code and findings."""
    arguments = ["check", f"--address={world.vault.bao.address}", "--json"]
    if folder is not None:
        jwt = folder / "jwt"
        jwt.write_text(world.vault.mint(*OPERATOR, "vault"))
        arguments.append(f"--jwt-file={jwt}")
    result = CliRunner().invoke(app, arguments, env={"VAULT_TOKEN": world.vault.bao.root_token})
    assert result.stdout, result.output
    return result.exit_code, json.loads(result.stdout)["findings"]


def test_a_check_finds_nothing_where_all_is_as_installed(world: World, tmp_path: Path) -> None:
    assert check(world, tmp_path) == (0, [])
    assert check(world) == (0, [])


def test_a_check_names_an_edited_policy_and_a_role_that_grants_more(world: World) -> None:
    bao = world.vault.bao
    policy = bao.api("GET", "sys/policies/acl/hw-workflow-reader")["data"]["policy"]
    role = f"auth/kubernetes/role/hw.r.{NS}.{WF}"
    bao.api("POST", "sys/policies/acl/hw-workflow-reader", {"policy": f"{policy}\n# edited"})
    bao.api("POST", role, {"token_policies": "hw-workflow-reader,hw-operator"})
    try:
        code, found = check(world)
    finally:
        bao.api("POST", "sys/policies/acl/hw-workflow-reader", {"policy": policy})
        bao.api("POST", role, {"token_policies": "hw-workflow-reader"})
    assert code == 1
    assert [(each["control"], each["subject"]) for each in found] == [
        ("PolicyDrift", "policy hw-workflow-reader"),
        ("LeastPrivilege", f"auth role hw.r.{NS}.{WF}"),
    ]


def test_a_check_tells_that_the_auth_mount_was_recreated(world: World, tmp_path: Path) -> None:
    bao = world.vault.bao
    name = "sys/policies/acl/hw-workflow-writer"
    policy = bao.api("GET", name)["data"]["policy"]
    accessor = bao.api("GET", "sys/auth")["data"]["kubernetes/"]["accessor"]
    bao.api("POST", name, {"policy": policy.replace(accessor, "auth_kubernetes_old")})
    try:
        code, found = check(world, tmp_path)
    finally:
        bao.api("POST", name, {"policy": policy})
    assert code == 1
    assert "the auth mount was recreated" in found[0]["found"]


def test_a_check_finds_an_operator_that_could_read_secrets(world: World, tmp_path: Path) -> None:
    bao, role = world.vault.bao, "auth/kubernetes/role/hw-operator"
    bao.api(
        "POST", "sys/policies/acl/wide", {"policy": 'path "secret/*" { capabilities=["read"] }'}
    )
    own = "hw-operator,hw-operator-quarantine"
    bao.api("POST", role, {"token_policies": f"{own},wide"})
    try:
        code, found = check(world, tmp_path)
    finally:
        bao.api("POST", role, {"token_policies": own})
    assert code == 1
    assert {each["control"] for each in found} == {"LeastPrivilege"}
    assert all("secret/" in each["subject"] for each in found)
