# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Transit keys: rotated, used, never delivered; old versions decrypt until a person approves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.engine.secrets.drivers.bench import KEY, Bench
from tests.unit.engine.secrets.drivers.fake import FakeTransit, FakeVault
from tests.unit.proof.authorities import NOW
from wardkeeper.api.credential import Engine
from wardkeeper.proof.errors import NotProven
from wardkeeper.rotation.credential import Handle
from wardkeeper.vault.transit import KeyState


def bench_of(latest: int = 1) -> Bench:
    return Bench(Engine.TRANSIT, FakeVault(keys={KEY: KeyState(latest, 1)}))


async def test_nothing_is_delivered_and_nothing_is_kept_in_kv() -> None:
    bench = bench_of()
    _, version = await bench.bring()
    assert version is None
    assert not bench.fake.kv


async def test_the_version_that_is_there_is_the_first() -> None:
    bench = bench_of(latest=4)
    entry, _ = await bench.bring()
    assert (entry.role, entry.handle.marker) == (KEY, "4")
    assert bench.fake.asked("transit.rotate") == 0


async def test_a_rotation_adds_one_version_and_gives_up_none() -> None:
    bench = bench_of()
    await bench.bring()
    entry, _ = await bench.bring()
    assert entry.handle.marker == "2"
    assert bench.fake.keys[KEY] == KeyState(2, 1)


async def test_a_key_proves_itself_there_and_back() -> None:
    bench = bench_of()
    entry, _ = await bench.bring()
    await bench.driver.prove(bench.desk(entry), {})


async def test_a_key_that_does_not_decrypt_what_it_encrypts_is_not_proven(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def decrypt(*_: object) -> str:
        return "something else"

    monkeypatch.setattr(FakeTransit, "decrypt", decrypt)
    bench = bench_of()
    entry, _ = await bench.bring()
    with pytest.raises(NotProven, match=KEY):
        await bench.driver.prove(bench.desk(entry), {})


async def test_approved_old_versions_are_given_up() -> None:
    bench = bench_of()
    old, _ = await bench.bring()
    await bench.bring()
    await bench.retire(old)
    assert bench.fake.keys[KEY] == KeyState(2, 2)


@pytest.mark.parametrize("issued", [False, True])
async def test_giving_up_a_rotation_makes_no_record_unreadable(issued: bool) -> None:
    bench = bench_of()
    await bench.bring()
    await bench.bring()
    coming = await bench.intend()
    if issued:
        coming, _ = await bench.issue(coming)
    await bench.retire(replace(coming, rejected_at=NOW))
    assert bench.fake.keys[KEY].min_decryption == 1


async def test_a_key_that_another_one_replaced_keeps_all_its_versions() -> None:
    bench = bench_of()
    old, _ = await bench.bring()
    bench.current = replace(old, role="hw.clinic.intake.other", handle=Handle(marker="3"))
    await bench.retire(old)
    assert bench.fake.keys[KEY].min_decryption == 1
