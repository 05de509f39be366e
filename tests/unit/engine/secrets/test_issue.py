# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A credential is made once, kept before anybody knows of it, and adopted when it is there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.unit.engine.secrets.drivers.bench import PATH, SECRET, UID, Bench
from tests.unit.engine.secrets.drivers.fake import CANARY, LASTS, FakeVault
from tests.unit.proof.authorities import NOW
from wardkeeper.api.credential import Engine
from wardkeeper.engine.secrets.issue import NothingMade
from wardkeeper.vault.errors import Kind, VaultError
from wardkeeper.vault.kv import SyncedEntry

if TYPE_CHECKING:
    from wardkeeper.rotation.credential import Credential


async def test_what_is_made_is_kept_and_told_without_another_read() -> None:
    bench = Bench(Engine.KV_GENERATED)
    entry, version = await bench.bring()
    assert bench.fake.calls == ["kv.read", "kv.write"]
    assert version is not None
    assert version.data.keys() == {"user", "password"}
    assert entry.handle.kv_version == version.number == 1
    assert entry.issued_at == NOW


async def test_a_version_that_is_there_is_adopted_with_all_that_lies_beside_it() -> None:
    bench = Bench(Engine.DATABASE_DYNAMIC)
    entry = await bench.intend()
    first, version = await bench.issue(entry)
    bench.entries = [entry]  # the note in the ledger got lost
    again, adopted = await bench.issue(entry)
    assert (again, adopted) == (first, version)
    assert bench.fake.asked("database.creds") == 1
    assert again.term == again.expires_at - NOW == timedelta(seconds=LASTS)  # type: ignore[operator]


async def test_a_version_by_hand_is_replaced_and_never_adopted() -> None:
    fake = FakeVault(kv={SECRET: [{"user": "by hand", "password": "by hand"}]})
    entry, version = await Bench(Engine.KV_GENERATED, fake).bring()
    assert version is not None
    assert "by hand" not in version.data.values()
    assert entry.handle.kv_version == 2


async def test_the_version_of_a_namesake_is_not_adopted() -> None:
    bench = Bench(Engine.KV_GENERATED)
    await bench.bring()
    stored = bench.fake.stored(SECRET)[0]
    stored["_uid"] = f"{UID}-that-is-gone"
    theirs = dict(stored)
    entry, version = await bench.issue(replace_id(bench, theirs["_rotation_id"]))
    assert entry.handle.kv_version == 2
    assert version is not None
    assert version.data["password"] != theirs["password"]


def replace_id(bench: Bench, rotation_id: str) -> Credential:
    bench.entries[-1] = replace(bench.entries[-1], rotation_id=rotation_id)
    return bench.entries[-1]


async def test_the_mac_key_goes_from_version_to_version() -> None:
    bench = Bench(Engine.KV_GENERATED)
    _, first = await bench.bring()
    _, second = await bench.bring()
    assert first is not None
    assert second is not None
    assert first.mac_key == second.mac_key
    assert first.content_mac != second.content_mac


async def test_a_write_that_lost_against_somebody_elses_is_tried_again() -> None:
    bench = Bench(Engine.KV_GENERATED)
    entry = await bench.intend()
    bench.fake.fails_at, bench.fake.kind = 2, Kind.CAS
    done, version = await bench.issue(entry)
    assert version is not None
    assert done.handle.kv_version == 1


async def test_a_lease_whose_version_lost_the_race_is_ended() -> None:
    bench = Bench(Engine.DATABASE_DYNAMIC)
    entry = await bench.intend()
    bench.fake.fails_at, bench.fake.kind = 5, Kind.CAS
    _, version = await bench.issue(entry)
    assert version is not None
    assert list(bench.fake.leases) == [version.beside["lease"]]
    assert bench.fake.asked("database.creds") == 2


async def test_a_lease_that_vault_would_not_keep_is_ended_at_once() -> None:
    bench = Bench(Engine.DATABASE_DYNAMIC)
    entry = await bench.intend()
    bench.fake.fails_at, bench.fake.kind = 5, Kind.DENIED
    with pytest.raises(VaultError) as caught:
        await bench.issue(entry)
    assert caught.value.kind is Kind.DENIED
    assert bench.fake.leases == {}


async def test_a_lease_that_was_kept_while_the_answer_got_lost_lives_on() -> None:
    bench = Bench(Engine.DATABASE_DYNAMIC)
    entry = await bench.intend()
    bench.fake.fails_at, bench.fake.lost = 5, True
    _, version = await bench.issue(entry)
    assert version is not None
    assert list(bench.fake.leases) == [version.beside["lease"]]


async def test_a_lease_is_encrypted_before_the_ledger_gets_it() -> None:
    bench = Bench(Engine.DATABASE_DYNAMIC)
    entry, _ = await bench.bring()
    assert entry.handle.lease.startswith("vault:v1:")
    assert "database/creds" not in repr(entry)


@pytest.mark.parametrize(
    "data", [{}, {"token": ""}, {"other": CANARY}], ids=["nothing", "empty", "another field"]
)
async def test_nothing_empty_replaces_what_is_there(data: dict[str, str]) -> None:
    fake = FakeVault(synced={PATH: SyncedEntry(1, NOW, {"token": CANARY})})
    bench = Bench(Engine.KV_SYNCED, fake)
    await bench.bring()
    fake.synced[PATH] = SyncedEntry(2, NOW, data)
    with pytest.raises(NothingMade, match="token") as caught:
        await bench.issue(await bench.intend())
    assert CANARY not in str(caught.value)
    assert len(fake.stored(SECRET)) == 1


async def test_what_an_entry_delivers_is_found_again_by_its_number() -> None:
    bench = Bench(Engine.KV_GENERATED)
    first, delivered = await bench.bring()
    await bench.bring()
    assert await bench.kept(first) == delivered


async def test_a_number_that_holds_another_rotation_is_not_what_an_entry_delivers() -> None:
    bench = Bench(Engine.KV_GENERATED)
    first, _ = await bench.bring()
    bench.fake.kv[SECRET] = []  # all versions removed: numbers begin again at 1
    await bench.bring()
    assert await bench.kept(first) is None


async def test_a_destroyed_version_is_none() -> None:
    bench = Bench(Engine.KV_GENERATED)
    first, _ = await bench.bring()
    bench.fake.kv[SECRET][0] = None
    assert await bench.kept(first) is None
