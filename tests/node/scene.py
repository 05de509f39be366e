# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Who is there in the tests of packets, and who may speak to whom.

`subject` is the workflow whose network is tried. Everything that it might reach, and everybody that
might reach it, is there and answers; only the policies decide.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.cluster.node import addresses, stock
from tests.cluster.node.probe import ANSWERED
from tests.cluster.waiting import until
from tests.node.pods import ask, probe_pod
from tests.node.workflows import container, pod_of, service, until_ready, workflow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.cluster.node.cluster import NodeCluster
    from tests.cluster.node.installation import PodInstallation

WARD, ANNEX = "ward", "annex"
SUBJECT, PEER, REGULAR = "subject", "peer", "regular"
LISTENING = ("tcp/8080", "tcp/8081", "udp/8080")

DECLARED = f"tcp/{addresses.PARTNER}/443"
UNDECLARED = f"tcp/{addresses.STRANGER}/443"
PARTNER = {"name": "partner", "kind": "HTTPS", "host": "partner.example.org", "port": 443}
FORMER = {**PARTNER, "name": "former", "host": "former.example.org"}


@dataclass
class Scene:
    """The places that are tried, by what people call them.

    Attributes:
        node: the cluster.
        operator: its pods come and go.
        declared: what the subject's spec opens.
        elsewhere: everything else that stays where it is.
        former: what the subject's spec opened until the test took it out.
    """

    node: NodeCluster
    operator: PodInstallation
    declared: dict[str, str] = field(default_factory=dict)
    elsewhere: dict[str, str] = field(default_factory=dict)
    former: str = f"tcp/{addresses.FORMER_PARTNER}/443"

    @property
    def undeclared(self) -> dict[str, str]:
        """Everything that the subject's spec does not open; the operator where it is now."""
        address = self.operator.address_of_leader()
        return {**self.elsewhere, **({"the operator": f"tcp/{address}/8080"} if address else {})}

    @property
    def subject(self) -> str:
        """The name of the subject's pod."""
        return str(pod_of(self.node, WARD, SUBJECT)["metadata"]["name"])

    @property
    def subject_address(self) -> str:
        """The address of the subject's pod."""
        return str(pod_of(self.node, WARD, SUBJECT)["status"]["podIP"])

    def from_subject(self, places: Iterable[str]) -> dict[str, str]:
        """What comes of each place when the subject tries it."""
        return ask(self.node, WARD, self.subject, places)

    def from_world(self, source: str, places: Iterable[str]) -> dict[str, str]:
        """What comes of each place when an address beyond the node tries it."""
        enter = ("nsenter", f"--net=/run/netns/{addresses.BEYOND}", "--")
        return self._program(*enter, arguments=("ask", f"--source={source}", *places))

    def from_node(self, places: Iterable[str]) -> dict[str, str]:
        """What comes of each place when a process of the node tries it."""
        return self._program(arguments=("ask", *places))

    def leaks(self) -> list[str]:
        """The names of undeclared places that answer the subject; each of them is a fault."""
        undeclared = self.undeclared
        seen = self.from_subject(undeclared.values())
        return [name for name, at in undeclared.items() if seen[at] == ANSWERED]

    def cut(self) -> list[str]:
        """The names of declared places that do not answer the subject."""
        seen = self.from_subject(self.declared.values())
        return [name for name, at in self.declared.items() if seen[at] != ANSWERED]

    def _program(self, *enter: str, arguments: Iterable[str]) -> dict[str, str]:
        command = (*enter, sys.executable, "-I", str(stock.PROBE), *arguments)
        answer: dict[str, str] = json.loads(self.node.sandbox.call(*command))
        return answer


def build(node: NodeCluster, operator: PodInstallation) -> Scene:
    """Make everybody and wait until all are there."""
    for namespace in (WARD, ANNEX):
        node.create_namespace(namespace)
    friend = probe_pod(node, WARD, "friend", labels={"app": "friend"})
    stranger = probe_pod(node, WARD, "stranger")
    resolver = probe_pod(
        *(node, WARD, "resolver", "udp/53", "tcp/53"), labels={"k8s-app": "kube-dns"}
    )
    registry = probe_pod(node, ANNEX, "registry", *LISTENING, labels={"app": "registry"})
    outsider = probe_pod(node, ANNEX, "outsider", labels={"app": "friend"})
    node.apply(*_workflows(node))
    for name in (SUBJECT, PEER):
        until_ready(node, WARD, name)
    peer = pod_of(node, WARD, PEER)["status"]["podIP"]
    peer_service = (node.get("service", PEER, WARD) or {})["spec"]["clusterIP"]
    api_server = node.run.ports["apiserver"]
    made = Scene(
        node,
        operator,
        declared={
            "a declared workflow, by its address": f"tcp/{peer}/8080",
            "a declared workflow, by its Service": f"tcp/{peer_service}/8080",
            "declared pods of another namespace": f"tcp/{registry}/8080",
            "a declared host outside": f"tcp/{addresses.PARTNER}/443",
            "the cluster's DNS, UDP": f"udp/{addresses.CLUSTER_DNS}/53",
            "the cluster's DNS, TCP": f"tcp/{addresses.CLUSTER_DNS}/53",
        },
        elsewhere={
            "a second port of the declared workflow": f"tcp/{peer}/8081",
            "UDP instead of TCP at the declared workflow": f"udp/{peer}/8080",
            "a second port of the declared pods": f"tcp/{registry}/8081",
            "UDP instead of TCP at the declared pods": f"udp/{registry}/8080",
            "a pod of the same namespace": f"tcp/{stranger}/8080",
            "a pod that may come in": f"tcp/{friend}/8080",
            "a pod of another namespace": f"tcp/{outsider}/8080",
            "OpenBao": f"tcp/{addresses.NODE}/8200",
            "a server of the node, TCP": f"tcp/{addresses.NODE}/9000",
            "a server of the node, UDP": f"udp/{addresses.NODE}/9000",
            "the kubelet": f"tcp/{addresses.NODE}/10250",
            "the API server, by its Service": "tcp/10.96.0.1/443",
            "the API server, by its address": f"tcp/{addresses.NODE}/{api_server}",
            "the metadata address": f"tcp/{addresses.METADATA}/80",
            "the metadata address, UDP": f"udp/{addresses.METADATA}/53",
            "a second port of the declared host": f"tcp/{addresses.PARTNER}/8443",
            "UDP instead of TCP at the declared host": f"udp/{addresses.PARTNER}/443",
            "a host outside": f"tcp/{addresses.STRANGER}/443",
            "another DNS server outside, UDP": f"udp/{addresses.FOREIGN_DNS}/53",
            "another DNS server outside, TCP": f"tcp/{addresses.FOREIGN_DNS}/53",
            "a pod that poses as the cluster's DNS, UDP": f"udp/{resolver}/53",
            "a pod that poses as the cluster's DNS, TCP": f"tcp/{resolver}/53",
        },
    )
    until(lambda: not made.cut(), "everything declared answers the subject", seconds=30)
    return made


def endpoints(*former: dict[str, object]) -> list[dict[str, object]]:
    """What the subject declares, with or without its former partner."""
    partner = {**PARTNER, "cidrs": [f"{addresses.PARTNER}/32"]}
    registry = {"namespace": ANNEX, "matchLabels": {"app": "registry"}}
    return [
        partner,
        *({**one, "cidrs": [f"{addresses.FORMER_PARTNER}/32"]} for one in former),
        {"name": PEER, "kind": "TCP", "workflow": {"name": PEER}, "port": 8080},
        {"name": "registry", "kind": "TCP", "pods": registry, "port": 8080},
    ]


def _workflows(node: NodeCluster) -> list[dict[str, object]]:
    ingress = [
        {"name": "friend", "pods": {"matchLabels": {"app": "friend"}}, "ports": ["web"]},
        {"name": "partner", "cidr": f"{addresses.PARTNER}/32", "ports": ["web"]},
    ]
    from_subject = [{"name": SUBJECT, "workflow": {"name": SUBJECT}, "ports": ["web"]}]
    rule = {
        "apiGroups": [""],
        "resources": ["configmaps"],
        "verbs": ["get"],
        "resourceNames": ["x"],
    }
    asks = ("ask", DECLARED, UNDECLARED, "--seconds=2")
    reload = {
        "name": "api",
        "source": {"kvGenerated": {"fields": [{"name": "password", "length": 40}]}},
        "rotation": {"every": "720h"},
        "delivery": {"onChange": "Reload"},
    }
    return [
        workflow(
            WARD,
            SUBJECT,
            service(node, *LISTENING, writablePaths=[{"path": "/tmp", "size": "16Mi"}]),
            network={"ingress": ingress},
            endpoints=endpoints(FORMER),
            access={"tokens": [{"name": "ehr", "audience": "https://ehr.example.org"}]},
            secrets=[reload],
        ),
        workflow(
            WARD,
            PEER,
            service(node, *LISTENING),
            network={"ingress": from_subject},
            access={"rules": [rule]},
        ),
        workflow(
            WARD,
            REGULAR,
            {"kind": "CronJob", "schedule": "* * * * *", "containers": [container(node, *asks)]},
            endpoints=endpoints()[:1],
        ),
    ]
