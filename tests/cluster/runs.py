# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The record of one run: its folder, its ports, its processes, and who answers for it.

Everything is written down before it is made, in a state file in the cache. So whoever comes next
can end what a dead run left behind, and touches nothing that was not written down.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import shutil
import socket
import tempfile
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster import places
from tests.cluster.locking import locked
from tests.cluster.node import cgroups
from tests.cluster.processes import Identity, end

PORTS = range(20000, 30000)
"""Below the ports that Linux gives to outgoing connections, and below Kubernetes' node ports."""

OPENBAO_PORTS = ("openbao", "openbao-peer")
"""Reserved in every run, so that OpenBao can be started at any time."""

SANDBOX = "sandbox"
"""The first process of a run's own namespaces; the kernel ends with it whatever runs in them."""

STOP_ORDER = (
    ("kwok", "kube-scheduler", "kube-controller-manager", "openbao"),
    ("kube-apiserver", "postgres"),
    ("etcd",),
)
"""Who is ended together; each group only when the one before it is gone."""


@dataclass
class Run:
    """What is known about one run.

    Attributes:
        id: names the run on this machine.
        folder: holds everything the run writes.
        owner: the process that ends the run; None for one that is meant to stay.
        ports: what listens where on the loopback address.
        processes: what was started, by name.
        within: how to enter the run's own namespaces, as `Process` wants it; empty without.
        info: what `status` shows.
    """

    id: str
    folder: Path
    owner: Identity | None
    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, Identity] = field(default_factory=dict)
    within: tuple[str, ...] = ()
    info: dict[str, str] = field(default_factory=dict)
    _writing: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @classmethod
    def begin(cls) -> Run:
        """A new run of this process, with an empty folder."""
        identity = secrets.token_hex(4)
        folder = Path(tempfile.gettempdir()) / f"{places.FOLDER_PREFIX}{identity}"
        run = cls(id=identity, folder=folder, owner=Identity.of(os.getpid()))
        run.save()
        folder.mkdir(mode=0o711)
        run.logs.mkdir(mode=0o700)
        return run

    @property
    def logs(self) -> Path:
        """The folder of what processes print."""
        return self.folder / "logs"

    @property
    def state(self) -> Path:
        """The state file."""
        return places.runs() / f"{self.id}.json"

    @property
    def abandoned(self) -> bool:
        """Whether nobody will end this run any more."""
        if self.owner is not None:
            return not self.owner.alive
        return not any(identity.alive for identity in self.processes.values())

    def save(self) -> None:
        """Write the state file, whole or not at all."""
        with self._writing:
            document = {
                "id": self.id,
                "folder": str(self.folder),
                "owner": asdict(self.owner) if self.owner else None,
                "ports": self.ports,
                "processes": {name: asdict(found) for name, found in self.processes.items()},
                "within": self.within,
                "info": self.info,
            }
            self.state.parent.mkdir(parents=True, exist_ok=True)
            draft = self.state.with_suffix(".tmp")
            draft.touch(mode=0o600)
            draft.write_text(json.dumps(document, indent=1))
            draft.replace(self.state)

    def reserve(self, *names: str) -> None:
        """Choose a free port for each name; no other run of this user gets the same."""
        with locked(places.runs() / "lock"):
            taken = {port for other in recorded() for port in other.ports.values()}
            for name in names:
                self.ports[name] = _free_port(taken)
                taken.add(self.ports[name])
            self.save()

    def port(self, name: str) -> int:
        """The port of that name; reserved when it is first asked for, and the run's to its end."""
        if name not in self.ports:
            self.reserve(name)
        return self.ports[name]

    def started(self, name: str, identity: Identity) -> None:
        """Write down a process that has just been started."""
        with self._writing:
            self.processes[name] = identity
        self.save()

    def leave(self) -> None:
        """Let the run outlive this process; `down` ends it."""
        self.owner = None
        self.save()

    def finish(self) -> None:
        """End every process, remove cgroups and the folder, then the record."""
        named = {SANDBOX, *(name for group in STOP_ORDER for name in group)}
        others = tuple(name for name in self.processes if name not in named)
        for group in ((SANDBOX,), others, *STOP_ORDER):  # all that is inside ends with the first
            end([self.processes[name] for name in group if name in self.processes])
        cgroups.remove(self.folder.name)
        if self.folder.name.startswith(places.FOLDER_PREFIX):
            shutil.rmtree(self.folder, ignore_errors=True)
        self.state.unlink(missing_ok=True)


def recorded() -> list[Run]:
    """All runs that have a state file."""
    found = []
    for path in sorted(places.runs().glob("*.json")):
        try:
            found.append(_read(path))
        except FileNotFoundError:
            continue  # its owner has just finished it
    return found


def sweep() -> list[str]:
    """Clean up after runs that died; returns their names."""
    with locked(places.runs() / "lock"):
        dead = [run for run in recorded() if run.abandoned]
        for run in dead:
            run.finish()
    return [run.id for run in dead]


def _read(path: Path) -> Run:
    document: dict[str, Any] = json.loads(path.read_text())
    return Run(
        id=document["id"],
        folder=Path(document["folder"]),
        owner=Identity(**document["owner"]) if document["owner"] else None,
        ports=document["ports"],
        processes={name: Identity(**found) for name, found in document["processes"].items()},
        within=tuple(document.get("within", ())),
        info=document["info"],
    )


def _free_port(taken: set[int]) -> int:
    for port in random.sample(PORTS, len(PORTS)):
        if port in taken:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise OSError(f"no port free between {PORTS.start} and {PORTS.stop} on the loopback address")
