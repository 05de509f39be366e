# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever call fails, and whether or not it was carried out: one credential lives, not two."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest

from tests.unit.engine.secrets.drivers.bench import KEY, PATH, ROLE, SECRET, Bench
from tests.unit.engine.secrets.drivers.fake import CANARY, FakeVault
from tests.unit.proof.authorities import NOW
from wardkeeper.api.credential import Engine
from wardkeeper.vault.errors import VaultError
from wardkeeper.vault.kv import SyncedEntry
from wardkeeper.vault.transit import KeyState

MADE = tuple(one for one in Engine if one is not Engine.TOKEN)
MOST_CALLS = 14
"""No engine makes as many calls for one credential."""

LONG_AGO = NOW - timedelta(days=7)


def furnished() -> FakeVault:
    """A Vault with everything that an administrator makes."""
    fake = FakeVault()
    fake.synced[PATH] = SyncedEntry(3, LONG_AGO, {"token": CANARY})
    fake.statics = dict.fromkeys((ROLE, f"{ROLE}.a", f"{ROLE}.b"), (LONG_AGO, 1))
    fake.keys[KEY] = KeyState(1, 1)
    return fake


def living(fake: FakeVault, engine: Engine) -> int:
    """How many credentials live that a rotation made or changed."""
    rotations = sum(count - 1 for _, count in fake.statics.values())
    return {
        Engine.KV_GENERATED: len(fake.stored(SECRET)),
        Engine.KV_SYNCED: len(fake.stored(SECRET)),
        Engine.DATABASE_DYNAMIC: len(fake.leases),
        Engine.DATABASE_ALTERNATING: rotations,
        Engine.DATABASE_STATIC: rotations,
        Engine.PKI: sum(not one.revoked for one in fake.certificates.values()),
        Engine.TRANSIT: fake.keys[KEY].latest - 1,
    }[engine]


@pytest.mark.parametrize("lost", [False, True], ids=["not carried out", "answer lost"])
@pytest.mark.parametrize("call", range(1, MOST_CALLS + 1))
@pytest.mark.parametrize("engine", MADE)
async def test_a_call_that_fails_costs_no_second_credential(
    engine: Engine, call: int, lost: bool
) -> None:
    fake = furnished()
    bench = Bench(engine, fake)
    first, _ = await bench.bring()
    lived = living(fake, engine)
    entry = await bench.intend()
    fake.calls.clear()
    fake.fails_at, fake.lost = call, lost
    done, version = await bench.insist(entry)
    adds = 0 if engine is Engine.KV_SYNCED and version is None else 1
    assert living(fake, engine) == lived + adds
    if version is not None:
        fake.fails_at = 0
        assert version == await bench.kept(done)
        assert all(version.data.values())
        assert (await bench.kept(first)) is not None


@pytest.mark.parametrize("call", range(1, MOST_CALLS + 1))
@pytest.mark.parametrize("engine", MADE)
async def test_a_lease_that_is_noted_is_one_that_lives(engine: Engine, call: int) -> None:
    fake = furnished()
    bench = Bench(engine, fake)
    fake.fails_at, fake.lost = call, True
    try:
        entry = await bench.intend()
    except VaultError:
        entry = await bench.intend()
    done, version = await bench.insist(entry)
    if engine is Engine.DATABASE_DYNAMIC:
        assert version is not None
        assert fake.leases[version.beside["lease"]] == version.data["username"]
        assert done.handle.lease == f"vault:v1:{version.beside['lease'][::-1]}"
    if engine is Engine.PKI:
        assert not fake.certificates[done.handle.serial].revoked


@pytest.mark.parametrize("call", range(1, MOST_CALLS + 1))
@pytest.mark.parametrize("engine", MADE)
async def test_an_intent_that_is_given_up_leaves_nothing_alive(engine: Engine, call: int) -> None:
    fake = furnished()
    bench = Bench(engine, fake)
    current, _ = await bench.bring()
    entry = await bench.intend()
    fake.calls.clear()
    fake.fails_at, fake.lost = call, True
    with suppress(VaultError):
        await bench.issue(entry)
    fake.fails_at = 0
    await bench.retire(bench.entries[-1])
    if engine is Engine.DATABASE_DYNAMIC:
        assert len(fake.leases) == 1
    if engine is Engine.PKI:
        alive = [serial for serial, one in fake.certificates.items() if not one.revoked]
        assert alive == [current.handle.serial]
    assert fake.keys[KEY].min_decryption == 1


@pytest.mark.parametrize("engine", MADE)
async def test_what_is_ended_twice_stays_ended_and_the_one_in_use_lives(engine: Engine) -> None:
    fake = furnished()
    bench = Bench(engine, fake)
    old, _ = await bench.bring()
    new, version = await bench.bring()
    await bench.retire(old)
    before = living(fake, engine)
    await bench.retire(old)
    if engine is not Engine.DATABASE_ALTERNATING:
        assert living(fake, engine) == before
    assert (version is None) == (await bench.kept(new) is None)
    if engine is Engine.DATABASE_DYNAMIC:
        assert version is not None
        assert list(fake.leases) == [version.beside["lease"]]
    if engine is Engine.PKI:
        assert not fake.certificates[new.handle.serial].revoked
        assert fake.certificates[old.handle.serial].revoked
    if engine is Engine.DATABASE_ALTERNATING:
        assert fake.statics[f"{ROLE}.{new.handle.slot}"][1] == 2


@pytest.mark.parametrize("call", range(1, MOST_CALLS + 1))
@pytest.mark.parametrize("engine", MADE)
async def test_no_text_of_a_failure_holds_a_value(engine: Engine, call: int) -> None:
    fake = furnished()
    bench = Bench(engine, fake)
    fake.fails_at, fake.lost = call, True
    texts = []
    for _ in range(2):
        try:
            entry, version = await bench.issue(await bench.intend())
            texts += [repr(entry), repr(version), repr(bench.desk(entry))]
        except VaultError as error:
            texts += [repr(error), str(error), repr(error.__cause__), repr(error.__context__)]
    assert not [text for text in texts if CANARY in text or "PRIVATE KEY" in text]
