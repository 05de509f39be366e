# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Requests to the engines, and their answers in the shape that real servers give them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.unit.vault.fake_vault import Answer, workflow_jwt
from wardkeeper.vault.errors import Kind, VaultError
from wardkeeper.vault.transit import KeyState

if TYPE_CHECKING:
    from tests.unit.vault.fake_vault import FakeVault
    from wardkeeper.vault.own import OwnVault
    from wardkeeper.vault.workflows import WorkflowVault

NS, WF = "radiology", "router"
ROLE = f"hw.{NS}.{WF}.app"
LEASE = f"database/creds/{ROLE}/abc"
CANARY = "canary-of-a-password"


def answering(fake: FakeVault, answers: dict[str, Answer]) -> None:
    """Let the fake answer these requests so, and others as ever."""
    fake.before = answers.get


@pytest.fixture
async def own(vault: WorkflowVault) -> OwnVault:
    await vault.ensure_roles(NS, WF)
    login = await vault.log_in(NS, WF, workflow_jwt(NS, WF))
    return vault.as_workflow(login.token, NS, WF)


def ok(data: dict[str, Any] | None, **more: Any) -> Answer:
    return 200, {"data": data, **more}


async def test_a_database_user_comes_with_its_lease_and_hides_its_password(
    own: OwnVault, fake: FakeVault
) -> None:
    data = {"username": "v-1", "password": CANARY}
    answer = ok(data, lease_id=LEASE, lease_duration=3600)
    answering(fake, {f"GET database/creds/{ROLE}": answer})
    made = await own.database.creds(ROLE)
    assert (made.username, made.password, made.lease, made.lasts) == ("v-1", CANARY, LEASE, 3600)
    assert CANARY not in repr(made)


async def test_a_get_that_makes_a_user_is_not_repeated(own: OwnVault, fake: FakeVault) -> None:
    def lose(line: str) -> Answer | None:
        if line.startswith("GET database/creds/"):
            raise requests.ConnectionError(CANARY)
        return None

    fake.before = lose
    with pytest.raises(VaultError) as caught:
        await own.database.creds(ROLE)
    assert len(fake.seen("GET database/creds/")) == 1
    assert CANARY not in f"{caught.value!r} {caught.value.__context__!r}"


@pytest.mark.parametrize(
    ("answer", "longest"),
    [
        (ok({"max_ttl": 3600, "creation_statements": ["CREATE ROLE"]}), 3600),
        (ok({"max_ttl": 0}), None),
        ((403, {"errors": ["permission denied"]}), None),
        ((404, {"errors": []}), None),
    ],
    ids=["an end", "no end", "policies of before", "no role"],
)
async def test_a_role_says_how_long_a_login_may_live_if_it_can_be_read(
    own: OwnVault, fake: FakeVault, answer: Answer, longest: float | None
) -> None:
    answering(fake, {f"GET database/roles/{ROLE}": answer})
    assert await own.database.longest(ROLE) == longest


async def test_how_long_a_login_may_live_is_asked_again_when_vault_is_away(
    own: OwnVault, fake: FakeVault
) -> None:
    answering(fake, {f"GET database/roles/{ROLE}": (503, {"errors": ["Vault is sealed"]})})
    with pytest.raises(VaultError, match="sealed"):
        await own.database.longest(ROLE)


async def test_what_the_database_says_gets_into_no_error(own: OwnVault, fake: FakeVault) -> None:
    words = f"failed to execute query: password {CANARY}"
    answering(fake, {f"GET database/creds/{ROLE}": (500, {"errors": [words]})})
    with pytest.raises(VaultError) as caught:
        await own.database.creds(ROLE)
    assert caught.value.kind is Kind.DATABASE
    assert CANARY not in str(caught.value)


async def test_a_static_user_tells_when_its_password_was_changed(
    own: OwnVault, fake: FakeVault
) -> None:
    data = {
        "username": "app",
        "password": CANARY,
        "last_vault_rotation": "2026-01-31T12:00:00.123456789Z",
        "ttl": 0,
    }
    answering(fake, {f"GET database/static-creds/{ROLE}": ok(data)})
    found = await own.database.static(ROLE)
    assert found.rotated_at == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert CANARY not in repr(found)


async def test_a_lease_is_renewed_and_one_that_has_ended_says_so(
    own: OwnVault, fake: FakeVault
) -> None:
    renew = "PUT sys/leases/renew"
    answering(fake, {renew: (200, {"lease_id": LEASE, "lease_duration": 60})})
    assert await own.database.renew(LEASE) == 60
    answering(fake, {renew: (400, {"errors": ["lease not found"]})})
    with pytest.raises(VaultError) as caught:
        await own.database.renew(LEASE)
    assert caught.value.kind is Kind.LEASE_GONE


async def test_a_lease_is_ended_by_its_path(vault: WorkflowVault, fake: FakeVault) -> None:
    answering(fake, {f"PUT sys/leases/revoke/{LEASE}": (204, None)})
    await vault.revoke_lease(LEASE)
    assert fake.seen("PUT sys/leases/revoke") == [f"PUT sys/leases/revoke/{LEASE}"]


async def test_leases_are_listed_with_their_full_ids(vault: WorkflowVault, fake: FakeVault) -> None:
    path = f"GET sys/leases/lookup/database/creds/{ROLE}"
    answering(fake, {path: ok({"keys": ["abc"]})})
    assert await vault.leases(ROLE) == (LEASE,)
    answering(fake, {path: (404, {"errors": []})})
    assert await vault.leases(ROLE) == ()


async def test_a_missing_engine_is_not_taken_for_an_empty_list(
    vault: WorkflowVault, fake: FakeVault
) -> None:
    words = 'no handler for route "pki/certs". route entry not found.'
    answering(fake, {"GET pki/certs": (404, {"errors": [words]})})
    with pytest.raises(VaultError) as caught:
        await vault.certificates()
    assert caught.value.kind is Kind.MOUNT_MISSING


async def test_a_rotation_whose_answer_got_lost_is_not_repeated(
    vault: WorkflowVault, fake: FakeVault
) -> None:
    def lose(line: str) -> Answer | None:
        if line.startswith("POST database/rotate-role/"):
            raise requests.ConnectionError
        return None

    fake.before = lose
    with pytest.raises(VaultError):
        await vault.rotate_static(ROLE)
    assert len(fake.seen("POST database/rotate-role/")) == 1


async def test_a_request_is_signed_and_comes_with_its_chain(own: OwnVault, fake: FakeVault) -> None:
    data = {"certificate": "LEAF\n", "ca_chain": ["CA\n", "ROOT"], "serial_number": "0a:0b"}
    answering(fake, {"POST pki/sign/hw-mtls": ok(data)})
    signed = await own.pki.sign("CSR", common_name="a", dns_names=("a",), uris=(), ttl=300)
    assert (signed.certificate, signed.chain, signed.serial) == ("LEAF", ("CA", "ROOT"), "0a:0b")


async def test_every_authority_is_told(own: OwnVault, fake: FakeVault) -> None:
    answering(
        fake,
        {
            "GET pki/issuers": ok({"keys": ["b", "a"]}),
            "GET pki/issuer/a/json": ok({"certificate": "FIRST\n"}),
            "GET pki/issuer/b/json": ok({"certificate": "SECOND\n"}),
        },
    )
    assert await own.pki.authorities() == ("FIRST", "SECOND")


async def test_a_certificate_says_whether_it_was_revoked(
    vault: WorkflowVault, fake: FakeVault
) -> None:
    for time in (0, 1_790_000_000):
        answering(fake, {"GET pki/cert/0a": ok({"certificate": "PEM\n", "revocation_time": time})})
        found = await vault.certificate("0a")
        assert (found.pem, found.revoked) == ("PEM", bool(time))


async def test_a_key_of_a_workflow_tells_its_versions(own: OwnVault, fake: FakeVault) -> None:
    line = f"GET transit/keys/{ROLE}"
    answering(fake, {line: ok({"latest_version": 4, "min_decryption_version": 2})})
    assert await own.transit.key(ROLE) == KeyState(4, 2)
    answering(fake, {line: (404, {"errors": []})})
    with pytest.raises(VaultError) as caught:
        await own.transit.key(ROLE)
    assert caught.value.kind is Kind.SOURCE_MISSING


async def test_roles_are_listed_by_name(vault: WorkflowVault, fake: FakeVault) -> None:
    answering(fake, {"GET auth/kubernetes/role": ok({"keys": ["hw-operator", "hw.w.a.b"]})})
    assert await vault.auth_roles() == ("hw-operator", "hw.w.a.b")


async def test_every_entity_of_a_workflow_is_disabled_and_nobody_elses(
    vault: WorkflowVault, fake: FakeVault
) -> None:
    def alias(name: str, mount: str = "auth/kubernetes/") -> dict[str, Any]:
        metadata = {"service_account_namespace": NS, "service_account_name": name}
        return {"mount_path": mount, "metadata": metadata}

    entities: dict[str, dict[str, Any]] = {
        "first": {"aliases": [alias(WF)], "disabled": False},
        "second": {"aliases": [alias(WF)], "disabled": True},
        "other": {"aliases": [alias("claims")], "disabled": False},
        "admin": {"aliases": [alias(WF, "auth/userpass/")], "disabled": False},
    }
    info = {
        name: {"aliases": [{"mount_path": body["aliases"][0]["mount_path"]}]}
        for name, body in entities.items()
    }
    answers = {f"GET identity/entity/id/{name}": ok(body) for name, body in entities.items()}
    answers["GET identity/entity/id"] = ok({"keys": list(info), "key_info": info})
    answers["POST identity/entity/id/first"] = (204, None)
    answering(fake, answers)
    assert await vault.disable_entities(NS, WF) == 2
    assert fake.seen("POST identity/") == ["POST identity/entity/id/first"]
    assert "GET identity/entity/id/admin" not in fake.log


async def test_requests_are_counted_by_few_words(own: OwnVault, fake: FakeVault) -> None:
    told: list[tuple[str, str]] = []
    own.database._client._observe = lambda label, outcome, _: told.append((label, outcome))
    answering(fake, {f"GET database/creds/{ROLE}": (400, {"errors": ["unknown role: x"]})})
    with pytest.raises(VaultError):
        await own.database.creds(ROLE)
    assert told == [("database_creds", "SourceMissing")]
