# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The node itself: containers run, names resolve, policies are enforced, and nothing stays."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cluster import places, runs
from tests.cluster.node import addresses, cgroups
from tests.cluster.node.cluster import NodeCluster
from tests.cluster.node.sandbox import KERNEL
from tests.cluster.processes import ProcessDiedError
from tests.cluster.selection import tools_for
from tests.node.pods import expect, probe_pod

if TYPE_CHECKING:
    from collections.abc import Iterable

pytestmark = pytest.mark.cluster("netpol")

PROJECT = Path(__file__).resolve().parents[2]
CLOSED = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.fixture
def own_records(node: NodeCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run records of this test alone; builds and layers are those of the real cache."""
    shared = [tool.folder for tool in tools_for(node.level)] + [places.cache() / "layers"]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    places.cache().mkdir(parents=True)
    for folder in shared:
        (places.cache() / folder.name).symlink_to(folder)


def kernel_settings() -> dict[str, str]:
    """What a kubelet would change for the whole machine."""
    return {name: Path("/proc/sys", name).read_text().strip() for name in KERNEL}


def mounts_of(folder: Path) -> list[str]:
    """What is mounted in this folder, as this machine sees it."""
    return [
        line for line in Path("/proc/self/mounts").read_text().splitlines() if str(folder) in line
    ]


def alive(pids: Iterable[int]) -> list[int]:
    """Those of the processes that are there."""
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_names_resolve_and_a_policy_really_drops_packets(node: NodeCluster, namespace: str) -> None:
    target = probe_pod(node, namespace, "target", labels={"app": "target"})
    probe_pod(node, namespace, "asker")
    node.kubectl("expose", "pod", "target", "--port=8080", "-n", namespace)
    wanted = [
        f"tcp/{target}/8080",
        f"tcp/target.{namespace}.svc.cluster.local/8080",
        f"tcp/{addresses.NODE}/9000",
        *(f"udp/{address}/53" for address in addresses.OUTSIDE),
        f"udp/{addresses.CLUSTER_DNS}/53",
    ]
    expect(node, namespace, "asker", answers=wanted)
    metadata = {"name": "closed", "namespace": namespace}
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    node.apply({**policy, "metadata": metadata, "spec": CLOSED})
    expect(node, namespace, "asker", silent=wanted)


@pytest.mark.usefixtures("own_records")
def test_a_stopped_node_leaves_nothing() -> None:
    before = kernel_settings()
    with NodeCluster("node") as cluster:
        run = cluster.run
        inside = cgroups.processes(run.folder.name)
        assert inside
        assert kernel_settings() == before
        assert not mounts_of(run.folder)
    assert not any(identity.alive for identity in run.processes.values())
    assert not alive(inside)
    assert not cgroups.left(run.folder.name)
    assert not run.folder.exists()
    assert not run.state.exists()
    assert kernel_settings() == before


@pytest.mark.usefixtures("own_records")
def test_a_start_cleans_up_after_a_node_whose_harness_was_killed() -> None:
    code = (
        "import time; from tests.cluster.node.cluster import NodeCluster\n"
        "cluster = NodeCluster('node'); cluster.start()\n"
        "print(cluster.run.id, flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        identity = victim.stdout.readline().strip()
        victim.send_signal(signal.SIGKILL)
        victim.wait()
    run = next(run for run in runs.recorded() if run.id == identity)
    inside = cgroups.processes(run.folder.name)
    assert len(alive(inside)) == len(inside) > 0
    assert run.processes["sandbox"].alive
    assert runs.sweep() == [identity]
    assert not alive(inside)
    assert not cgroups.left(run.folder.name)
    assert not run.folder.exists()


@pytest.mark.usefixtures("own_records")
def test_a_port_that_is_taken_is_named_and_nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        monkeypatch.setattr(runs, "_free_port", lambda taken: port + len(taken - {port}))
        cluster = NodeCluster("node")
        with pytest.raises(ProcessDiedError, match=rf"port {port} of 127\.0\.0\.1 is taken"):
            cluster.start()
    assert not runs.recorded()
