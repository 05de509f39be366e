# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The command lines of the control plane: pure functions of a layout.

Everything listens on the loopback address only; an API server with a real node, which lives in a
sandbox with it, also on the address that pods reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.cluster.places import SOURCES

if TYPE_CHECKING:
    from pathlib import Path

RUN_ONCE = SOURCES / "run-once.yaml"
"""How kwok lets pods end that are of no Job, besides its own stages."""

HOST = "127.0.0.1"
ISSUER = "https://kubernetes.default.svc.cluster.local"
SERVICE_CIDR = "10.96.0.0/16"
SERVICE_ADDRESS = "10.96.0.1"
POD_CIDR = "10.244.0.0/16"

SERVER_NAMES = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where one cluster has its programs, files and ports.

    Attributes:
        folder: of the run; `pki`, `config`, `logs` and `etcd` are in it.
        programs: folder with etcd, kube-apiserver and so on.
        ports: by name: etcd, etcd-peer, apiserver, controller-manager, scheduler.
        controllers: whether a controller-manager will run.
        node: address of the real node; empty when there is none.
    """

    folder: Path
    programs: Path
    ports: dict[str, int]
    controllers: bool = True
    node: str = ""

    @property
    def pki(self) -> Path:
        """Folder of certificates and keys."""
        return self.folder / "pki"

    @property
    def config(self) -> Path:
        """Folder of configuration files and kubeconfigs."""
        return self.folder / "config"

    @property
    def logs(self) -> Path:
        """Folder of logs, the audit log among them."""
        return self.folder / "logs"

    @property
    def audit_log(self) -> Path:
        """One JSON document a line."""
        return self.logs / "audit.log"

    @property
    def etcd(self) -> str:
        """URL of etcd for clients."""
        return f"http://{HOST}:{self.ports['etcd']}"

    @property
    def server(self) -> str:
        """URL of the API server."""
        return f"https://{HOST}:{self.ports['apiserver']}"

    def program(self, name: str) -> str:
        """Path of a program."""
        return str(self.programs / name)


def etcd(layout: Layout) -> list[str]:
    """Etcd without fsync: its data are thrown away."""
    peer = f"http://{HOST}:{layout.ports['etcd-peer']}"
    return [
        layout.program("etcd"),
        f"--data-dir={layout.folder / 'etcd'}",
        f"--listen-client-urls={layout.etcd}",
        f"--advertise-client-urls={layout.etcd}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync=true",
        "--log-level=warn",
    ]


def apiserver(layout: Layout) -> list[str]:
    """The API server with TLS, RBAC, Pod Security, admission policies and audit."""
    pki, config = layout.pki, layout.config
    command = [
        layout.program("kube-apiserver"),
        f"--etcd-servers={layout.etcd}",
        f"--secure-port={layout.ports['apiserver']}",
        *_reached(layout),
        f"--tls-cert-file={pki / 'apiserver.crt'}",
        f"--tls-private-key-file={pki / 'apiserver.key'}",
        f"--client-ca-file={pki / 'ca.crt'}",
        f"--service-account-issuer={ISSUER}",
        f"--api-audiences={ISSUER}",
        f"--service-account-key-file={pki / 'sa.pub'}",
        f"--service-account-signing-key-file={pki / 'sa.key'}",
        f"--service-cluster-ip-range={SERVICE_CIDR}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--admission-control-config-file={config / 'admission.yaml'}",
        f"--authentication-config={config / 'authentication.yaml'}",
        f"--requestheader-client-ca-file={pki / 'front-ca.crt'}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={pki / 'front-proxy.crt'}",
        f"--proxy-client-key-file={pki / 'front-proxy.key'}",
        f"--audit-policy-file={config / 'audit.yaml'}",
        f"--audit-log-path={layout.audit_log}",
        "--audit-log-mode=blocking",
        "--audit-log-maxsize=2000",
        "--allow-privileged=true",
        "--profiling=false",
        "--shutdown-delay-duration=0s",
    ]
    if not layout.controllers:  # nobody would make the ServiceAccount that every Pod needs
        command.append("--disable-admission-plugins=ServiceAccount")
    return command


def _reached(layout: Layout) -> list[str]:
    """Where the API server listens, and how it speaks to the kubelet."""
    if not layout.node:
        return [f"--bind-address={HOST}", "--endpoint-reconciler-type=none"]
    pki = layout.pki
    return [
        "--bind-address=0.0.0.0",
        f"--advertise-address={layout.node}",
        f"--kubelet-client-certificate={pki / 'kubelet-client.crt'}",
        f"--kubelet-client-key={pki / 'kubelet-client.key'}",
        f"--kubelet-certificate-authority={pki / 'ca.crt'}",
        "--kubelet-preferred-address-types=InternalIP",
    ]


def controller_manager(layout: Layout) -> list[str]:
    """All controllers that make sense without a cloud; fast enough for a thousand workflows."""
    pki = layout.pki
    return [
        layout.program("kube-controller-manager"),
        *_client(layout, "controller-manager"),
        "--use-service-account-credentials=true",
        f"--root-ca-file={pki / 'ca.crt'}",
        f"--service-account-private-key-file={pki / 'sa.key'}",
        f"--cluster-signing-cert-file={pki / 'ca.crt'}",
        f"--cluster-signing-key-file={pki / 'ca.key'}",
        "--allocate-node-cidrs=true",
        f"--cluster-cidr={POD_CIDR}",
        f"--service-cluster-ip-range={SERVICE_CIDR}",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
        "--controllers=*,-horizontal-pod-autoscaler-controller,"
        "-persistentvolume-attach-detach-controller",
    ]


def scheduler(layout: Layout) -> list[str]:
    """The scheduler."""
    return [
        layout.program("kube-scheduler"),
        *_client(layout, "scheduler"),
        "--kube-api-qps=200",
        "--kube-api-burst=400",
    ]


def _client(layout: Layout, name: str) -> list[str]:
    kubeconfig = layout.config / f"{name}.kubeconfig"
    return [
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--bind-address={HOST}",
        f"--secure-port={layout.ports[name]}",
        "--leader-elect=false",
    ]


def kwok(layout: Layout, folder: Path) -> list[str]:
    """Kwok from `folder`, which looks after every node."""
    return [
        str(folder / "kwok"),
        f"--kubeconfig={layout.config / 'kwok.kubeconfig'}",
        f"--config={folder / 'stages.yaml'}",
        f"--config={RUN_ONCE}",
        "--manage-all-nodes=true",
        f"--node-ip={HOST}",
        f"--cidr={POD_CIDR}",
        "--node-lease-duration-seconds=40",
    ]
