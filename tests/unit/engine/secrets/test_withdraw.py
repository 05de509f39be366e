# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What a workflow has in Vault is taken back: in order, again and again, and nothing of others."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.engine.objects import workflow
from tests.unit.engine.secrets.ledger_world import NOW, OWNER, PERIOD, LedgerWorld
from wardkeeper.api.credential import CredentialPhase, Engine
from wardkeeper.engine.secrets.ledger import Owner
from wardkeeper.engine.secrets.withdraw import drop, keeps_of, withdraw
from wardkeeper.engine.seen import Observed, see_workflow

if TYPE_CHECKING:
    from wardkeeper.engine.secrets.job import Withdrawn

NAMESAKE = Owner(OWNER.namespace, OWNER.name, "uid-of-its-namesake")


@pytest.fixture
def world() -> LedgerWorld:
    return LedgerWorld()


async def taken_back(world: LedgerWorld, *, has_identity: bool = False) -> Withdrawn:
    return await withdraw(OWNER, world.services, has_identity=has_identity)


def seen(*secrets: Any, **annotations: str) -> Observed:
    raw = workflow(metadata={"annotations": annotations})
    return see_workflow({**raw, "spec": {"secrets": list(secrets)}}, None)


def is_bare(world: LedgerWorld) -> bool:
    """Nothing of the workflow is in Vault, and the ledger is empty."""
    revoked = all(one.revoked for one in world.vault.certificates.values())
    left = world.vault.kv or world.vault.leases or world.vault.roles or world.vault.tokens
    return revoked and not left and not world.api.objects


async def test_everything_goes_with_the_kept_token_alone(world: LedgerWorld) -> None:
    await world.everything()
    world.again()
    assert (await taken_back(world)).done
    assert is_bare(world)
    assert world.vault.logins == 1
    assert {count for _, count in world.vault.statics.values()} == {2}


async def test_nothing_needs_an_identity_that_is_gone_already(world: LedgerWorld) -> None:
    await world.everything()
    await taken_back(world)
    calls = world.vault.calls
    roles, token = calls.index("delete_roles"), calls.index("revoke_self")
    assert roles < token == len(calls) - 1
    assert {"pki.revoke_with_key", "kv.remove", "revoke_lease"} <= set(calls[:roles])
    assert not any(one.startswith("transit") for one in calls)


async def test_a_second_call_finds_nothing_to_take(world: LedgerWorld) -> None:
    await world.everything()
    await taken_back(world)
    world.vault.calls.clear()
    assert (await taken_back(world)).done
    assert world.vault.calls == ["delete_roles"]


async def test_a_crash_or_a_lost_answer_anywhere_is_made_up_for(world: LedgerWorld) -> None:
    await world.everything()
    await taken_back(world)
    count = len(world.vault.calls)
    for lost in (False, True):
        for number in range(1, count + 1):
            again = LedgerWorld()
            await again.everything()
            again.vault.fails_at, again.vault.lost = number, lost
            first = await taken_back(again)
            assert not first.done
            assert first.unavailable
            again.vault.fails_at = 0
            again.again()
            assert (await taken_back(again)).done, f"request {number}"
            assert is_bare(again), f"request {number}"


async def test_while_vault_is_away_the_ledger_says_what_is_left(world: LedgerWorld) -> None:
    await world.everything()
    world.vault.away = True
    gone = await taken_back(world)
    assert gone.unavailable
    assert gone.next_look
    stuck = {f"secret {one}" for one in ("tls", "db", "report", "pair")}
    assert set(gone.left) == stuck | {"KV entry key"}
    assert set(world.ledger.phases()) == {CredentialPhase.CURRENT, CredentialPhase.SUPERSEDED}
    assert world.ledger.phases()[CredentialPhase.CURRENT] == 1  # the token
    writes = len(world.api.writes())
    await taken_back(world)
    assert len(world.api.writes()) == writes


async def test_one_secret_that_is_stuck_holds_up_no_other(world: LedgerWorld) -> None:
    await world.everything()
    world.vault.denies = {"revoke_lease"}
    gone = await taken_back(world)
    assert set(gone.left) == {"secret db"}
    assert not gone.unavailable
    assert {one.secret for one in world.ledger.all_of(OWNER.uid)} == {"db", ""}
    assert world.vault.roles  # the token is still needed
    world.vault.denies = set()
    assert (await taken_back(world)).done
    assert is_bare(world)


async def test_values_stay_when_the_workflow_says_so(world: LedgerWorld) -> None:
    await world.tokens.own(OWNER)
    await world.values("kept", role="Keep")
    await world.values("removed")
    assert (await taken_back(world)).done
    assert list(world.vault.kv) == ["kept"]
    assert not world.api.objects


async def test_the_last_spec_decides_what_stays(world: LedgerWorld) -> None:
    await world.tokens.own(OWNER)
    await world.values("kept")
    await world.values("removed", role="Keep")
    keeps = keeps_of(
        seen(
            {"name": "kept", "source": {"kvGenerated": {"onDelete": "Keep"}}},
            {"name": "removed", "source": {"kvGenerated": {}}},
            {"name": "tls", "source": {"pki": {}}},
        )
    )
    assert keeps == {"kept": True, "removed": False}
    await withdraw(OWNER, world.services, has_identity=False, keeps=keeps)
    assert list(world.vault.kv) == ["kept"]


async def test_what_the_last_spec_kept_is_kept_by_whoever_finishes_later(
    world: LedgerWorld,
) -> None:
    await world.tokens.own(OWNER)
    await world.values("kept")
    await world.lease("kept-too")
    world.vault.denies = {"revoke_lease"}
    keeps = {"kept": True, "kept-too": True}
    await withdraw(OWNER, world.services, has_identity=False, keeps=keeps)
    world.vault.denies = set()
    world.again()
    assert (await taken_back(world)).done
    assert set(world.vault.kv) == {"kept", "kept-too"}


def test_of_a_workflow_that_is_cut_off_everything_stays() -> None:
    secrets = ({"name": "tls", "source": {"pki": {}}}, {"name": "db", "source": {"database": {}}})
    evidence = seen(*secrets, **{"wardkeeper.io/quarantine": "SEC-1182"})
    assert keeps_of(evidence) == {"tls": True, "db": True}
    assert keeps_of(seen(*secrets)) == {}


async def test_without_a_token_a_login_does_while_there_is_an_identity(world: LedgerWorld) -> None:
    await world.values()
    assert (await taken_back(world, has_identity=True)).done
    assert is_bare(world)


async def test_without_token_and_identity_an_administrator_is_asked(world: LedgerWorld) -> None:
    await world.tokens.own(OWNER)
    await world.values()
    certificate = await world.certificate()
    world.passes(PERIOD - 10)
    gone = await taken_back(world)
    assert "administrator" in gone.left["KV entry key"]
    assert certificate.handle.serial in gone.left["secret tls"]
    assert not gone.unavailable
    world.vault.now = world.vault.until
    gone = await taken_back(world)  # the certificate has ended by itself
    assert set(gone.left) == {"KV entry key", "KV entry tls"}


async def test_a_certificate_whose_key_is_lost_is_not_forgotten(world: LedgerWorld) -> None:
    await world.tokens.own(OWNER)
    certificate = await world.certificate()
    world.vault.kv["tls"][0] = None
    gone = await taken_back(world)
    assert certificate.handle.serial in gone.left["secret tls"]
    world.vault.certificates[certificate.handle.serial].revoked = True
    assert (await taken_back(world)).done


async def test_what_kv_lost_lives_on_and_is_not_forgotten(world: LedgerWorld) -> None:
    await world.tokens.own(OWNER)
    certificate, user = await world.certificate(), await world.static()
    for entry in (certificate, user):
        await world.ledger.note(entry, expires_at=NOW, ends_at=NOW)  # as a pass does
    world.vault.kv["tls"][0] = None
    gone = await taken_back(world)
    assert certificate.handle.serial in gone.left["secret tls"]
    assert world.vault.statics[user.role][1] == 2


async def test_of_an_intent_the_leases_that_a_lost_answer_made_are_ended(
    world: LedgerWorld,
) -> None:
    await world.tokens.own(OWNER)
    role = "hw.radiology.router.db"
    await world.entry(Engine.DATABASE_DYNAMIC, "db", role=role)
    world.vault.leases[f"database/creds/{role}/lost"] = "user"
    assert (await taken_back(world)).done
    assert is_bare(world)


async def test_a_namesake_keeps_what_it_shares_by_name(world: LedgerWorld) -> None:
    await world.tokens.own(OWNER)
    await world.lease()
    await world.values()
    await world.static()
    role = "hw.radiology.router.db"
    await world.entry(Engine.DATABASE_DYNAMIC, "other", role=role)  # an intent of the old one
    world.vault.leases[f"database/creds/{role}/lost"] = "user"
    await world.tokens.own(NAMESAKE)
    newer = await world.lease(owner=NAMESAKE)
    await world.values(owner=NAMESAKE)

    gone = await withdraw(OWNER, world.services, has_identity=False, namesake=lambda: True)

    assert gone.done
    assert [one is None for one in world.vault.kv["key"]] == [True, False]
    assert [one is None for one in world.vault.kv["db"]] == [True, False]
    assert list(world.vault.leases) == [await world.operator.decrypt(newer.handle.lease)]
    assert world.vault.roles == {"radiology/router"}
    assert len(world.vault.tokens) == 1
    assert world.vault.statics["hw.radiology.router.report"] == (NOW, 1)
    assert world.ledger.owners() == (NAMESAKE,)


async def test_the_token_of_a_namesake_does_when_the_own_one_is_dead(world: LedgerWorld) -> None:
    await world.certificate()
    await world.tokens.own(NAMESAKE)
    gone = await withdraw(OWNER, world.services, has_identity=False, namesake=lambda: True)
    assert gone.done
    assert all(one.revoked for one in world.vault.certificates.values())


async def test_a_dropped_secret_leaves_the_others_alone(world: LedgerWorld) -> None:
    await world.everything()
    gone = await drop(OWNER, world.services, {"key", "db"})
    assert gone.done
    assert set(world.vault.kv) == {"tls", "report", "pair"}
    assert world.vault.roles
    assert world.vault.tokens
    assert world.ledger.token(OWNER.uid)


async def test_without_a_vault_it_is_said_what_to_do() -> None:
    world = LedgerWorld()
    await world.entry(Engine.PKI, "tls")
    services = world.without_vault()
    assert "vault.address" in (await withdraw(OWNER, services, has_identity=True)).left["all"]
    assert "vault.address" in (await drop(OWNER, services, {"tls"})).left["tls"]
    nobody = Owner("radiology", "other", "uid")
    assert (await withdraw(nobody, services, has_identity=True)).done


async def test_a_password_is_changed_once_for_all_entries_of_its_user(world: LedgerWorld) -> None:
    await world.tokens.own(OWNER)
    first = await world.static()
    await world.entry(
        Engine.DATABASE_STATIC, "report", "1", role=first.role, issued_at=NOW + timedelta(1)
    )
    await taken_back(world)
    assert world.vault.asked("rotate_static") == 1
