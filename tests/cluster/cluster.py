# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Our own cluster: a real control plane on the loopback address, with simulated nodes.

Start it with `with Cluster(...)`. Everything it writes is in one temporary folder, everything it
starts is written down with its identity, and both are gone when it ends.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.cluster import components, configuration
from tests.cluster.access import ClusterAccess
from tests.cluster.build import ensure
from tests.cluster.components import Layout
from tests.cluster.ground import Ground
from tests.cluster.levels import Level
from tests.cluster.probe import Probe
from tests.cluster.progress import Report
from tests.cluster.runs import OPENBAO_PORTS, Run, sweep
from tests.cluster.tools import KUBEALL, KWOK
from tests.cluster.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTROL_PLANE_PORTS = ("etcd", "etcd-peer", "apiserver", "controller-manager", "scheduler")


class Cluster(ClusterAccess):
    """A control plane of one's own; a context manager.

    Attributes:
        NODE: address of its real node; empty without one.
    """

    NODE = ""

    def __init__(
        self,
        level: Level | str = Level.SIMULATED,
        *,
        openbao: bool | str = False,
        postgres: bool = False,
        nodes: int = 1,
        programs: Path | None = None,
        report: Report | None = None,
    ) -> None:
        """Say what is wanted; nothing runs yet.

        Args:
            level: what tests may rely on.
            openbao: start OpenBao at the same time, instead of when it is first asked for; a text
                is the version to start.
            postgres: likewise PostgreSQL.
            nodes: how many simulated nodes; only at level `simulated`.
            programs: folder with etcd, kube-apiserver and kubectl; our own build by default.
            report: where progress is said.
        """
        super().__init__(report or Report())
        self.level = Level(level)
        if self.level.real and not self.NODE:
            raise ValueError(f"level {level} has a real node: make it a NodeCluster")
        self._with_openbao = bool(openbao)
        self.openbao_version = openbao if isinstance(openbao, str) else ""
        self._with_postgres = postgres
        self._nodes = nodes if self.level is Level.SIMULATED else 0
        self._programs = programs

    @property
    def audit_log(self) -> Path:
        """The audit log of writes, one JSON document a line."""
        return self._layout.audit_log

    def start(self) -> None:
        """Start everything and wait until it is ready; clean up after dead runs first.

        Raises:
            BuildError: a program is not there and cannot be built.
            NotReadyError: something did not become ready in time.
            ProcessDiedError: something ended by itself.
        """
        programs = self._programs or ensure(KUBEALL, self.report)
        kwok = ensure(KWOK, self.report) if self._nodes else programs
        for dead in sweep():
            self.report.say(f"cleaned up after run {dead}, which died")
        self._run = Run.begin()
        try:
            self._run.reserve(*CONTROL_PLANE_PORTS, *OPENBAO_PORTS)
            self._make_room(self._run)
            self._lay_out(self._run, programs)
            with ThreadPoolExecutor(max_workers=2) as beside, Probe(self._layout) as probe:
                vault = beside.submit(self._start_openbao) if self._with_openbao else None
                database = beside.submit(self._start_postgres) if self._with_postgres else None
                self._start_control_plane(kwok, probe)
                self._finish_start(probe)
                if vault is not None:
                    self._openbao = vault.result()
                if database is not None:
                    self._postgres = database.result()
        except BaseException:
            self.stop()
            raise
        self.report.say(f"Kubernetes {self.version()} at level {self.level}: {self.server}")

    def leave(self) -> Run:
        """Let the cluster outlive this process; `python -m tests.cluster down` ends it."""
        run = self.run
        run.info = {"level": self.level, "KUBECONFIG": str(self.kubeconfig())}
        if self._openbao is not None:
            run.info |= {
                "VAULT_ADDR": self.openbao.address,
                "VAULT_TOKEN": self.openbao.root_token,
            }
        run.leave()
        self._run = None
        return run

    def kubeconfig(self, name: str = "admin") -> Path:
        """The kubeconfig of an identity that exists: `admin`, or one made by `user`."""
        path = self.folder / f"{name}.kubeconfig"
        if not path.exists():
            raise KeyError(f"no identity {name!r}: make it with user({name!r})")
        return path

    def user(self, name: str, groups: tuple[str, ...] | list[str] = ()) -> Path:
        """The kubeconfig of a person with a client certificate; RBAC gives them nothing yet."""
        return self._ground.person(name.replace(":", "."), name, tuple(groups))

    def write_kubeconfig(self, stem: str, user: dict[str, Any]) -> Path:
        """Write a kubeconfig of this cluster for a user section; returns its path."""
        return self._ground.kubeconfig(stem, user)

    def _make_room(self, run: Run) -> None:
        """Whatever has to be there before the first file is written and the first process runs."""

    def _lay_out(self, run: Run, programs: Path) -> None:
        controllers = self.level.includes(Level.CONTROLLERS)
        self._layout = Layout(run.folder, programs, run.ports, controllers, self.NODE)
        self._ground = Ground(self._layout)
        self.folder, self.server = self._layout.config, self._layout.server
        self.ca = self._layout.pki / "ca.crt"
        self.kubectl_program = self._layout.program("kubectl")

    def _start_control_plane(self, kwok: Path, probe: Probe) -> None:
        """Start everything, each as soon as what it needs is there."""
        layout = self._layout
        self.spawn("etcd", components.etcd(layout))
        self._wait(probe.etcd_healthy, "etcd is healthy")
        self.spawn("kube-apiserver", components.apiserver(layout))
        self._wait(lambda: probe.reads("/readyz"), "the API server is ready")
        if self.level.includes(Level.CONTROLLERS):
            self.spawn("kube-controller-manager", components.controller_manager(layout))
            self.spawn("kube-scheduler", components.scheduler(layout))
        if self._nodes:
            self.spawn("kwok", components.kwok(layout, kwok))

    def _finish_start(self, probe: Probe) -> None:
        """Wait until everything that was started is of use."""
        for index in range(self._nodes):
            probe.create("/api/v1/nodes", configuration.node(f"sim-{index}"))
        if self.level.includes(Level.CONTROLLERS):
            place = "/api/v1/namespaces/default"
            account = f"{place}/serviceaccounts/default"
            trust = f"{place}/configmaps/kube-root-ca.crt"
            self._wait(lambda: probe.reads(account), "the default ServiceAccount is there")
            self._wait(lambda: probe.reads(trust), "the ConfigMap kube-root-ca.crt is there")
        if self._nodes:
            self._wait(lambda: probe.ready_nodes() == self._nodes, "the simulated nodes are Ready")

    def _wait(self, probe: Callable[[], bool], what: str) -> None:
        def check() -> None:
            for process in list(self.processes.values()):
                process.check()

        until(probe, what, seconds=60, check=check)
        self.report.say(what)
