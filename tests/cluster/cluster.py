# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Our own cluster: a real control plane on the loopback address, with simulated nodes.

Start it with `with Cluster(...)`. Everything it writes is in one temporary folder, everything it
starts is written down with its identity, and both are gone when it ends.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

from tests.cluster import components, configuration
from tests.cluster.access import ClusterAccess
from tests.cluster.build import ensure
from tests.cluster.components import Layout
from tests.cluster.ground import Ground
from tests.cluster.levels import Level
from tests.cluster.openbao import OpenBao
from tests.cluster.probe import Probe
from tests.cluster.processes import Process
from tests.cluster.progress import Report
from tests.cluster.runs import Run, sweep
from tests.cluster.tools import KUBEALL, KWOK
from tests.cluster.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

CONTROL_PLANE_PORTS = ("etcd", "etcd-peer", "apiserver", "controller-manager", "scheduler")
OPENBAO_PORTS = ("openbao", "openbao-peer")


class Cluster(ClusterAccess):
    """A control plane of one's own; a context manager."""

    def __init__(
        self,
        level: Level | str = Level.SIMULATED,
        *,
        openbao: bool = False,
        nodes: int = 1,
        programs: Path | None = None,
        report: Report | None = None,
    ) -> None:
        """Say what is wanted; nothing runs yet.

        Args:
            level: what tests may rely on.
            openbao: start OpenBao at the same time, instead of when it is first asked for.
            nodes: how many simulated nodes; only at level `simulated`.
            programs: folder with etcd, kube-apiserver and kubectl; our own build by default.
            report: where progress is said.
        """
        self.level = Level(level)
        self.processes: dict[str, Process] = {}
        self._report = report or Report()
        self._with_openbao = openbao
        self._openbao: OpenBao | None = None
        self._nodes = nodes if self.level is Level.SIMULATED else 0
        self._programs = programs
        self._run: Run | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def run(self) -> Run:
        """The record of this run.

        Raises:
            RuntimeError: the cluster is not running.
        """
        if self._run is None:
            raise RuntimeError("the cluster is not running")
        return self._run

    @property
    def openbao(self) -> OpenBao:
        """The cluster's OpenBao; started when it is first asked for."""
        if self._openbao is None:
            self._openbao = self._start_openbao()
        return self._openbao

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
        programs = self._programs or ensure(KUBEALL, self._report)
        kwok = ensure(KWOK, self._report) if self._nodes else programs
        for dead in sweep():
            self._report.say(f"cleaned up after run {dead}, which died")
        self._run = Run.begin()
        try:
            self._run.reserve(*CONTROL_PLANE_PORTS, *OPENBAO_PORTS)
            self._lay_out(self._run, programs)
            with ThreadPoolExecutor(max_workers=1) as beside:
                vault = beside.submit(self._start_openbao) if self._with_openbao else None
                self._start_control_plane(kwok)
                self._finish_start(vault)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every process and remove everything; safe to call twice."""
        if self._run is None:
            return
        self._run.finish()
        for process in self.processes.values():
            process.stop()
        self._probe.close()
        self.processes.clear()
        self._run = self._openbao = None

    def leave(self) -> None:
        """Let the cluster outlive this process; `python -m tests.cluster down` ends it."""
        self.run.leave()

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

    def _lay_out(self, run: Run, programs: Path) -> None:
        controllers = self.level.includes(Level.CONTROLLERS)
        self._layout = Layout(run.folder, programs, run.ports, controllers)
        self._probe = Probe(self._layout)
        self._ground = Ground(self._layout)
        self.folder, self.server = self._layout.config, self._layout.server
        self.ca = self._layout.pki / "ca.crt"
        self.kubectl_program = self._layout.program("kubectl")

    def _start_control_plane(self, kwok: Path) -> None:
        """Start everything, each as soon as what it needs is there."""
        layout = self._layout
        self._spawn("etcd", components.etcd(layout))
        self._wait(self._probe.etcd_healthy, "etcd is healthy")
        self._spawn("kube-apiserver", components.apiserver(layout))
        self._wait(lambda: self._probe.reads("/readyz"), "the API server is ready")
        if self.level.includes(Level.CONTROLLERS):
            self._spawn("kube-controller-manager", components.controller_manager(layout))
            self._spawn("kube-scheduler", components.scheduler(layout))
        if self._nodes:
            self._spawn("kwok", components.kwok(layout, kwok))

    def _finish_start(self, vault: Future[OpenBao] | None) -> None:
        """Wait until everything that was started is of use."""
        probe = self._probe
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
        if vault is not None:
            self._openbao = vault.result()
        self._report.say(f"Kubernetes {self.version()} at level {self.level}: {self.server}")

    def _start_openbao(self) -> OpenBao:
        openbao = OpenBao(self.run, self._report)
        self.processes["openbao"] = openbao.process
        openbao.start()
        return openbao

    def _spawn(self, name: str, command: list[str]) -> None:
        process = Process(
            name,
            command,
            log=self._layout.logs / f"{name}.log",
            folder=self.run.folder,
            on_start=self.run.started,
        )
        self.processes[name] = process
        process.start()

    def _wait(self, probe: Callable[[], bool], what: str) -> None:
        def check() -> None:
            for process in list(self.processes.values()):
                process.check()

        until(probe, what, seconds=60, check=check)
