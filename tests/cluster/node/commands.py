# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The command lines of what runs on a node: pure functions of a layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cluster.components import SERVICE_CIDR
from tests.cluster.node import addresses

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.components import Layout

NODE_NAME = "node"


def containerd(layout: Layout) -> list[str]:
    """Containerd, which runs containers by runc."""
    return ["containerd", f"--config={layout.config / 'containerd.toml'}", "--log-level=warn"]


def kubelet(layout: Layout) -> list[str]:
    """The kubelet; its data are in the folder of the run."""
    root = layout.folder / "node" / "kubelet"
    return [
        layout.program("kubelet"),
        f"--config={layout.config / 'kubelet.yaml'}",
        f"--kubeconfig={layout.config / 'kubelet.kubeconfig'}",
        f"--root-dir={root}",
        f"--cert-dir={root / 'pki'}",
        f"--hostname-override={NODE_NAME}",
        f"--node-ip={addresses.NODE}",
    ]


def kube_proxy(layout: Layout) -> list[str]:
    """What makes the addresses of Services work."""
    return [layout.program("kube-proxy"), f"--config={layout.config / 'kube-proxy.yaml'}"]


def kube_router(layout: Layout, folder: Path) -> list[str]:
    """Kube-router from `folder`, as what enforces NetworkPolicies and nothing else."""
    return [
        str(folder / "kube-router"),
        "--run-firewall=true",
        "--run-router=false",
        "--run-service-proxy=false",
        "--run-loadbalancer=false",
        "--enable-cni=false",
        "--auto-mtu=false",
        "--health-port=0",
        "--metrics-port=0",
        f"--kubeconfig={layout.config / 'kube-router.kubeconfig'}",
        f"--hostname-override={NODE_NAME}",
        f"--service-cluster-ip-range={SERVICE_CIDR}",
    ]
