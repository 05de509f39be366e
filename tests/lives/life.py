# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""One workflow: what is declared of it, what was asked, and when it is at rest."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.cluster.waiting import until
from tests.component.workflows import cron_job, small
from tests.e2e.furnished import values_of
from tests.e2e.stories import is_ready
from wardkeeper.api.workflow import KIND
from wardkeeper.vault.names import database_role, transit_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from tests.e2e.stage import Obj
    from tests.e2e.stories import Place
    from tests.lives.scene import Scene

SLOTS = ("alpha", "beta", "gamma", "delta")
"""Names of secrets."""

ENGINES = ("Dynamic", "AlternatingUsers", "Static", "drawn", "synced", "pki", "transit")
ROLES = ("one", "two")
"""What an administrator made of each engine that needs it: two of a kind."""

MAC = "wardkeeper.io/content-mac"
SETTLES = 240.0
"""Seconds: what failed is tried again by itself after a pause, and pauses grow."""


@dataclass
class Life:
    """One workflow.

    Attributes:
        scene: where it lives.
        place: its namespace.
        name: its name.
        random: what is drawn for it.
        periodic: it is a CronJob; else a Deployment.
        declared: its secrets as the spec has them, by name.
        uid: of the object that bears the name now; empty without one.
        asked: how many rotations of each secret were asked for.
        broken: secrets that somebody broke in a way that nobody is told of.
        cut_off: it was cut off since it was last at rest.
        upstream: versions of what others write.
    """

    scene: Scene
    place: Place
    name: str
    random: Random
    periodic: bool
    declared: dict[str, Obj] = field(default_factory=dict)
    uid: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    broken: set[str] = field(default_factory=set)
    cut_off: bool = False
    upstream: Counter[str] = field(default_factory=Counter)

    def prepare(self) -> None:
        """What an administrator makes beforehand."""
        namespace, databases = self.place.namespace, self.scene.furnished.databases
        for one in ROLES:
            databases.dynamic(namespace, self.name, f"dynamic-{one}")
            databases.alternating(namespace, self.name, f"turns-{one}")
            databases.static(namespace, self.name, f"static-{one}")
            key = transit_key(namespace, self.name, f"key-{one}")
            self.scene.bao("POST", f"transit/keys/{key}", {})
            self.write_upstream(one)

    def write_upstream(self, path: str) -> None:
        """Somebody writes another version of what is synced."""
        before = self.upstream[path]
        self.upstream[path] += 1
        data = {"token": f"upstream-{self.name}-{path}-{self.upstream[path]}-7f3a"}
        body = {"data": data, "options": {"cas": before}}
        self.scene.bao("POST", f"secret/data/{self.synced(path)}", body)

    def synced(self, path: str) -> str:
        """Where others write."""
        return f"hw-synced/{self.place.namespace}/{self.name}/{path}"

    def role(self, role: str, slot: str = "") -> str:
        """A database role in OpenBao."""
        return database_role(self.place.namespace, self.name, role, slot)

    def draw(self, name: str) -> Obj:
        """A secret of any kind whose role nobody else has."""
        others = [one["source"] for other, one in self.declared.items() if other != name]
        taken = {_named(one) for one in others}
        while True:
            source = self._source(self.random.choice(ENGINES), self.random.choice(ROLES))
            if not _named(source) or _named(source) not in taken:
                return {"name": name, "source": source, "rotation": self.times()}

    def times(self) -> Obj:
        """When it is replaced; nothing is due within a life that is told here."""
        every = self.random.choice(("1h", "2h", "24h"))
        return {"every": every, "overlap": self.random.choice(("0s", "0s", "1s", "3s"))}

    def engine(self, name: str) -> str:
        """What makes a secret: the field below `source`, of a database its strategy."""
        [(kind, source)] = self.declared[name]["source"].items()
        return str(source.get("strategy", kind))

    def told(self, name: str) -> str:
        """A secret in a few words."""
        [source] = self.declared[name]["source"].values()
        role = source.get("role") or source.get("key") or source.get("path")
        return f"{name}={self.engine(name)}{f'({role})' if role else ''}"

    def create(self) -> None:
        """Create it with what is declared."""
        made = (cron_job if self.periodic else small)(self.name, secrets=self._secrets())
        self.uid = self.place.create(made)["metadata"]["uid"]

    def until_gone(self) -> None:
        """Wait until it is gone, after somebody asked to delete it."""

        def gone() -> bool:
            return self.place.get(KIND, self.name) is None

        until(gone, f"{self.name} is gone", seconds=SETTLES)
        self.declared, self.uid = {}, ""
        self.asked.clear()
        self.broken.clear()

    def apply(self) -> None:
        """Change its spec to what is declared."""
        self.place.edit(KIND, self.name, {"spec": {"secrets": self._secrets()}}, "kubectl-edit")

    def ask(self, *names: str) -> None:
        """Ask for rotations of secrets, besides those that were asked for before."""
        self.asked.update(names)
        told = [f"{one}@{self.asked[one]}" for one in self.declared if self.asked[one]]
        if told:
            self.place.annotate(self.name, rotate_now=",".join(told))

    def entries(self) -> dict[str, list[Obj]]:
        """The ledger's entries by secret; the token's under the empty name."""
        found = defaultdict(list)
        for one in self.scene.entries(self.place, self.name):
            found[one["spec"].get("secret", "")].append(one)
        return found

    def until_settled(self) -> None:
        """Wait until nothing is under way any more.

        Raises:
            NotReadyError: it does not come to rest; a note says what is missing.
        """
        try:
            until(
                lambda: not self.unsettled(), f"{self.name} is at rest", seconds=SETTLES, pause=0.1
            )
        except BaseException as error:
            error.add_note(f"{self.name}: {self.unsettled()}")
            raise

    def unsettled(self) -> str:
        """What is still under way; empty when nothing is."""
        workflow = self.place.read(KIND, self.name)
        if not is_ready(workflow):
            return f"not Ready: {workflow.get('status', {}).get('conditions')}"
        status, annotations = workflow["status"], workflow["metadata"].get("annotations", {})
        wanted = annotations.get("wardkeeper.io/rotate-now")
        if self.declared and wanted != status.get("lastHandledRotateNow"):
            return f"{wanted} is not answered"
        entries = self.entries()
        if entries.keys() - {""} != self.declared.keys():
            return f"the ledger knows {sorted(entries)}"
        if len(entries.get("", ())) != bool(self.declared):
            return f"there are {len(entries.get('', ()))} tokens"
        for name in self.declared:
            phases = Counter(_phase(one) for one in entries[name])
            if self.engine(name) == "transit":
                del phases["Kept"]
            if phases != {"Current": 1}:
                return f"entries of {name}: {[one.get('status') for one in entries[name]]}"
        going = [
            e for some in entries.values() for e in some if "deletionTimestamp" in e["metadata"]
        ]
        if any(_phase(one) != "Kept" for one in going):
            return f"entries are going: {[one['metadata']['name'] for one in going]}"
        children = self.place.children(self.name)
        live = {name: one for (kind, name), one in children.items() if kind == "Secret"}
        if live.keys() != {f"{self.name}-{one}" for one in self.delivered()}:
            return f"delivered: {sorted(live)}"
        changed = [one for one in self.delivered() if not self._is_kept(one, live)]
        return f"not delivered as they are kept: {changed}" if changed else ""

    def _is_kept(self, name: str, live: Mapping[str, Obj]) -> bool:
        """Whether a Secret is just what KV keeps, and bears the marks of its delivery."""
        path = f"secret/data/hw/{self.place.namespace}/{self.name}/{name}"
        kept = self.scene.bao("GET", path)["data"]["data"]
        secret = live[f"{self.name}-{name}"]
        told = secret["metadata"].get("annotations", {})
        same = told.get("wardkeeper.io/rotation-id") == kept["_rotation_id"]
        values = {key: value for key, value in kept.items() if not key.startswith("_")}
        return same and MAC in told and values_of(secret) == values

    def delivered(self) -> list[str]:
        """The secrets that are delivered."""
        return [one for one in self.declared if self.engine(one) != "transit"]

    def _secrets(self) -> list[Obj]:
        return list(self.declared.values())

    def _source(self, engine: str, which: str) -> Obj:
        where = self.scene.furnished.databases.connection()
        match engine:
            case "drawn":
                fields = self.random.sample(("password", "pin", "salt"), self.random.randint(1, 3))
                return {"kvGenerated": {"fields": [{"name": one} for one in fields]}}
            case "synced":
                return {"kvSynced": {"path": which, "fields": ["token"]}}
            case "pki":
                names = [f"{which}.{self.name}.{self.place.namespace}.svc"]
                return {"pki": {"ttl": "24h", "dnsNames": names}}
            case "transit":
                return {"transit": {"key": f"key-{which}"}}
        kind = {"Dynamic": "dynamic", "AlternatingUsers": "turns", "Static": "static"}[engine]
        login = {"role": f"{kind}-{which}", "strategy": engine, "connection": where}
        return {"database": login}


def _phase(entry: Obj) -> str:
    """How far an entry has come; one of a key that a person has to give up is kept."""
    phase = str(entry.get("status", {}).get("phase"))
    return "Kept" if (entry["spec"]["engine"], phase) == ("Transit", "Superseded") else phase


def _named(source: Obj) -> str:
    """What no other secret of a workflow may name; empty for none."""
    return str(source.get("database", {}).get("role") or source.get("transit", {}).get("key") or "")
