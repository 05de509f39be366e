# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""One secret at a time, from its intent to its end, as passes carry it; without a ledger."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING, Any, cast

from tests.unit.engine.secrets.drivers.fake import FakeOperator, FakeOwn, FakeVault
from tests.unit.proof.authorities import NOW
from wardkeeper.api.credential import Engine
from wardkeeper.api.secrets import SecretSpec
from wardkeeper.engine.secrets.driver import Desk
from wardkeeper.engine.secrets.drivers import drivers
from wardkeeper.engine.secrets.issue import issue, recall
from wardkeeper.rotation.credential import Credential
from wardkeeper.vault.errors import VaultError

if TYPE_CHECKING:
    from datetime import datetime

    from wardkeeper.engine.secrets.driver import Driver
    from wardkeeper.rotation.version import Version

UID = "uid-1"
SECRET = "one"
ROLE = "hw.clinic.intake.db"
KEY = "hw.clinic.intake.phi"
PATH = "vendor/key"
PASSES = 6
"""Passes after which a credential that is not there will never be."""

_WHERE = {"host": "db.clinic.svc", "database": "intake"}
SOURCES: dict[Engine, dict[str, Any]] = {
    Engine.KV_GENERATED: {"kvGenerated": {"fields": [{"name": "user"}, {"name": "password"}]}},
    Engine.KV_SYNCED: {"kvSynced": {"path": PATH, "fields": ["token"]}},
    Engine.DATABASE_DYNAMIC: {
        "database": {"role": "db", "strategy": "Dynamic", "connection": _WHERE}
    },
    Engine.DATABASE_ALTERNATING: {
        "database": {"role": "db", "strategy": "AlternatingUsers", "connection": _WHERE}
    },
    Engine.DATABASE_STATIC: {
        "database": {"role": "db", "strategy": "Static", "connection": _WHERE}
    },
    Engine.PKI: {"pki": {"dnsNames": ["api.intake.clinic.svc"]}},
    Engine.TRANSIT: {"transit": {"key": "phi"}},
}


@dataclass
class Bench:
    """A driver, its Vault, and the entries that a ledger would keep."""

    engine: Engine
    fake: FakeVault = field(default_factory=FakeVault)
    source: dict[str, Any] = field(default_factory=dict)
    entries: list[Credential] = field(default_factory=list)
    current: Credential | None = None
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.driver: Driver = drivers(trust_domain="test", database_ca_file=None)[self.engine]
        self.spec = SecretSpec.model_validate(
            {"name": SECRET, "source": self.source or SOURCES[self.engine]}
        )
        self.random = Random(1)

    def desk(self, entry: Credential | None = None) -> Desk:
        """What a driver works with now."""
        known = [one.handle.lease for one in self.entries if one.handle.lease]
        return Desk(
            namespace="clinic",
            workflow="intake",
            spec=self.spec,
            own=cast("Any", FakeOwn(self.fake)),
            vault=cast("Any", FakeOperator(self.fake)),
            now=self.now,
            random=self.random,
            entry=entry,
            current=self.current,
            known_leases=frozenset(one.removeprefix("vault:v1:")[::-1] for one in known),
        )

    async def intend(self) -> Credential:
        """Record an intent."""
        prepared = await self.driver.prepare(self.desk())
        entry = Credential(
            name=f"c{len(self.entries)}",
            secret=SECRET,
            engine=self.engine,
            rotation_id=f"rotation-{len(self.entries)}",
            role=prepared.role,
            before=prepared.before,
            intended_at=NOW,
        )
        self.entries.append(entry)
        return entry

    async def issue(self, entry: Credential) -> tuple[Credential, Version | None]:
        """Have it made; what a ledger would note, and what is delivered."""
        issued = await issue(self.driver, self.desk(entry), entry, UID)
        done = replace(entry, **issued.changes)
        self.entries[self.entries.index(entry)] = done
        return done, issued.version

    async def insist(self, entry: Credential) -> tuple[Credential, Version | None]:
        """Have it made in as many passes as it takes."""
        for _ in range(PASSES):
            try:
                return await self.issue(entry)
            except VaultError:
                continue
        raise AssertionError(f"not made in {PASSES} passes")

    async def bring(self) -> tuple[Credential, Version | None]:
        """A new credential that is in use from now on."""
        entry, version = await self.issue(await self.intend())
        return self.accept(entry), version

    def accept(self, entry: Credential) -> Credential:
        """It is in use from now on."""
        self.current = replace(entry, proven_at=NOW)
        self.entries[self.entries.index(entry)] = self.current
        return self.current

    async def kept(self, entry: Credential) -> Version | None:
        """What KV holds of it."""
        return await recall(cast("Any", FakeOwn(self.fake)), SECRET, entry, UID)

    async def retire(self, entry: Credential) -> None:
        """End it, as a pass does."""
        version = await self.kept(entry) if self.driver.delivers else None
        lease = entry.handle.lease.removeprefix("vault:v1:")[::-1]
        if not lease and version is not None:
            lease = version.beside.get("lease", "")
        await self.driver.retire(self.desk(entry), version.data if version else {}, lease)
