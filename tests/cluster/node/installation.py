# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Wardkeeper on a real node as its users install it: by Helm, from its own image, in pods."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import yaml

from tests.cluster.access import RESTRICTED, CommandFailedError
from tests.cluster.build import ensure
from tests.cluster.installation import NAMESPACE, PROJECT, Installation
from tests.cluster.node import addresses, stock
from tests.cluster.node.images import Image
from tests.cluster.tools import CLIENTS
from tests.cluster.waiting import until

if TYPE_CHECKING:
    from tests.cluster.node.cluster import NodeCluster

CHART = PROJECT / "charts" / "wardkeeper"
LABELS = "app.kubernetes.io/name=wardkeeper,app.kubernetes.io/component=operator"
LEASE = "wardkeeper"
OPENBAO = "openbao"
SETTINGS: dict[str, Any] = {
    "images": {"pullPolicy": "IfNotPresent"},
    "rotation": {"collect": 1, "minRestartInterval": 0, "verifyWindow": 1},
}
"""No image comes from a registry, and a test waits for nothing longer than it must."""


class PodInstallation(Installation):
    """The operator as a Deployment of two replicas; a context manager."""

    cluster: NodeCluster

    def __init__(self, cluster: NodeCluster, *, vault: bool = True) -> None:
        """Nothing is done yet."""
        super().__init__(cluster, vault=vault)
        self.image = Image("", cluster.folder, "")

    def install(self) -> None:
        """Make the image, set OpenBao up, and install the chart."""
        self._folder.mkdir(mode=0o700)
        self.image = stock.wardkeeper(self._folder, self.cluster.report)
        self.cluster.load(self.image)
        self.cluster.create_namespace(NAMESPACE, RESTRICTED)
        if self._vault:
            self.cluster.apply(*self._openbao_objects())
        self.helm("install", "wardkeeper", str(CHART), f"--values={self._values()}")
        if self._vault:
            self.bootstrap_vault()

    def start(self) -> None:
        """Wait until both replicas are Ready and one leads."""
        until(lambda: len(self.pods()) == 2, "two replicas are Ready", seconds=90)
        self.cluster.report.say("two replicas of the operator are Ready")
        until(self.leader, "a replica leads")

    def stop(self) -> None:
        """It ends with its cluster."""

    def helm(self, *args: str) -> str:
        """Run helm in the operator's namespace; returns all that it says.

        Raises:
            CommandFailedError: it did not end with 0.
        """
        result = subprocess.run(
            [
                str(ensure(CLIENTS, self.cluster.report) / "helm"),
                *args,
                f"--namespace={NAMESPACE}",
                f"--kubeconfig={self.cluster.kubeconfig()}",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
            env={"HOME": str(self._folder), "PATH": "/usr/bin:/bin"},
        )
        if result.returncode:
            raise CommandFailedError(f"helm {' '.join(args)}: {result.stdout.strip()}")
        return result.stdout

    def pods(self) -> list[str]:
        """The names of the replicas that are Ready and stay."""
        return [
            str(one["metadata"]["name"])
            for one in self.cluster.items("pods", NAMESPACE, LABELS)
            if "deletionTimestamp" not in one["metadata"]
            and any(
                (each["type"], each["status"]) == ("Ready", "True")
                for each in one["status"].get("conditions", ())
            )
        ]

    def leader(self) -> str:
        """The name of the pod that leads; empty when none does."""
        lease = self.cluster.get("lease", LEASE, NAMESPACE) or {"spec": {}}
        holder = str(lease["spec"].get("holderIdentity", ""))
        return next((pod for pod in self.pods() if holder.startswith(pod)), "")

    def address_of_leader(self) -> str:
        """Where the pod that leads is; empty when none does."""
        leader = self.leader()
        found = self.cluster.get("pod", leader, NAMESPACE) if leader else None
        return str(found["status"]["podIP"]) if found else ""

    def _values(self) -> str:
        """The values of this installation, in a file."""
        values: dict[str, Any] = {
            "image": {
                "repository": self.image.name,
                "digest": self.image.digest,
                "pullPolicy": "IfNotPresent",
            },
            "canary": {"enabled": True},
            "extraArgs": ["--set=verification.every=2"],
            "settings": {**SETTINGS, **self._settings},
            "networkPolicy": {"apiServerPorts": [443, self.cluster.run.ports["apiserver"]]},
        }
        if self._vault:
            values["vault"] = {
                "address": f"https://{OPENBAO}.{OPENBAO}.svc:8200",
                "ca": {"configMap": "openbao-ca"},
            }
        return str(self._write("values.yaml", yaml.safe_dump(values)))

    def _openbao_objects(self) -> list[dict[str, Any]]:
        """OpenBao as pods see it: a Service with the address that it listens on."""
        assert self.cluster.openbao  # starts it
        labels = {"kubernetes.io/service-name": OPENBAO}
        named = {"name": OPENBAO, "namespace": OPENBAO}
        port = {"name": "https", "port": 8200, "protocol": "TCP"}
        return [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OPENBAO}},
            {"apiVersion": "v1", "kind": "Service", "metadata": named, "spec": {"ports": [port]}},
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {**named, "labels": labels},
                "addressType": "IPv4",
                "ports": [port],
                "endpoints": [{"addresses": [addresses.NODE]}],
            },
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "openbao-ca", "namespace": NAMESPACE},
                "data": {"ca.crt": self.cluster.ca.read_text()},
            },
        ]
