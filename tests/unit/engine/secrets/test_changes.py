# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A secret that comes from somewhere else, or under another name, leaves nothing behind.

From every engine to every other one; and two secrets that have one user of the database in turn.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.engine.secrets.ledger_world import OWNER, LedgerWorld, TokenVault
from tests.unit.proof.authorities import NOW
from wardkeeper.api.credential import Engine
from wardkeeper.api.secrets import SecretSpec
from wardkeeper.engine.secrets.drivers import database, drivers
from wardkeeper.engine.secrets.job import Delivered, Job
from wardkeeper.engine.secrets.supply import supply
from wardkeeper.engine.secrets.withdraw import drop
from wardkeeper.rotation.record import write_time
from wardkeeper.vault.kv import SyncedEntry
from wardkeeper.vault.transit import KeyState

if TYPE_CHECKING:
    from wardkeeper.engine.secrets.job import SecretOutcome

DYNAMIC, STATIC = Engine.DATABASE_DYNAMIC, Engine.DATABASE_STATIC
TURNS = Engine.DATABASE_ALTERNATING
ROLE = "hw.radiology.router"
WHERE = {"host": "db.clinic.svc", "database": "intake"}


def login(strategy: str, role: str) -> dict[str, Any]:
    return {"database": {"role": role, "strategy": strategy, "connection": WHERE}}


SOURCES: dict[Engine, dict[str, Any]] = {
    Engine.KV_GENERATED: {"kvGenerated": {"fields": [{"name": "password"}]}},
    Engine.KV_SYNCED: {"kvSynced": {"path": "vendor", "fields": ["token"]}},
    DYNAMIC: login("Dynamic", "one"),
    TURNS: login("AlternatingUsers", "one"),
    STATIC: login("Static", "one"),
    Engine.PKI: {"pki": {"ttl": "24h"}},
    Engine.TRANSIT: {"transit": {"key": "one"}},
}
LOGINS = {DYNAMIC: "Dynamic", TURNS: "AlternatingUsers", STATIC: "Static"}


def secret(name: str, source: dict[str, Any]) -> SecretSpec:
    rotation = {"every": "1h", "overlap": "0s"}
    return SecretSpec.model_validate({"name": name, "source": source, "rotation": rotation})


@dataclass
class Passes:
    """Passes over a workflow whose spec changes in between."""

    world: LedgerWorld = field(default_factory=lambda: LedgerWorld(vault=TokenVault(now=NOW)))
    delivered: dict[str, Delivered] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        vault = self.world.vault
        vault.synced["vendor"] = SyncedEntry(1, NOW, {"token": "k4n4ry-of-a-vendor"})
        for name in ("one", "two"):
            vault.keys[f"{ROLE}.{name}"] = KeyState(1, 1)
            for slot in ("", ".a", ".b"):
                vault.statics[f"{ROLE}.{name}{slot}"] = (NOW, 1)

    async def one(self, *specs: SecretSpec) -> tuple[SecretOutcome, ...]:
        """A pass; then what is not declared goes, as it does when pods use it no more."""
        job = Job(OWNER.namespace, OWNER.name, OWNER.uid, specs, self.delivered)
        services = replace(
            self.world.services,
            drivers=drivers(trust_domain="test", database_ca_file=None),
            publish=self._publish,
        )
        outcomes = (await supply(job, services)).secrets
        kept = {one.name for one in specs if one.source.transit is None}
        for name in self.delivered.keys() - kept:
            del self.delivered[name]
        entered = {one.secret for one in self.world.ledger.all_of(OWNER.uid) if one.secret}
        gone = await drop(OWNER, services, entered - {one.name for one in specs})
        assert gone.done
        return outcomes

    async def twice(self, *specs: SecretSpec) -> None:
        """Two passes, after which nothing is under way any more."""
        for _ in range(2):
            outcomes = await self.one(*specs)
        assert [one.message for one in outcomes if one.reason] == []

    async def _publish(self, made: dict[str, Any]) -> dict[str, Any]:
        name = made["metadata"]["name"].removeprefix(f"{OWNER.name}-")
        self.delivered[name] = Delivered({"metadata": made["metadata"]})
        self.values[name] = made["data"]
        return made

    def alive(self) -> dict[str, int]:
        """What lives in Vault, by what it is."""
        vault = self.world.vault
        return {
            "leases": len(vault.leases),
            "certificates": sum(not one.revoked for one in vault.certificates.values()),
            "kept": len(vault.stored("db")),
            "entries": len(self.world.ledger.of(OWNER.uid, "db")),
        }

    def changes(self, role: str) -> int:
        """How often the password of a static user was changed."""
        return self.world.vault.statics[f"{ROLE}.{role}"][1] - 1


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Passes:
    async def log_in(*_: object, **__: object) -> None:
        """Everybody is let in."""

    monkeypatch.setattr(database, "log_in", log_in)
    return Passes()


@pytest.mark.parametrize(("before", "after"), list(permutations(SOURCES, 2)))
async def test_nothing_is_left_of_the_engine_before(
    passes: Passes, before: Engine, after: Engine
) -> None:
    await passes.twice(secret("db", SOURCES[before]))
    made = {role: passes.changes(role) for role in ("one", "one.a", "one.b")}
    await passes.twice(secret("db", SOURCES[after]))
    assert passes.alive() == {
        "leases": after is DYNAMIC,
        "certificates": after is Engine.PKI,
        "kept": after is not Engine.TRANSIT,
        "entries": 1,
    }
    if before is STATIC:
        assert passes.changes("one") == made["one"] + 1
    if before is TURNS:
        assert passes.changes("one.a") == made["one.a"] + 1
    if after is Engine.TRANSIT:
        assert "db" not in passes.world.vault.kv


@pytest.mark.parametrize("engine", LOGINS)
async def test_nothing_is_left_of_the_role_before(passes: Passes, engine: Engine) -> None:
    await passes.twice(secret("db", login(LOGINS[engine], "one")))
    await passes.twice(secret("db", login(LOGINS[engine], "two")))
    assert passes.alive()["leases"] == (engine is DYNAMIC)
    assert passes.alive()["entries"] == 1
    assert passes.changes("one") == (engine is STATIC)
    assert passes.changes("one.a") == 2 * (engine is TURNS)


async def test_another_key_is_taken_as_it_is(passes: Passes) -> None:
    await passes.twice(secret("db", {"transit": {"key": "one"}}))
    await passes.twice(secret("db", {"transit": {"key": "two"}}))
    assert passes.world.vault.keys[f"{ROLE}.two"] == KeyState(1, 1)
    assert passes.alive()["entries"] == 1


@pytest.mark.parametrize("engine", [STATIC, TURNS])
async def test_a_secret_that_is_called_otherwise_keeps_the_password_that_it_delivers(
    passes: Passes, engine: Engine
) -> None:
    await passes.twice(secret("db", SOURCES[engine]))
    await passes.twice(secret("database", SOURCES[engine]))
    [entry] = passes.world.ledger.of(OWNER.uid, "database")
    changed = passes.world.vault.statics[entry.role]
    before = passes.values["database"]
    await passes.twice(secret("database", SOURCES[engine]))
    assert (passes.world.vault.statics[entry.role], passes.values["database"]) == (changed, before)
    assert entry.handle.marker == write_time(changed[0])


@pytest.mark.parametrize("engine", [STATIC, TURNS])
async def test_two_secrets_that_change_places_both_go_on(passes: Passes, engine: Engine) -> None:
    first, second = (login(LOGINS[engine], role) for role in ("one", "two"))
    await passes.twice(secret("db", first), secret("report", second))
    await passes.twice(secret("db", second), secret("report", first))
    for name in ("db", "report"):
        [entry] = passes.world.ledger.of(OWNER.uid, name)
        assert entry.handle.marker == write_time(passes.world.vault.statics[entry.role][0])
