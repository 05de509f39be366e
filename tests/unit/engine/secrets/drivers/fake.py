# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What drivers ask of Vault, in memory; any call may fail, before or after it was carried out.

Values hold `CANARY`, so that a test can search texts for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from cryptography import x509

from tests.unit.proof.authorities import NOW, Signer
from wardkeeper.proof.certificate import inspect
from wardkeeper.vault.database import DynamicLogin, StaticLogin
from wardkeeper.vault.errors import Kind, VaultError
from wardkeeper.vault.kv import KvEntry, SyncedEntry
from wardkeeper.vault.pki import SignedCertificate, StoredCertificate
from wardkeeper.vault.transit import KeyState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

T = TypeVar("T")
CANARY = "k4n4ry"
LASTS = 3600.0


@dataclass
class Certified:
    """A certificate that was signed."""

    pem: str
    revoked: bool = False


@dataclass
class FakeVault:
    """State of the fake, and the call that fails.

    Attributes:
        fails_at: number of the call that fails; 0: none does.
        lost: that call is carried out, and only its answer gets lost.
        kind: how it fails.
        calls: names of the calls so far.
        now: its clock.
        kv: versions by secret; None: destroyed.
        synced: what others write, by path.
        leases: the user of each lease that lives.
        statics: when each static role was last rotated, and how often.
        certificates: what was signed, by serial number.
        keys: newest version and oldest that decrypts, by key.
        longest: seconds that the role of a login lets it live at most; None: it does not say.
    """

    fails_at: int = 0
    lost: bool = False
    kind: Kind = Kind.UNREACHABLE
    calls: list[str] = field(default_factory=list)
    now: datetime = NOW
    kv: dict[str, list[dict[str, str] | None]] = field(default_factory=dict)
    synced: dict[str, SyncedEntry] = field(default_factory=dict)
    leases: dict[str, str] = field(default_factory=dict)
    statics: dict[str, tuple[datetime, int]] = field(default_factory=dict)
    certificates: dict[str, Certified] = field(default_factory=dict)
    keys: dict[str, KeyState] = field(default_factory=dict)
    until: datetime = NOW + timedelta(days=1)
    longest: float | None = None
    root: Signer = field(default_factory=Signer.root)

    def __post_init__(self) -> None:
        self.users = 0
        self.intermediate = self.root.below()

    def run(self, name: str, act: Callable[[], T]) -> T:
        """Carry a call out, or not."""
        self.calls.append(name)
        fails = len(self.calls) == self.fails_at
        if fails and not self.lost:
            raise VaultError(self.kind, name)
        done = act()
        if fails:
            raise VaultError(self.kind, name)
        return done

    def asked(self, name: str) -> int:
        """How often a call was made."""
        return self.calls.count(name)

    def stored(self, secret: str) -> list[dict[str, str]]:
        """The versions of a secret that are not destroyed."""
        return [one for one in self.kv.get(secret, []) if one]

    def rotate(self, role: str) -> None:
        """The password of a static role changes."""
        at, count = self.statics[role]
        self.statics[role] = (at + timedelta(seconds=1), count + 1)


class FakeKv:
    """`OwnPath`."""

    def __init__(self, vault: FakeVault) -> None:
        self._vault = vault

    async def read(self, secret: str, version: int | None = None) -> KvEntry | None:
        def act() -> KvEntry | None:
            versions = self._vault.kv.get(secret, [])
            if not versions:
                return None
            number = version or len(versions)
            return KvEntry(number, self._vault.now, versions[number - 1] or {})

        return self._vault.run("kv.read", act)

    async def write(self, secret: str, data: Mapping[str, str], cas: int) -> KvEntry:
        assert all(isinstance(value, str) for value in data.values())

        def act() -> KvEntry:
            versions = self._vault.kv.setdefault(secret, [])
            if cas != len(versions):
                raise VaultError(Kind.CAS, "write")
            versions.append(dict(data))
            return KvEntry(len(versions), self._vault.now, dict(data))

        return self._vault.run("kv.write", act)

    async def destroy(self, secret: str, versions: tuple[int, ...]) -> None:
        def act() -> None:
            for number in versions:
                self._vault.kv[secret][number - 1] = None

        self._vault.run("kv.destroy", act)

    async def read_synced(self, path: str) -> SyncedEntry | None:
        return self._vault.run("kv.read_synced", lambda: self._vault.synced.get(path))

    async def password(self, policy: str) -> str:
        return self._vault.run("kv.password", lambda: f"{policy}-{CANARY}")


class FakeDatabase:
    """`OwnDatabase`."""

    def __init__(self, vault: FakeVault) -> None:
        self._vault = vault

    async def creds(self, role: str) -> DynamicLogin:
        def act() -> DynamicLogin:
            self._vault.users += 1
            user, lease = f"user-{self._vault.users}", f"database/creds/{role}/{self._vault.users}"
            self._vault.leases[lease] = user
            return DynamicLogin(user, f"{CANARY}/{self._vault.users}", lease, LASTS)

        return self._vault.run("database.creds", act)

    async def longest(self, role: str) -> float | None:
        return self._vault.run("database.longest", lambda: self._vault.longest)

    async def static(self, role: str) -> StaticLogin:
        def act() -> StaticLogin:
            at, count = self._vault.statics[role]
            return StaticLogin(f"static-{role}", f"{CANARY}-{count}", at)

        return self._vault.run("database.static", act)

    async def renew(self, lease: str) -> float:
        def act() -> float:
            if lease not in self._vault.leases:
                raise VaultError(Kind.LEASE_GONE, "renew")
            return LASTS

        return self._vault.run("database.renew", act)


class FakePki:
    """`OwnPki`."""

    def __init__(self, vault: FakeVault) -> None:
        self._vault = vault

    async def sign(
        self,
        csr: str,
        *,
        common_name: str,
        dns_names: tuple[str, ...],
        uris: tuple[str, ...],
        ttl: int,
    ) -> SignedCertificate:
        assert common_name in dns_names
        assert uris
        assert ttl

        def act() -> SignedCertificate:
            pem = self._vault.intermediate.sign(csr, until=self._vault.until)
            serial = inspect(pem).serial
            self._vault.certificates[serial] = Certified(pem)
            chain = (self._vault.intermediate.pem, self._vault.root.pem)
            return SignedCertificate(pem, chain, serial)

        return self._vault.run("pki.sign", act)

    async def authorities(self) -> tuple[str, ...]:
        return self._vault.run(
            "pki.authorities", lambda: (self._vault.intermediate.pem, self._vault.root.pem)
        )

    async def revoke_with_key(self, certificate: str, key: str) -> None:
        assert key.startswith("-----BEGIN PRIVATE KEY-----")
        assert len(x509.load_pem_x509_certificates(certificate.encode())) == 1

        def act() -> None:
            self._vault.certificates[inspect(certificate).serial].revoked = True

        self._vault.run("pki.revoke_with_key", act)


class FakeTransit:
    """`OwnTransit`."""

    def __init__(self, vault: FakeVault) -> None:
        self._vault = vault

    async def key(self, name: str) -> KeyState:
        return self._vault.run("transit.key", lambda: self._vault.keys[name])

    async def rotate(self, name: str) -> None:
        def act() -> None:
            state = self._vault.keys[name]
            self._vault.keys[name] = KeyState(state.latest + 1, state.min_decryption)

        self._vault.run("transit.rotate", act)

    async def give_up_before(self, name: str, version: int) -> None:
        def act() -> None:
            self._vault.keys[name] = KeyState(self._vault.keys[name].latest, version)

        self._vault.run("transit.give_up_before", act)

    async def encrypt(self, name: str, text: str) -> str:
        return self._vault.run("transit.encrypt", lambda: f"{name}:{text[::-1]}")

    async def decrypt(self, name: str, ciphertext: str) -> str:
        return self._vault.run("transit.decrypt", lambda: ciphertext.removeprefix(f"{name}:")[::-1])


class FakeOwn:
    """`OwnVault`."""

    def __init__(self, vault: FakeVault) -> None:
        self.kv = FakeKv(vault)
        self.database = FakeDatabase(vault)
        self.pki = FakePki(vault)
        self.transit = FakeTransit(vault)


class FakeOperator:
    """`WorkflowVault`."""

    def __init__(self, vault: FakeVault) -> None:
        self._vault = vault

    async def encrypt(self, text: str) -> str:
        return self._vault.run("encrypt", lambda: f"vault:v1:{text[::-1]}")

    async def decrypt(self, ciphertext: str) -> str:
        return self._vault.run("decrypt", lambda: ciphertext.removeprefix("vault:v1:")[::-1])

    async def leases(self, role: str) -> tuple[str, ...]:
        start = f"database/creds/{role}/"
        return self._vault.run(
            "leases", lambda: tuple(one for one in self._vault.leases if one.startswith(start))
        )

    async def revoke_lease(self, lease: str) -> None:
        def act() -> None:
            self._vault.leases.pop(lease, None)

        self._vault.run("revoke_lease", act)

    async def rotate_static(self, role: str) -> None:
        self._vault.run("rotate_static", lambda: self._vault.rotate(role))

    async def certificates(self) -> tuple[str, ...]:
        return self._vault.run("certificates", lambda: tuple(self._vault.certificates))

    async def certificate(self, serial: str) -> StoredCertificate:
        def act() -> StoredCertificate:
            found = self._vault.certificates[serial]
            return StoredCertificate(found.pem, found.revoked)

        return self._vault.run("certificate", act)
