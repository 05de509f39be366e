# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What must be true of a workflow that is at rest, whatever happened to it before.

OpenBao and PostgreSQL are asked as their administrators: what lives there is what the ledger and
the status tell, what is delivered works, and nothing else that ever was delivered does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.e2e.furnished import values_of
from tests.lives.acts import FORGED
from tests.lives.life import ROLES
from wardkeeper.proof.handshake import Party, meet
from wardkeeper.rotation.record import read_time

if TYPE_CHECKING:
    from tests.e2e.furnished import Values
    from tests.lives.life import Life
    from tests.lives.scene import Scene

LOGIN = {"username", "password", "url"}
CERTIFICATE = {"tls.crt", "tls.key", "ca.crt"}
INTRUDER = "intruder"


@dataclass
class Truth:
    """What is known of lives, and what is found of them.

    Attributes:
        scene: where they are lived.
        lives: the workflows.
        logins: every login that was ever delivered.
        users: users of the database that were there before.
        certificates: serial numbers of the certificates that were there before.
    """

    scene: Scene
    lives: list[Life]
    logins: dict[tuple[str, str], Values] = field(default_factory=dict)
    users: frozenset[str] = frozenset()
    certificates: frozenset[str] = frozenset()

    def begin(self) -> None:
        """Take note of what is there before any secret is."""
        self.users = frozenset(self.scene.stage.cluster.postgres.users())
        self.certificates = frozenset(_certified(self.scene))

    def check(self) -> None:
        """Everything, of all workflows."""
        alive: dict[tuple[str, str], Values] = {}
        for life in self.lives:
            for name, values in self._delivered(life).items():
                self._works(life, name, values)
                if values.keys() == LOGIN:
                    alive[values["username"], values["password"]] = values
            self._kept(life)
            self._told(life)
            self._access(life)
        self._ended(alive)

    def nothing(self) -> None:
        """Nothing is left of any of the workflows, which are gone."""
        for life in self.lives:
            place = life.place
            assert self.scene.entries(place, life.name) == []
            root = f"secret/metadata/hw/{place.namespace}/{life.name}"
            assert self.scene.stage.vault_keys(root) == []
            self._access(life)
        self._ended({})

    def whole(self, life: Life, since: str) -> None:
        """Each Secret was whole at each of its versions, but for what a stranger did to it.

        What a stranger added is taken out in a write before the one that puts the rest back. One of
        a workflow that was cut off meanwhile may be empty.
        """
        touched: set[str] = set()
        for change in life.place.history(since, "Secret"):
            secret, name = change.obj, change.obj["metadata"]["name"]
            if not name.startswith(f"{life.name}-") or change.type == "DELETED":
                continue
            managers = [one["manager"] for one in secret["metadata"].get("managedFields", ())]
            if INTRUDER in managers:
                touched.add(name)
                continue
            if name in touched:
                touched.discard(name)
                continue
            values = values_of(secret)
            if not values and life.cut_off:
                continue
            told = f"{name} at {change.version}"
            assert values, f"{told} is empty"
            assert all(values.values()), f"{told} is half empty: {sorted(values)}"
            assert FORGED not in values.values(), told
            if "username" in values:
                assert values.keys() == LOGIN, told
                assert quote(values["password"], safe="") in values["url"], told
                assert quote(values["username"], safe="") in values["url"], told
                self.logins[values["username"], values["password"]] = values
            if "tls.crt" in values:
                assert values.keys() == CERTIFICATE, told
                assert _fits(values), f"{told}: the key is not the certificate's"

    def _delivered(self, life: Life) -> dict[str, Values]:
        """What pods read, by the secret's name; each says whose it is."""
        entries, found = life.entries(), {}
        for name in life.delivered():
            secret = life.place.read("Secret", f"{life.name}-{name}")
            [entry] = entries[name]
            annotations = secret["metadata"]["annotations"]
            assert annotations["wardkeeper.io/rotation-id"] == entry["spec"]["rotationId"], name
            assert annotations["wardkeeper.io/source-fingerprint"] == entry["spec"]["source"], name
            found[name] = values_of(secret)
        return found

    def _works(self, life: Life, name: str, values: Values) -> None:
        """What is delivered works, and has the keys that the spec asks for."""
        [(_, source)] = life.declared[name]["source"].items()
        told = f"secret {name} of {life.name}"
        match life.engine(name):
            case "Dynamic" | "AlternatingUsers" | "Static":
                assert values.keys() == LOGIN, told
                assert self.scene.furnished.lets_in(values), f"the login of {told} does not work"
                self.logins[values["username"], values["password"]] = values
            case "pki":
                assert values.keys() == CERTIFICATE, told
                party = Party(values["tls.crt"], values["tls.key"], values["ca.crt"])
                meet(party, party, source["dnsNames"][0])
            case "drawn":
                assert values.keys() == {one["name"] for one in source["fields"]}, told
            case "synced":
                path = f"secret/data/{life.synced(source['path'])}"
                assert values == self.scene.bao("GET", path)["data"]["data"], told

    def _kept(self, life: Life) -> None:
        """KV keeps one version of each secret, the one that is delivered, and nothing else."""
        root = f"hw/{life.place.namespace}/{life.name}"
        listed = self.scene.stage.vault_keys(f"secret/metadata/{root}")
        assert sorted(listed) == sorted(life.delivered()), f"KV of {life.name}"
        for name in life.delivered():
            versions = self.scene.bao("GET", f"secret/metadata/{root}/{name}")["data"]["versions"]
            kept = [
                number
                for number, one in versions.items()
                if not one["destroyed"] and not one["deletion_time"]
            ]
            [entry] = life.entries()[name]
            assert kept == [str(entry["status"]["handle"]["kvVersion"])], f"KV {name}: {versions}"
            data = self.scene.bao("GET", f"secret/data/{root}/{name}")["data"]["data"]
            delivered = values_of(life.place.read("Secret", f"{life.name}-{name}"))
            assert delivered.items() <= data.items(), f"KV {name} is not what is delivered"

    def _told(self, life: Life) -> None:
        """Status tells the truth."""
        status, entries = life.place.status(life.name), life.entries()
        told = {one["name"]: one for one in status.get("secrets", ())}
        assert list(told) == list(life.declared)
        now = datetime.now(UTC)
        for name, one in told.items():
            [entry] = [e for e in entries[name] if e["status"]["phase"] == "Current"]
            made = entry["status"]
            handle = made.get("handle", {})
            version = handle["marker"] if life.engine(name) == "transit" else handle["kvVersion"]
            assert one["engine"] == entry["spec"]["engine"], name
            assert one["version"] == str(version), name
            assert one["rotatedAt"] == made["issuedAt"], name
            assert one["phase"] in ("Idle", "Overlap"), f"{name}: {one}"
            assert one.get("expiresAt") == made.get("expiresAt"), name
            if life.engine(name) != "synced":
                assert read_time(one["rotatedAt"]) < read_time(one["dueAt"]), f"{name}: {one}"
                assert now < read_time(one["dueAt"]) <= read_time(one["deadline"]), f"{name}: {one}"
        assert life.place.condition(life.name, "SecretsCurrent")["status"] == "True"

    def _access(self, life: Life) -> None:
        """Leases, tokens and auth roles are those that the ledger knows."""
        place, entries = life.place, life.entries()
        for which in ROLES:
            role = life.role(f"dynamic-{which}")
            known = [
                one for some in entries.values() for one in some if one["spec"].get("role") == role
            ]
            held = self.scene.furnished.databases.leases(role)
            assert len(held) == len(known), f"leases of {role}"
        listed = self.scene.names("auth/kubernetes/role")
        mine = {one for one in listed if one.endswith(f".{place.namespace}.{life.name}")}
        kinds = "rw" if life.declared and life.uid else ""
        assert mine == {f"hw.{kind}.{place.namespace}.{life.name}" for kind in kinds}
        accessors = set(self.scene.names("auth/token/accessors"))
        tokens = {one["status"]["handle"]["accessor"] for one in entries.get("", ())}
        assert tokens <= accessors, f"the token of {life.name} is dead"

    def _ended(self, alive: dict[tuple[str, str], Values]) -> None:
        """Nothing lives that is not delivered: no login, no user, no certificate."""
        dead = self.logins.keys() - alive.keys()
        still = [
            user for user, word in dead if self.scene.furnished.lets_in(self.logins[user, word])
        ]
        assert not still, f"logins that were replaced still work: {still}"
        made = self.scene.stage.cluster.postgres.users() - self.users
        assert made == {user for user, _ in alive} - self.users
        self._certificates()

    def _certificates(self) -> None:
        """Certificates that are not revoked are those that are delivered."""
        alive = _certified(self.scene) - self.certificates
        known = {
            one["status"]["handle"]["serial"]
            for life in self.lives
            for some in life.entries().values()
            for one in some
            if one["spec"]["engine"] == "Pki"
        }
        assert alive == known, f"certificates that nobody knows: {alive - known}"


def _certified(scene: Scene) -> set[str]:
    """Serial numbers of the certificates that are not revoked."""
    bao = scene.stage.cluster.openbao
    return set(bao.list("pki/certs")) - set(bao.list("pki/certs/revoked"))


def _fits(values: Values) -> bool:
    """Whether key and certificate belong together."""
    key = serialization.load_pem_private_key(values["tls.key"].encode(), None)
    leaf = x509.load_pem_x509_certificates(values["tls.crt"].encode())[0]
    return bool(key.public_key() == leaf.public_key())
