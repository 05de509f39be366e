# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The files that the programs of a node read: pure, as plain documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.cluster.node import addresses
from tests.cluster.node.packages import CNI

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.components import Layout

Document = dict[str, Any]

SOCKET = "/run/containerd/containerd.sock"
"""Inside the sandbox, where `/run` is its own."""

CONTAINERD = """\
version = 2
root = "{root}"
state = "/run/containerd"
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni}"
    conf_dir = "{networks}"
"""
"""`restrict_oom_score_adj`: not everybody who is root may ask to be killed last."""


def containerd(root: Path, networks: Path, pause: str) -> str:
    """The configuration of containerd, which keeps its data in `root`."""
    return CONTAINERD.format(root=root, socket=SOCKET, pause=pause, cni=CNI, networks=networks)


def pod_network() -> Document:
    """How a pod gets its address: from one subnet, on one bridge."""
    return {
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [
            {
                "type": "bridge",
                "bridge": addresses.BRIDGE,
                "isGateway": True,
                "ipMasq": True,
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": addresses.POD_SUBNET}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True},
        ],
    }


def kubelet(layout: Layout, cgroup: str, files: int) -> Document:
    """A kubelet that works on either version of cgroups and never deletes an image."""
    pki = layout.pki
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cgroup}",
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "address": addresses.NODE,
        "healthzBindAddress": "127.0.0.1",
        "readOnlyPort": 0,
        "tlsCertFile": str(pki / "kubelet.crt"),
        "tlsPrivateKeyFile": str(pki / "kubelet.key"),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "clusterDNS": [addresses.CLUSTER_DNS],
        "clusterDomain": "cluster.local",
        "resolvConf": "",
        "oomScoreAdj": 0,
        "maxOpenFiles": files,
        "enforceNodeAllocatable": ["pods"],
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
            "nodefs.inodesFree": "1%",
        },
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "nodeStatusUpdateFrequency": "2s",
        "syncFrequency": "10s",
        "makeIPTablesUtilChains": False,
        "podLogsDir": str(layout.folder / "node" / "pod-logs"),
    }


def kube_proxy(layout: Layout) -> Document:
    """Services through nftables; the kernel's connection tables are left as they are."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clusterCIDR": addresses.PODS,
        "hostnameOverride": "node",
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "conntrack": {"maxPerCore": 0},
        "clientConnection": {"kubeconfig": str(layout.config / "kube-proxy.kubeconfig")},
    }
