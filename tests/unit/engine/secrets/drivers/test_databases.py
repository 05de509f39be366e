# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Logins to databases: a user for each lease, two users in turn, and one user."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.unit.engine.secrets.drivers.bench import ROLE, SOURCES, Bench
from tests.unit.engine.secrets.drivers.fake import CANARY, LASTS, FakeVault
from tests.unit.proof.authorities import NOW
from wardkeeper.api.credential import Engine
from wardkeeper.engine.secrets.drivers import database
from wardkeeper.engine.secrets.drivers.database import DatabaseDriver, declared
from wardkeeper.engine.secrets.drivers.paces import DatabasePaces
from wardkeeper.proof.errors import NotProven
from wardkeeper.rotation.record import write_time
from wardkeeper.vault.errors import Kind, VaultError
from wardkeeper.vault.pace import Pace

LONG_AGO = NOW - timedelta(days=7)
ENGINES = (Engine.DATABASE_DYNAMIC, Engine.DATABASE_ALTERNATING, Engine.DATABASE_STATIC)


def bench_of(engine: Engine, **connection: Any) -> Bench:
    source = {"database": {**SOURCES[engine]["database"]}}
    source["database"]["connection"] = {**source["database"]["connection"], **connection}
    fake = FakeVault()
    fake.statics = dict.fromkeys((ROLE, f"{ROLE}.a", f"{ROLE}.b"), (LONG_AGO, 1))
    return Bench(engine, fake, source)


@pytest.mark.parametrize("engine", ENGINES)
async def test_user_password_and_a_url_of_both_are_delivered(engine: Engine) -> None:
    _, version = await bench_of(engine, tls="Require", port=6432).bring()
    assert version is not None
    assert version.data.keys() == {"username", "password", "url"}
    url = urlsplit(version.data["url"])
    assert (url.scheme, url.hostname, url.port) == ("postgresql", "db.clinic.svc", 6432)
    assert (url.path, url.query) == ("/intake", "sslmode=require")
    assert unquote(url.username or "") == version.data["username"]
    assert unquote(url.password or "") == version.data["password"]


def test_no_character_of_a_password_gets_out_of_its_place_in_the_url() -> None:
    spec = bench_of(Engine.DATABASE_DYNAMIC).spec
    password = "a/b@c:d?e#f%g h"
    url = database.files(spec, "u@x", password)["url"]
    assert url.endswith("@db.clinic.svc:5432/intake?sslmode=verify-full")
    assert unquote(urlsplit(url).password or "") == password


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_login_proves_it_where_the_spec_says(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Any, ...]] = []

    async def log_in(*args: Any, **more: Any) -> None:
        seen.append((*args, more["tls"], more["ca_file"]))

    monkeypatch.setattr(database, "log_in", log_in)
    bench = bench_of(engine)
    _, version = await bench.bring()
    assert version is not None
    await bench.driver.prove(bench.desk(), version.data)
    user, password = version.data["username"], version.data["password"]
    assert seen == [("db.clinic.svc", 5432, "intake", user, password, "VerifyFull", None)]


async def test_a_refused_login_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    async def log_in(*_: Any, **__: Any) -> None:
        raise NotProven("refused")

    monkeypatch.setattr(database, "log_in", log_in)
    bench = bench_of(Engine.DATABASE_DYNAMIC)
    _, version = await bench.bring()
    assert version is not None
    with pytest.raises(NotProven):
        await bench.driver.prove(bench.desk(), version.data)


async def test_a_lease_says_when_it_ends_and_not_yet_when_for_good() -> None:
    entry, _ = await bench_of(Engine.DATABASE_DYNAMIC).bring()
    assert entry.expires_at == NOW + timedelta(seconds=LASTS)
    assert entry.ends_at is None


async def test_a_lease_ends_for_good_when_its_role_says_so() -> None:
    bench = bench_of(Engine.DATABASE_DYNAMIC)
    bench.fake.longest = 3 * LASTS
    entry, _ = await bench.bring()
    assert entry.ends_at == NOW + timedelta(seconds=3 * LASTS)


async def test_a_user_that_nobody_knows_is_ended_before_another_is_made() -> None:
    bench = bench_of(Engine.DATABASE_DYNAMIC)
    known, _ = await bench.bring()
    bench.fake.leases[f"database/creds/{ROLE}/lost"] = "nobody knows its password"
    bench.fake.leases[f"database/creds/{ROLE}2/theirs"] = "of another role"
    await bench.bring()
    assert f"database/creds/{ROLE}/lost" not in bench.fake.leases
    assert f"database/creds/{ROLE}2/theirs" in bench.fake.leases
    assert known.handle.lease.removeprefix("vault:v1:")[::-1] in bench.fake.leases


async def test_a_renewed_lease_says_when_it_ends_then() -> None:
    bench = bench_of(Engine.DATABASE_DYNAMIC)
    _, version = await bench.bring()
    assert version is not None
    ends = await bench.driver.renew(bench.desk(), version.beside["lease"])
    assert ends == NOW + timedelta(seconds=LASTS)


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_lease_that_is_gone_cannot_be_renewed(engine: Engine) -> None:
    bench = bench_of(engine)
    with pytest.raises(VaultError) as caught:
        await bench.driver.renew(bench.desk(), "database/creds/gone/1")
    assert caught.value.kind is Kind.LEASE_GONE


async def test_two_users_take_turns() -> None:
    bench = bench_of(Engine.DATABASE_ALTERNATING)
    slots = []
    for _ in range(4):
        entry, version = await bench.bring()
        assert version is not None
        assert version.data["username"] == f"static-{ROLE}.{entry.handle.slot}"
        slots.append(entry.handle.slot)
    assert slots == ["a", "b", "a", "b"]


async def test_the_user_in_use_keeps_its_password_while_the_other_gets_a_new_one() -> None:
    bench = bench_of(Engine.DATABASE_ALTERNATING)
    await bench.bring()
    before = bench.fake.statics[f"{ROLE}.a"]
    await bench.bring()
    assert bench.fake.statics[f"{ROLE}.a"] == before


async def test_the_old_password_of_a_replaced_user_is_dead() -> None:
    bench = bench_of(Engine.DATABASE_ALTERNATING)
    old, _ = await bench.bring()
    await bench.bring()
    await bench.retire(old)
    assert bench.fake.statics[f"{ROLE}.a"][1] == 3
    assert bench.fake.statics[f"{ROLE}.b"][1] == 2


async def test_ending_a_first_login_that_failed_spares_the_same_user_now_in_use() -> None:
    bench = bench_of(Engine.DATABASE_ALTERNATING)
    refused, _ = await bench.issue(await bench.intend())
    used, _ = await bench.bring()
    assert refused.handle.slot == used.handle.slot == "a"
    before = dict(bench.fake.statics)
    await bench.retire(replace(refused, rejected_at=NOW))
    assert bench.fake.statics == before


async def test_the_first_password_of_a_static_user_is_taken_as_it_is() -> None:
    bench = bench_of(Engine.DATABASE_STATIC)
    entry, version = await bench.bring()
    assert version is not None
    assert version.data["password"] == f"{CANARY}-1"
    assert (entry.issued_at, entry.handle.marker) == (LONG_AGO, write_time(LONG_AGO))


async def test_a_static_user_is_rotated_once_for_each_rotation() -> None:
    bench = bench_of(Engine.DATABASE_STATIC)
    await bench.bring()
    _, version = await bench.bring()
    assert version is not None
    assert version.data["password"] == f"{CANARY}-2"


async def test_what_somebody_else_rotated_is_taken_and_not_rotated_again() -> None:
    bench = bench_of(Engine.DATABASE_STATIC)
    await bench.bring()
    bench.fake.rotate(ROLE)
    source = await bench.driver.look(bench.desk())
    entry, version = await bench.bring()
    assert version is not None
    assert version.data["password"] == f"{CANARY}-2"
    assert source is not None
    assert source.marker == entry.handle.marker
    assert bench.fake.asked("rotate_static") == 0


async def test_no_server_is_asked_for_more_credentials_in_a_second_than_is_allowed() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    paces = DatabasePaces(lambda: Pace(2, clock=lambda: 100.0, sleep=sleep))
    for host in ("db.clinic.svc", "db.clinic.svc", "db.other.svc", "db.clinic.svc"):
        async with paces.turn(
            declared(bench_of(Engine.DATABASE_DYNAMIC, host=host).spec).connection
        ):
            pass
    assert waits == [0.5, 1.0, 0.5, 1.5]


@pytest.mark.parametrize("engine", [Engine.DATABASE_DYNAMIC, Engine.DATABASE_ALTERNATING])
async def test_a_credential_waits_for_its_turn(engine: Engine) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    bench = bench_of(engine)
    assert isinstance(bench.driver, DatabaseDriver)
    bench.driver._paces = DatabasePaces(lambda: Pace(2, clock=lambda: 100.0, sleep=sleep))
    await bench.bring()
    assert waits == [0.5]


async def test_a_server_that_has_had_enough_is_asked_half_as_often() -> None:
    pace = Pace(2, clock=lambda: 100.0)
    bench = bench_of(Engine.DATABASE_DYNAMIC)
    with pytest.raises(VaultError):
        async with DatabasePaces(lambda: pace).turn(declared(bench.spec).connection):
            raise VaultError(Kind.RATE_LIMITED, "make a user")
    assert pace.per_second == 1
