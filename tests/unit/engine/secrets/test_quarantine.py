# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A workflow that may be compromised is cut off: in order, once, and for good."""

from __future__ import annotations

import pytest

from tests.unit.engine.secrets.ledger_world import NOW, OWNER, PERIOD, LedgerWorld
from wardkeeper.api.credential import CredentialPhase, Engine
from wardkeeper.engine.secrets.quarantine import (
    CERTIFICATE_TRIES,
    IDENTITY,
    QUARANTINE,
    is_quarantined,
    isolate,
)
from wardkeeper.engine.secrets.withdraw import withdraw
from wardkeeper.rotation.identity import rotation_id
from wardkeeper.rotation.standing import standing
from wardkeeper.vault.errors import Kind

ROLE = "hw.radiology.router.db"


@pytest.fixture
def world() -> LedgerWorld:
    return LedgerWorld()


async def everything(world: LedgerWorld) -> None:
    """A workflow with one credential of each kind, and an intent."""
    await world.everything()
    await world.entry(Engine.DATABASE_DYNAMIC, "soon", role=ROLE)
    world.vault.leases[f"database/creds/{ROLE}/lost"] = "user"


def is_cut_off(world: LedgerWorld) -> bool:
    """Nothing that Vault gave is of use any more, and the evidence is there."""
    vault = world.vault
    revoked = all(one.revoked for one in vault.certificates.values())
    rotated = all(count > 1 for _, count in vault.statics.values())
    usable = vault.leases or vault.roles or vault.tokens
    evidence = all(all(versions) for versions in vault.kv.values())
    return revoked and rotated and evidence and not usable


@pytest.mark.parametrize(
    ("annotations", "reason"),
    [
        ({}, ""),
        ({"other": "x"}, ""),
        ({QUARANTINE: " SEC-1182: token seen in a paste "}, "SEC-1182: token seen in a paste"),
        ({QUARANTINE: ""}, "no reason given"),
        ({QUARANTINE: " "}, "no reason given"),
    ],
)
def test_the_annotation_asks_for_it_with_or_without_a_reason(
    annotations: dict[str, str], reason: str
) -> None:
    assert is_quarantined(annotations) == reason


async def test_all_access_ends_and_the_evidence_stays(world: LedgerWorld) -> None:
    await everything(world)
    world.again()
    isolated = await isolate(OWNER, world.services)
    assert isolated.done
    assert isolated.next_look is None
    assert is_cut_off(world)
    assert world.vault.disabled == {"radiology/router"}
    assert world.vault.logins == 1


async def test_what_needs_the_token_is_done_before_the_token_goes(world: LedgerWorld) -> None:
    await everything(world)
    await isolate(OWNER, world.services)
    calls = [one for one in world.vault.calls if not one.startswith(("decrypt", "kv.", "lea"))]
    assert list(dict.fromkeys(calls)) == [
        "pki.revoke_with_key",
        "delete_roles",
        "revoke_self",
        "disable_entities",
        "revoke_lease",
        "rotate_static",
    ]


async def test_once_it_is_done_nothing_is_asked_any_more(world: LedgerWorld) -> None:
    await everything(world)
    await isolate(OWNER, world.services)
    world.again()
    world.vault.calls.clear()
    world.api.asked.clear()
    assert (await isolate(OWNER, world.services)).done
    assert world.vault.calls == []
    assert world.api.asked == []


async def test_nothing_of_the_old_is_taken_up_again(world: LedgerWorld) -> None:
    await everything(world)
    await isolate(OWNER, world.services)
    for secret in ("tls", "db", "key", "report", "pair", "sealing", "soon"):
        stand = standing(world.ledger.of(OWNER.uid, secret))
        assert stand.current is None
        assert stand.coming is None
        assert stand.old  # what follows is the next of its chain, not the same once more
    assert world.ledger.token(OWNER.uid) is None


async def test_a_crash_or_a_lost_answer_anywhere_is_made_up_for(world: LedgerWorld) -> None:
    await everything(world)
    await isolate(OWNER, world.services)
    count = len(world.vault.calls)
    for lost in (False, True):
        for number in range(1, count + 1):
            again = LedgerWorld()
            await everything(again)
            again.vault.fails_at, again.vault.lost = number, lost
            first = await isolate(OWNER, again.services)
            assert not first.done
            assert first.unavailable
            again.vault.fails_at = 0
            again.again()
            assert (await isolate(OWNER, again.services)).done, f"request {number}"
            assert is_cut_off(again), f"request {number}"
            assert again.vault.disabled


async def test_while_vault_is_away_every_step_is_listed_in_its_order(world: LedgerWorld) -> None:
    await everything(world)
    world.vault.away = True
    isolated = await isolate(OWNER, world.services)
    assert list(isolated.left) == [
        "certificate of secret tls",
        IDENTITY,
        "leases of secret db",
        "leases of secret soon",
        "password of secret report",
        "password of secret pair",
    ]
    assert isolated.unavailable
    assert isolated.next_look
    assert len(world.vault.calls) == 1
    assert world.ledger.phases() == {CredentialPhase.SUPERSEDED: 8, CredentialPhase.CURRENT: 1}


async def test_what_is_refused_stops_nothing_else(world: LedgerWorld) -> None:
    await everything(world)
    world.vault.denies = {"pki.revoke_with_key", "delete_roles", "revoke_lease"}
    isolated = await isolate(OWNER, world.services)
    assert list(isolated.left) == [
        "certificate of secret tls",
        IDENTITY,
        "leases of secret db",
        "leases of secret soon",
    ]
    assert not isolated.unavailable
    assert not world.vault.tokens
    assert world.vault.disabled
    assert all(count > 1 for _, count in world.vault.statics.values())
    world.vault.denies = set()
    isolated = await isolate(OWNER, world.services)
    [(what, why)] = isolated.left.items()  # the token that could revoke it is gone
    assert what == "certificate of secret tls"
    assert "administrator" in why
    assert not world.vault.roles
    assert not world.vault.leases
    world.passes(PERIOD)
    assert (await isolate(OWNER, world.services)).done


async def test_entities_that_may_not_be_disabled_are_told_once(world: LedgerWorld) -> None:
    await everything(world)
    world.vault.denies = {"disable_entities"}
    isolated = await isolate(OWNER, world.services)
    assert isolated.done
    assert "entities" in isolated.left_out
    assert not (await isolate(OWNER, world.services)).left_out


async def test_a_few_failures_do_not_give_up_a_certificate(world: LedgerWorld) -> None:
    await everything(world)
    world.vault.kind = Kind.FAILED
    for _ in range(CERTIFICATE_TRIES):
        world.vault.fails_at = len(world.vault.calls) + 1
        isolated = await isolate(OWNER, world.services)
        assert isolated.unavailable
        assert world.vault.tokens
    world.vault.fails_at = len(world.vault.calls) + 1
    isolated = await isolate(OWNER, world.services)
    assert list(isolated.left) == ["certificate of secret tls"]
    assert not world.vault.tokens


async def test_a_lease_is_ended_by_its_path_though_its_token_is_gone(world: LedgerWorld) -> None:
    await world.tokens.own(OWNER)
    await world.lease()
    world.vault.denies = {"revoke_lease"}
    isolated = await isolate(OWNER, world.services)
    assert list(isolated.left) == ["leases of secret db"]
    world.passes(60)
    world.vault.denies = set()
    assert (await isolate(OWNER, world.services)).done
    assert not world.vault.leases


async def test_a_workflow_without_credentials_is_cut_off_as_it_is(world: LedgerWorld) -> None:
    assert (await isolate(OWNER, world.services)).done
    assert world.vault.calls == []


async def test_without_a_vault_it_is_said_what_to_do(world: LedgerWorld) -> None:
    assert (await isolate(OWNER, world.without_vault())).done
    await world.certificate()
    isolated = await isolate(OWNER, world.without_vault())
    assert isolated.left == {
        "credentials, and the Secrets with them": "no Vault is configured, and without one no "
        "Secret is touched; set vault.address in the operator's settings"
    }


async def test_a_workflow_that_is_deleted_while_it_is_cut_off_leaves_its_evidence(
    world: LedgerWorld,
) -> None:
    await everything(world)
    await isolate(OWNER, world.services)
    keeps = dict.fromkeys(world.vault.kv, True) | {"soon": True}
    gone = await withdraw(OWNER, world.services, has_identity=True, keeps=keeps)
    assert gone.done
    assert is_cut_off(world)
    assert world.vault.logins == 1
    assert not world.api.objects


async def test_what_follows_has_another_id_than_what_was_cut_off(world: LedgerWorld) -> None:
    await world.tokens.own(OWNER)
    values = await world.values()
    await isolate(OWNER, world.services)
    [old] = standing(world.ledger.of(OWNER.uid, "key")).old
    assert old.rotation_id == values.rotation_id == rotation_id(OWNER.uid, "key")
    assert old.revoke_after == NOW
