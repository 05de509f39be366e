# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Our own cluster with a real node: everything of it, the control plane too, lives in a sandbox.

Programs outside reach its servers at the same loopback addresses, through a relay.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from tests.cluster.build import ensure
from tests.cluster.cluster import Cluster
from tests.cluster.ground import write_document
from tests.cluster.levels import Level
from tests.cluster.node import addresses, cgroups, commands, dns, documents, stock
from tests.cluster.node.sandbox import Sandbox
from tests.cluster.openbao import OpenBao, Secured
from tests.cluster.processes import Process
from tests.cluster.tools import COREDNS, KUBE_ROUTER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.node.images import Image
    from tests.cluster.probe import Probe
    from tests.cluster.progress import Report
    from tests.cluster.runs import Run

OUTSIDE_PORTS = (53, 80, 443, 8443, 9000)
"""Where what stands for the world outside answers, on each of its addresses, by TCP and UDP."""

ON_NODE = (f"tcp/{addresses.NODE}/9000", f"udp/{addresses.NODE}/9000")
"""Where a server of the node answers, besides those of Kubernetes."""


class NodeCluster(Cluster):
    """A control plane and one node on which containers run; a context manager.

    Attributes:
        sandbox: where all of it is.
        probe_image: what the workloads of tests are made from.
    """

    NODE = addresses.NODE

    def __init__(
        self,
        level: Level | str = Level.NETPOL,
        *,
        openbao: bool = False,
        report: Report | None = None,
    ) -> None:
        """Say what is wanted; nothing runs yet."""
        super().__init__(level, openbao=openbao, report=report)
        self.sandbox: Sandbox
        self.probe_image: Image

    def load(self, image: Image) -> None:
        """Make an image known to the node, by its tag and by its digest."""
        ctr = ("ctr", "--namespace=k8s.io", "images")
        self.sandbox.call(*ctr, "import", "--no-unpack", str(image.archive))
        self.sandbox.call(*ctr, "tag", "--force", image.tagged, image.reference)

    def kill(self, uid: str) -> None:
        """Kill everything that runs in a pod, as a crash of all its processes at once would."""
        for pid in cgroups.processes(self.run.folder.name, uid):
            os.kill(pid, signal.SIGKILL)

    def _start_openbao(self) -> OpenBao:
        """OpenBao inside the sandbox, for pods at `https://openbao.openbao.svc:8200`."""
        names = ("openbao.openbao.svc", "openbao.openbao.svc.cluster.local")
        self._ground.server_certificate("openbao", names, addresses.NODE)
        pki = self._layout.pki
        where = Secured(f"{addresses.NODE}:8200", pki / "openbao.crt", pki / "openbao.key")
        openbao = OpenBao(self.run, self.report, secured=where)
        self.processes["openbao"] = openbao.process
        openbao.start()
        return openbao

    def _make_room(self, run: Run) -> None:
        self._built = {tool: ensure(tool, self.report) for tool in (COREDNS, KUBE_ROUTER)}
        self.sandbox = Sandbox(run)
        self.processes["sandbox"] = self.sandbox.process
        self.sandbox.start()
        relay = Process(
            "relay",
            self.sandbox.relay(*run.ports.values()),
            log=run.logs / "relay.log",
            folder=run.folder,
            on_start=run.started,
        )
        self.processes["relay"] = relay
        relay.start()

    def _start_control_plane(self, kwok: Path, probe: Probe) -> None:
        self._write_files()
        with ThreadPoolExecutor(max_workers=1) as beside:
            containers = beside.submit(self._start_containers)
            self._listen()
            super()._start_control_plane(kwok, probe)
            containers.result()
        self.spawn("kubelet", commands.kubelet(self._layout))
        self.spawn("kube-proxy", commands.kube_proxy(self._layout))

    def _finish_start(self, probe: Probe) -> None:
        super()._finish_start(probe)
        self._wait(lambda: probe.ready_nodes() == 1, "the node is Ready")
        if self.level.includes(Level.NETPOL):  # asks for the Node when it starts
            folder = self._built[KUBE_ROUTER]
            self.spawn("kube-router", commands.kube_router(self._layout, folder))
        self.apply(*dns.objects(self._coredns_image.tagged))
        self._wait(partial(self._available, "coredns", dns.NAMESPACE), "CoreDNS answers")

    def _write_files(self) -> None:
        layout, node = self._layout, self.run.folder / "node"
        networks = node / "networks"
        networks.mkdir(parents=True)
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        config = layout.config
        (config / "containerd.toml").write_text(
            documents.containerd(node / "containerd", networks, f"{stock.PAUSE}:test")
        )
        (networks / "10-bridge.conflist").write_text(json.dumps(documents.pod_network()))
        write_document(
            config / "kubelet.yaml", documents.kubelet(layout, self.run.folder.name, files)
        )
        write_document(config / "kube-proxy.yaml", documents.kube_proxy(layout))

    def _start_containers(self) -> None:
        """Start containerd and give it the images that everything else needs."""
        folder = self.run.folder / "images"
        folder.mkdir()
        self.spawn("containerd", commands.containerd(self._layout))
        self._coredns_image = stock.coredns(folder, self._built[COREDNS] / "coredns")
        self.probe_image = stock.probe(folder, self.report)
        self._wait(self._containerd_answers, "containerd answers")
        for image in (stock.pause(folder), self._coredns_image, self.probe_image):
            self.load(image)

    def _listen(self) -> None:
        """Let everything around the pods answer, so that silence means that somebody dropped it."""
        program = (sys.executable, "-I", str(stock.PROBE), "listen")
        self.spawn("node-server", [*program, *ON_NODE])
        beyond = ("nsenter", f"--net=/run/netns/{addresses.BEYOND}", "--")
        places = (
            f"{protocol}/{address}/{port}"
            for protocol in ("tcp", "udp")
            for address in addresses.OUTSIDE
            for port in OUTSIDE_PORTS
        )
        self.spawn("world", [*beyond, *program, *places])

    def _containerd_answers(self) -> bool:
        return (self.sandbox.root / documents.SOCKET.lstrip("/")).exists()

    def _available(self, name: str, namespace: str) -> bool:
        found = self.get("deployment", name, namespace)
        status = found["status"] if found else {}
        return bool(status.get("availableReplicas", 0) == status.get("replicas", 1))
