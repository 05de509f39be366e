# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The ledger against answers, events and other writers in any order."""

from __future__ import annotations

import copy
import tracemalloc
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.unit.engine.secrets.ledger_world import NOW, OWNER, SYSTEM, Api, LedgerWorld
from wardkeeper.api.credential import REVOKE_FINALIZER, CredentialPhase, Engine, IssuedCredential
from wardkeeper.engine.outcome import Transient
from wardkeeper.engine.secrets.ledger import Ledger, Owner
from wardkeeper.engine.secrets.ledger_form import (
    credential_of,
    entry_name,
    intent_of,
    owner_of,
    phase_of,
    status_of,
)
from wardkeeper.kube.errors import Cause, Forbidden, Invalid, Unreachable
from wardkeeper.rotation.credential import Credential, Handle
from wardkeeper.rotation.identity import rotation_id

if TYPE_CHECKING:
    from wardkeeper.kube.client import Client

FULL = Credential(
    name="",
    secret="db",
    engine=Engine.DATABASE_DYNAMIC,
    rotation_id=rotation_id(OWNER.uid, "db"),
    role="hw.radiology.router.db",
    source="fingerprint",
    request="db@2",
    before="7",
    handle=Handle(3, "vault:v1:abc", "3a:5f", "b", "8", "accessor"),
    issued_at=NOW,
    expires_at=NOW + timedelta(hours=1),
    ends_at=NOW + timedelta(days=1),
    proven_at=NOW + timedelta(minutes=1),
    revoke_after=NOW + timedelta(minutes=2),
    rejected_at=NOW + timedelta(minutes=3),
    retry_at=NOW + timedelta(minutes=4),
    failures=2,
    last_error="Database",
    term=timedelta(hours=1),
)


@pytest.fixture
def world() -> LedgerWorld:
    return LedgerWorld()


def stored(credential: Credential = FULL, owner: Owner = OWNER, **metadata: Any) -> dict[str, Any]:
    """An entry as the API server has it."""
    raw = intent_of(owner, credential, SYSTEM)
    raw["metadata"] |= {
        "uid": "object-1",
        "resourceVersion": "7",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        **metadata,
    }
    raw["status"] = status_of(credential)
    return raw


def test_an_entry_says_the_same_when_it_is_read_again() -> None:
    read = credential_of(stored())
    expected = {name: getattr(FULL, name) for name in Credential.__slots__}
    expected |= {
        "name": entry_name(OWNER, FULL),
        "intended_at": NOW,
        "resource_version": "7",
        "doomed": False,
    }
    assert {name: getattr(read, name) for name in Credential.__slots__} == expected
    assert owner_of(stored()) == OWNER


def test_an_entry_is_what_the_definition_allows() -> None:
    IssuedCredential.model_validate(stored())
    assert status_of(Credential("", "db", Engine.PKI, "0" * 64)) == {"phase": "Intent"}


def test_the_longest_names_make_a_name_of_an_object() -> None:
    longest = Owner("n" * 63, "w" * 63, "uid")
    assert len(entry_name(longest, Credential("", "s" * 40, Engine.PKI, "0" * 64))) <= 253


@pytest.mark.parametrize(
    ("changes", "phase"),
    [
        ({}, CredentialPhase.INTENT),
        ({"issued_at": NOW}, CredentialPhase.ISSUED),
        ({"issued_at": NOW, "proven_at": NOW}, CredentialPhase.CURRENT),
        ({"issued_at": NOW, "proven_at": NOW, "revoke_after": NOW}, CredentialPhase.SUPERSEDED),
        ({"issued_at": NOW, "rejected_at": NOW}, CredentialPhase.REJECTED),
    ],
)
def test_the_phase_follows_from_what_is_noted(
    changes: dict[str, Any], phase: CredentialPhase
) -> None:
    assert phase_of(Credential("", "db", Engine.PKI, "0" * 64, **changes)) is phase


async def test_an_intent_stands_before_its_event_comes(world: LedgerWorld) -> None:
    entry = await world.entry(Engine.PKI)
    assert world.ledger.of(OWNER.uid, "db") == (entry,)
    assert entry.issued_at is None
    assert world.raw(entry)["metadata"]["finalizers"] == [REVOKE_FINALIZER]
    assert world.ledger.owners() == (OWNER,)


async def test_the_same_intent_is_recorded_once(world: LedgerWorld) -> None:
    first = await world.entry(Engine.PKI, issued_at=NOW)
    world.ledger = Ledger(cast("Client", world.api), SYSTEM)  # another process, which knows nothing
    again = await world.entry(Engine.PKI)
    assert again == first
    assert again.issued_at == NOW


async def test_a_strangers_object_of_that_name_is_not_taken_for_the_intent(
    world: LedgerWorld,
) -> None:
    entry = await world.entry(Engine.PKI)
    world.raw(entry)["spec"]["workflowRef"]["uid"] = "another"
    world.again()
    with pytest.raises(Transient, match="IssuedCredential"):
        await world.entry(Engine.PKI)


async def test_an_intent_that_cannot_be_recorded_is_none(world: LedgerWorld) -> None:
    world.api.fails = ("create", Forbidden(403, "Forbidden", "quota"))
    with pytest.raises(Forbidden):
        await world.entry(Engine.PKI)
    assert not world.ledger.owners()


async def test_a_note_is_made_of_the_version_that_was_looked_at(world: LedgerWorld) -> None:
    entry = await world.entry(Engine.PKI)
    noted = await world.ledger.note(entry, issued_at=NOW)
    with pytest.raises(Transient, match="looked at again"):
        await world.ledger.note(entry, proven_at=NOW)
    assert world.ledger.of(OWNER.uid, "db") == (noted,)
    assert (await world.ledger.note(noted, proven_at=NOW)).proven_at == NOW


async def test_a_note_on_an_entry_that_is_gone_is_tried_again(world: LedgerWorld) -> None:
    entry = await world.entry(Engine.PKI)
    world.api.objects.clear()
    with pytest.raises(Transient):
        await world.ledger.note(entry, issued_at=NOW)


async def test_a_note_that_the_definition_forbids_is_no_race(world: LedgerWorld) -> None:
    entry = await world.entry(Engine.PKI)
    causes = (Cause("FieldValueInvalid", "too long", "status.lastError"),)
    world.api.fails = ("patch", Invalid(422, "Invalid", "no", causes))
    with pytest.raises(Invalid):
        await world.ledger.note(entry, issued_at=NOW)


async def test_the_echo_of_an_own_write_is_no_news(world: LedgerWorld) -> None:
    entry = await world.entry(Engine.PKI)
    await world.ledger.note(entry, issued_at=NOW)
    assert [world.ledger.observe(*told) for told in world.api.told] == [None, None]


async def test_what_another_process_noted_is_news(world: LedgerWorld) -> None:
    entry = await world.entry(Engine.PKI)
    world.api.edit(entry.name, labels={})
    assert world.ledger.observe(*world.api.told[-1]) == OWNER


async def test_closing_removes_the_entry_in_two_writes(world: LedgerWorld) -> None:
    entry = await world.entry(Engine.PKI)
    world.api.asked.clear()
    await world.ledger.close(entry)
    assert world.api.writes() == ["delete", "patch"]
    assert not world.api.objects
    assert not world.ledger.owners()
    await world.ledger.close(entry)  # it is gone already
    assert len(world.api.asked) == 2


async def test_late_news_of_a_closed_entry_do_not_bring_it_back(world: LedgerWorld) -> None:
    entry = await world.entry(Engine.PKI, issued_at=NOW)
    await world.ledger.close(entry)
    for change, obj in world.api.told:
        assert world.ledger.observe(change, obj) is None
        assert not world.ledger.owners()


async def test_late_news_of_an_entry_do_not_touch_its_namesake(world: LedgerWorld) -> None:
    first = await world.entry(Engine.TOKEN, "")
    await world.ledger.close(first)
    second = await world.entry(Engine.TOKEN, "")
    assert second.name == first.name
    world.hear()
    assert world.ledger.token(OWNER.uid) == second


async def test_a_closed_entry_keeps_what_others_hold_it_by(world: LedgerWorld) -> None:
    entry = await world.entry(Engine.PKI)
    world.api.edit(entry.name, finalizers=["example.org/audit", REVOKE_FINALIZER])
    world.hear()
    await world.ledger.close(entry)
    assert world.raw(entry)["metadata"]["finalizers"] == ["example.org/audit"]
    world.hear()
    assert not world.ledger.owners()
    world.again()
    assert not world.ledger.owners()  # it stands for nothing any more
    with pytest.raises(Transient):
        await world.entry(Engine.PKI)


async def test_closing_never_deletes_a_namesake(world: LedgerWorld) -> None:
    entry = await world.entry(Engine.PKI)
    world.raw(entry)["metadata"]["uid"] = "another"
    with pytest.raises(Transient):
        await world.ledger.close(entry)
    assert entry.name in world.api.objects


async def test_a_process_that_dies_while_it_closes_leaves_a_doomed_entry(
    world: LedgerWorld,
) -> None:
    entry = await world.entry(Engine.PKI)
    world.api.fails = ("patch", Unreachable("cut off"))
    with pytest.raises(Unreachable):
        await world.ledger.close(entry)
    world.again()
    [left] = world.ledger.all_of(OWNER.uid)
    assert left.doomed
    await world.ledger.close(left)
    assert not world.api.objects


async def test_an_entry_that_somebody_deletes_is_doomed_and_stays(world: LedgerWorld) -> None:
    entry = await world.entry(Engine.PKI, issued_at=NOW)
    world.api.doom(entry.name)
    assert world.ledger.observe(*world.api.told[-1]) == OWNER
    assert world.ledger.is_doomed(entry.name)
    [doomed] = world.ledger.all_of(OWNER.uid)
    assert doomed.doomed
    assert doomed.issued_at == NOW


async def test_older_news_do_not_undo_newer_ones(world: LedgerWorld) -> None:
    entry = await world.entry(Engine.PKI)
    old = copy.deepcopy(world.raw(entry))
    noted = await world.ledger.note(entry, issued_at=NOW)
    assert world.ledger.observe("MODIFIED", old) is None
    assert world.ledger.all_of(OWNER.uid) == (noted,)


async def test_what_vanished_unseen_is_gone(world: LedgerWorld) -> None:
    entry = await world.entry(Engine.PKI)
    remains = {"metadata": {"namespace": SYSTEM, "name": entry.name}}
    assert world.ledger.observe("DELETED", remains) == OWNER
    assert world.ledger.observe("DELETED", remains) is None
    assert not world.ledger.owners()


async def test_the_token_is_apart_from_the_secrets(world: LedgerWorld) -> None:
    token = await world.entry(Engine.TOKEN, "", issued_at=NOW)
    secret = await world.entry(Engine.KV_GENERATED, "token", issued_at=NOW)
    assert token.name != secret.name
    assert world.ledger.of(OWNER.uid, "token") == (secret,)
    assert world.ledger.token(OWNER.uid) == token


async def test_of_two_tokens_the_one_that_lasts_longer_is_used(world: LedgerWorld) -> None:
    old = await world.entry(Engine.TOKEN, "", issued_at=NOW, expires_at=NOW)
    new = await world.entry(
        Engine.TOKEN, "", previous=old.rotation_id, expires_at=NOW + timedelta(days=1)
    )
    old = await world.ledger.note(old, failures=1)  # written last
    assert world.ledger.tokens(OWNER.uid) == (new, old)


async def test_entries_are_counted_by_phase(world: LedgerWorld) -> None:
    await world.entry(Engine.PKI, "a")
    await world.entry(Engine.PKI, "b", issued_at=NOW, proven_at=NOW)
    assert world.ledger.phases() == {CredentialPhase.INTENT: 1, CredentialPhase.CURRENT: 1}


def test_two_thousand_entries_take_less_than_two_kilobytes_each() -> None:
    ledger = Ledger(cast("Client", Api()), SYSTEM)
    count = 2000
    tracemalloc.start()
    for number in range(count):
        owner = Owner(f"namespace-{number % 20}", f"workflow-{number // 4}", f"{number // 4:036}")
        entry = Credential(
            name="",
            secret=f"secret-{number % 4}",
            engine=FULL.engine,
            rotation_id=rotation_id(owner.uid, "db", str(number)),
            role=f"hw.namespace-{number % 20}.workflow-{number // 4}.db",
            source="f" * 64,
            handle=Handle(3, f"vault:v1:{number:0200}", accessor="a" * 24),
            issued_at=NOW,
            expires_at=NOW,
            proven_at=NOW,
            term=timedelta(hours=1),
        )
        raw = stored(entry, owner, uid=f"{number:036}", managedFields=[{"manager": "m" * 500}])
        ledger.observe("ADDED", raw)
        del raw
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(tuple(ledger.names())) == count
    assert used / count < 2048, f"{used / count:.0f} bytes each"
