# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Who may do what in Vault, on a real OpenBao that asks a real API server about real tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.vault_world import OPERATOR, SERVERS, VaultWorld, open_vault_world
from wardkeeper.vault.roles import OPERATOR_PINS, READER_PINS, WRITER_PINS, role_body

if TYPE_CHECKING:
    from collections.abc import Iterator

NS, WF, OTHER = "radiology", "router", "claims"
OWN = f"hw/{NS}/{WF}/db"
FOREIGN = f"hw/{NS}/{OTHER}/db"
WRITER = role_body(WRITER_PINS, NS, WF)
READER = role_body(READER_PINS, NS, WF)


@pytest.fixture(scope="module", params=SERVERS)
def vault_world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[VaultWorld]:
    with open_vault_world(tmp_path_factory.mktemp("vault"), request.param) as world:
        yield world


@pytest.fixture(scope="module", autouse=True)
def workflows(vault_world: VaultWorld) -> None:
    """Two workflows, each with both roles and one secret."""
    world = vault_world
    token = world.token("hw-operator", *OPERATOR, "vault")
    for name in (WF, OTHER):
        world.service_account(NS, name)
        for family, pins in (("w", WRITER_PINS), ("r", READER_PINS)):
            path = f"auth/kubernetes/role/hw.{family}.{NS}.{name}"
            assert world.ask("POST", path, token, role_body(pins, NS, name))[0] == 204
        writer = world.token(f"hw.w.{NS}.{name}", NS, name, "vault-operator")
        entry = {"data": {"password": name}, "options": {"cas": 0}}
        assert world.ask("POST", f"secret/data/hw/{NS}/{name}/db", writer, entry)[0] == 200


@pytest.fixture(scope="module")
def operator(vault_world: VaultWorld) -> str:
    return vault_world.token("hw-operator", *OPERATOR, "vault")


@pytest.fixture(scope="module")
def writer(vault_world: VaultWorld) -> str:
    return vault_world.token(f"hw.w.{NS}.{WF}", NS, WF, "vault-operator")


@pytest.fixture(scope="module")
def reader(vault_world: VaultWorld) -> str:
    return vault_world.token(f"hw.r.{NS}.{WF}", NS, WF, "vault")


@pytest.mark.parametrize(
    ("role", "namespace", "name", "audience"),
    [
        ("hw-operator", *OPERATOR, "vault-operator"),
        ("hw-operator", *OPERATOR, "https://fhir.example.com"),
        ("hw-operator", NS, WF, "vault"),
        (f"hw.w.{NS}.{WF}", NS, WF, "vault"),
        (f"hw.w.{NS}.{WF}", NS, OTHER, "vault-operator"),
        (f"hw.w.{NS}.{WF}", *OPERATOR, "vault-operator"),
        (f"hw.r.{NS}.{WF}", NS, WF, "vault-operator"),
        (f"hw.r.{NS}.{WF}", NS, OTHER, "vault"),
    ],
)
def test_a_login_with_another_identity_or_audience_is_refused(
    vault_world: VaultWorld, role: str, namespace: str, name: str, audience: str
) -> None:
    jwt = vault_world.mint(namespace, name, audience)
    assert vault_world.login(role, jwt)[0] == 403


@pytest.mark.parametrize(
    ("role", "body"),
    [
        ("hw.w.radiology.x", {**WRITER, "token_policies": "root"}),
        ("hw.w.radiology.x", {**WRITER, "token_policies": "ROOT"}),
        ("hw.w.radiology.x", {**WRITER, "token_policies": "hw-workflow-writer,root"}),
        ("hw.w.radiology.x", {**WRITER, "token_policies": "hw-workflow-writer,hw-operator"}),
        ("hw.w.radiology.x", {**WRITER, "token_policies": ["hw-workflow-writer"]}),
        ("hw.w.radiology.x", {**WRITER, "policies": "root"}),
        ("hw.w.radiology.x", {**WRITER, "token_period": "48h"}),
        ("hw.w.radiology.x", {**WRITER, "audience": "vault"}),
        ("hw.w.radiology.x", {**WRITER, "alias_name_source": "serviceaccount_name"}),
        ("hw.w.radiology.x", {**WRITER, "token_no_default_policy": "true"}),
        ("hw.w.radiology.x", {}),
        ("hw.w.radiology.x", READER),
        ("hw.r.radiology.x", WRITER),
        ("hw.r.radiology.x", {**READER, "token_policies": "hw-workflow-writer"}),
        ("hw.r.radiology.x", {**READER, "token_max_ttl": "800h"}),
        ("hw-operator", role_body(OPERATOR_PINS, *OPERATOR)),
        ("hw-operator", WRITER),
        ("admin", WRITER),
    ],
)
def test_the_operator_can_write_no_role_but_those_two_kinds(
    vault_world: VaultWorld, operator: str, role: str, body: dict[str, Any]
) -> None:
    path = f"auth/kubernetes/role/{role}"
    assert vault_world.ask("POST", path, operator, body)[0] == 403


@pytest.mark.parametrize("missing", ["token_policies", "audience", "bound_service_account_names"])
def test_a_role_that_leaves_out_what_it_is_bound_to_is_refused(
    vault_world: VaultWorld, operator: str, missing: str
) -> None:
    body = {key: value for key, value in WRITER.items() if key != missing}
    path = "auth/kubernetes/role/hw.w.radiology.x"
    assert vault_world.ask("POST", path, operator, body)[0] == 403


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "sys/policies/acl/hw-evil", {"policy": 'path "*" { capabilities = ["sudo"] }'}),
        ("POST", "sys/policies/acl/hw-operator", {"policy": 'path "*" { capabilities = [] }'}),
        ("GET", "sys/policies/acl/default", None),
        ("GET", f"secret/data/{OWN}", None),
        ("GET", f"secret/metadata/{OWN}", None),
        ("LIST", "secret/metadata/hw/radiology", None),
        ("POST", f"secret/data/{OWN}", {"data": {}, "options": {"cas": 1}}),
        ("DELETE", f"secret/metadata/{OWN}", None),
        ("POST", "auth/kubernetes/config", {"kubernetes_host": "https://evil.example.com"}),
        ("POST", "sys/mounts/evil", {"type": "kv"}),
        ("POST", "auth/token/create", {"policies": ["root"]}),
        ("GET", "sys/mounts", None),
    ],
)
def test_the_operator_cannot_read_one_secret_nor_widen_its_own_rights(
    vault_world: VaultWorld, operator: str, method: str, path: str, body: dict[str, Any] | None
) -> None:
    assert vault_world.ask(method, path, operator, body)[0] == 403


def test_the_operator_keeps_an_eye_on_its_policies_and_roles(
    vault_world: VaultWorld, operator: str
) -> None:
    ask = vault_world.ask
    status, policy = ask("GET", "sys/policies/acl/hw-workflow-reader", operator)
    assert status == 200
    assert "service_account_namespace" in policy["data"]["policy"]
    status, roles = ask("LIST", "auth/kubernetes/role", operator)
    assert status == 200
    assert f"hw.w.{NS}.{WF}" in roles["data"]["keys"]


def test_the_operators_token_is_periodic(vault_world: VaultWorld, operator: str) -> None:
    status, found = vault_world.ask("GET", "auth/token/lookup-self", operator)
    assert status == 200
    assert found["data"]["period"] == 3600
    assert vault_world.ask("POST", "auth/token/renew-self", operator)[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", f"secret/data/{OWN}", None, 200),
        ("GET", f"secret/metadata/{OWN}", None, 200),
        ("GET", f"secret/data/{FOREIGN}", None, 403),
        ("GET", f"secret/metadata/{FOREIGN}", None, 403),
        ("GET", "secret/data/hw/radiology/router/../claims/db", None, 403),
        ("POST", f"secret/data/{FOREIGN}", {"data": {}, "options": {"cas": 1}}, 403),
        ("DELETE", f"secret/metadata/{FOREIGN}", None, 403),
        ("PUT", f"secret/destroy/{FOREIGN}", {"versions": [1]}, 403),
        ("LIST", f"secret/metadata/hw/{NS}", None, 403),
        ("LIST", f"secret/metadata/hw/{NS}/{WF}", None, 403),
        ("POST", f"secret/metadata/{OWN}", {"max_versions": 1}, 403),
        ("POST", "auth/kubernetes/role/hw.w.radiology.x", WRITER, 403),
        ("GET", "sys/policies/acl/hw-operator", None, 403),
        ("POST", "auth/token/create", {}, 403),
    ],
)
def test_the_writer_has_its_own_path_and_nothing_else(
    vault_world: VaultWorld,
    writer: str,
    method: str,
    path: str,
    body: dict[str, Any] | None,
    status: int,
) -> None:
    assert vault_world.ask(method, path, writer, body)[0] == status


def test_the_writer_writes_with_compare_and_set_deletes_destroys_and_removes(
    vault_world: VaultWorld, writer: str
) -> None:
    ask, path = vault_world.ask, f"hw/{NS}/{WF}/scratch"

    def write(**options: int) -> int:
        body = {"data": {"password": "x"}, "options": options}
        return ask("POST", f"secret/data/{path}", writer, body)[0]

    assert write() == 400
    assert write(cas=0) == 200
    assert write(cas=0) == 400
    assert write(cas=1) == 200
    assert ask("PUT", f"secret/destroy/{path}", writer, {"versions": [1]})[0] == 204
    assert ask("DELETE", f"secret/data/{path}", writer)[0] == 204
    assert ask("GET", f"secret/data/{path}", writer)[0] == 404
    assert ask("DELETE", f"secret/metadata/{path}", writer)[0] == 204
    assert ask("GET", f"secret/metadata/{path}", writer)[0] == 404


def test_the_writers_token_lasts_a_day_and_looks_after_itself(vault_world: VaultWorld) -> None:
    token = vault_world.token(f"hw.w.{NS}.{WF}", NS, WF, "vault-operator")
    ask = vault_world.ask
    assert ask("GET", "auth/token/lookup-self", token)[1]["data"]["period"] == 86400
    assert ask("POST", "auth/token/renew-self", token)[0] == 200
    assert ask("POST", "auth/token/revoke-self", token)[0] == 204
    assert ask("GET", "auth/token/lookup-self", token)[0] == 403


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", f"secret/data/{OWN}", None, 200),
        ("GET", f"secret/data/{FOREIGN}", None, 403),
        ("GET", f"secret/metadata/{OWN}", None, 403),
        ("POST", f"secret/data/{OWN}", {"data": {}, "options": {"cas": 1}}, 403),
        ("DELETE", f"secret/data/{OWN}", None, 403),
        ("DELETE", f"secret/metadata/{OWN}", None, 403),
        ("PUT", f"secret/destroy/{OWN}", {"versions": [1]}, 403),
    ],
)
def test_a_workflows_pods_read_their_own_path_and_change_nothing(
    vault_world: VaultWorld,
    reader: str,
    method: str,
    path: str,
    body: dict[str, Any] | None,
    status: int,
) -> None:
    assert vault_world.ask(method, path, reader, body)[0] == status


def test_a_readers_token_lasts_a_quarter_of_an_hour(vault_world: VaultWorld, reader: str) -> None:
    data = vault_world.ask("GET", "auth/token/lookup-self", reader)[1]["data"]
    assert data["creation_ttl"] == 900
    assert data["explicit_max_ttl"] == 0
    assert not data.get("period")


def test_a_deleted_role_lets_nobody_in(vault_world: VaultWorld, operator: str) -> None:
    world = vault_world
    world.service_account(NS, "leaver")
    path = f"auth/kubernetes/role/hw.w.{NS}.leaver"
    body = role_body(WRITER_PINS, NS, "leaver")
    jwt = world.mint(NS, "leaver", "vault-operator")
    assert world.ask("POST", path, operator, body)[0] == 204
    assert world.login(f"hw.w.{NS}.leaver", jwt)[0] == 200
    assert world.ask("DELETE", path, operator)[0] == 204
    status, words = world.login(f"hw.w.{NS}.leaver", jwt)
    assert (status, "invalid role name" in words) == (400, True)
