# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Values that are drawn, and values that somebody else writes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.engine.secrets.drivers.bench import PATH, Bench
from tests.unit.engine.secrets.drivers.fake import CANARY, FakeVault
from tests.unit.proof.authorities import NOW
from wardkeeper.api.credential import Engine
from wardkeeper.api.reasons import Reason
from wardkeeper.engine.secrets.issue import NothingMade
from wardkeeper.rotation.facts import Source
from wardkeeper.rotation.record import write_time
from wardkeeper.vault.errors import Kind, VaultError
from wardkeeper.vault.kv import SyncedEntry

FIELDS = [{"name": "user"}, {"name": "password"}]
WRITTEN = NOW - timedelta(days=40)


def generated(**more: object) -> Bench:
    return Bench(Engine.KV_GENERATED, source={"kvGenerated": {"fields": FIELDS, **more}})


def synced(data: dict[str, str], *, version: int = 3, deleted: bool = False) -> Bench:
    entry = SyncedEntry(version, WRITTEN, data, deleted)
    return Bench(Engine.KV_SYNCED, FakeVault(synced={PATH: entry}))


async def test_every_rotation_draws_other_values() -> None:
    bench = generated()
    _, first = await bench.bring()
    _, second = await bench.bring()
    assert first is not None
    assert second is not None
    assert not set(first.data.values()) & set(second.data.values())


async def test_a_password_policy_draws_each_field() -> None:
    bench = generated(passwordPolicy="clinic")
    _, version = await bench.bring()
    assert version is not None
    assert version.data == dict.fromkeys(("user", "password"), f"clinic-{CANARY}")
    assert bench.fake.asked("kv.password") == 2


def test_another_policy_asks_for_other_values_and_what_happens_at_the_end_does_not() -> None:
    plain, policy, kept = (
        generated(),
        generated(passwordPolicy="clinic"),
        generated(onDelete="Keep"),
    )
    print_of = [each.driver.fingerprint(each.spec) for each in (plain, policy, kept)]
    assert print_of[0] != print_of[1]
    assert print_of[0] == print_of[2]


async def test_a_synced_value_is_as_old_as_its_writer_made_it() -> None:
    bench = synced({"token": CANARY, "other": "not asked for"})
    entry, version = await bench.bring()
    assert version is not None
    assert version.data == {"token": CANARY}
    assert entry.issued_at == WRITTEN
    assert entry.handle.marker == f"3@{write_time(WRITTEN)}"


async def test_a_source_that_was_looked_at_says_what_is_delivered_when_it_has_not_moved() -> None:
    bench = synced({"token": CANARY})
    entry, _ = await bench.bring()
    assert await bench.driver.look(bench.desk()) == Source(entry.handle.marker, WRITTEN)


@pytest.mark.parametrize(
    ("bench", "found"),
    [
        (synced({}, deleted=True), Source(f"3@{write_time(WRITTEN)}", WRITTEN, deleted=True)),
        (synced({}), Source(f"3@{write_time(WRITTEN)}", WRITTEN, empty=True)),
        (synced({"token": ""}), Source(f"3@{write_time(WRITTEN)}", WRITTEN, empty=True)),
        (Bench(Engine.KV_SYNCED), Source("", deleted=True)),
    ],
    ids=["deleted", "empty", "field empty", "never written"],
)
async def test_a_source_says_when_it_holds_nothing(bench: Bench, found: Source) -> None:
    assert await bench.driver.look(bench.desk()) == found


async def test_a_source_that_was_never_written_is_missing() -> None:
    bench = Bench(Engine.KV_SYNCED)
    with pytest.raises(VaultError) as caught:
        await bench.issue(await bench.intend())
    assert caught.value.kind is Kind.SOURCE_MISSING
    assert PATH in str(caught.value)


@pytest.mark.parametrize("whole", [False, True])
async def test_a_source_that_was_deleted_is_told_of_as_such(whole: bool) -> None:
    bench = synced({"token": CANARY})
    await bench.bring()
    bench.fake.synced = {} if whole else synced({}, deleted=True).fake.synced
    with pytest.raises(NothingMade, match="write it anew") as caught:
        await bench.issue(await bench.intend())
    assert caught.value.reason is Reason.SOURCE_DELETED


async def test_ending_a_synced_value_touches_nothing_that_its_writer_owns() -> None:
    bench = synced({"token": CANARY})
    entry, _ = await bench.bring()
    before = replace(bench.fake.synced[PATH])
    await bench.retire(entry)
    assert bench.fake.synced == {PATH: before}
