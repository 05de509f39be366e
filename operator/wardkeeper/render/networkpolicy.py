# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The closed network of a workflow, and the few openings in it.

Two policies, because they fail in different directions: `-deny` selects the pods by the workflow
alone and holds no rule, so it stays closed whatever happens to `-allow`; `-allow` also wants the
label `wardkeeper.io/net: open`, so taking that label away isolates a pod.

A rule without peers or without ports means everybody and everything to Kubernetes. None may ever
be rendered: an opening that names nobody is left out.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from wardkeeper.render.metadata import NET, WORKFLOW, Obj, metadata, selector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wardkeeper.api.network import Endpoint, IngressPeer, PodPeer, WorkflowPeer
    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.policy.verdict import Verdict
    from wardkeeper.render.surroundings import Surroundings

OPEN = "open"
_DENY, _ALLOW = "deny", "allow"
_NAMESPACE = "kubernetes.io/metadata.name"
_BOTH = ("Ingress", "Egress")


def policy_names(workflow: str) -> tuple[str, str]:
    """The names of the two policies of the workflow of this name."""
    return f"{workflow}-{_DENY}", f"{workflow}-{_ALLOW}"


def render_deny(workflow: HealthcareWorkflow, surroundings: Surroundings) -> Obj:
    """The policy that closes both directions; always there, never with a rule."""
    return _policy(workflow, surroundings, _DENY, selector(workflow))


def render_allow(workflow: HealthcareWorkflow, verdict: Verdict, surroundings: Surroundings) -> Obj:
    """The policy with the openings: declared peers in; open endpoints, DNS and API server out."""
    policy = _policy(workflow, surroundings, _ALLOW, {**selector(workflow), NET: OPEN})
    incoming = list(_incoming(workflow))
    if incoming:
        policy["spec"]["ingress"] = incoming
    outgoing = list(
        chain(
            _to_endpoints(workflow, verdict),
            _to_dns(surroundings),
            _to_api_server(workflow, surroundings),
        )
    )
    if outgoing:
        policy["spec"]["egress"] = outgoing
    return policy


def _policy(
    workflow: HealthcareWorkflow, surroundings: Surroundings, name: str, pods: Mapping[str, str]
) -> Obj:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(workflow, surroundings, f"{workflow.metadata.name}-{name}"),
        "spec": {"podSelector": {"matchLabels": dict(pods)}, "policyTypes": list(_BOTH)},
    }


def _incoming(workflow: HealthcareWorkflow) -> Iterator[Obj]:
    numbers = {
        port.name: port.port
        for container in workflow.spec.workload.containers
        for port in container.ports
    }
    for peer in workflow.spec.network.ingress:
        ports = [_tcp(numbers[name]) for name in peer.ports if name in numbers]
        peers = _ingress_peers(peer, workflow.metadata.namespace)
        if peers and ports:
            yield {"from": peers, "ports": ports}


def _ingress_peers(peer: IngressPeer, namespace: str) -> list[Obj]:
    if peer.cidr is not None:
        return [_addresses(peer.cidr)]
    return _inside(peer.workflow, peer.pods, namespace)


def _to_endpoints(workflow: HealthcareWorkflow, verdict: Verdict) -> Iterator[Obj]:
    is_open = verdict.open_endpoints()
    for endpoint in workflow.spec.endpoints:
        peers = _endpoint_peers(endpoint, workflow.metadata.namespace)
        if endpoint.name in is_open and peers:
            yield {"to": peers, "ports": [_tcp(endpoint.port)]}


def _endpoint_peers(endpoint: Endpoint, namespace: str) -> list[Obj]:
    if endpoint.host is not None:
        return [_addresses(cidr) for cidr in endpoint.cidrs]
    return _inside(endpoint.workflow, endpoint.pods, namespace)


def _inside(workflow: WorkflowPeer | None, pods: PodPeer | None, namespace: str) -> list[Obj]:
    """Peers inside the cluster; the namespace is always named, so no other one is ever meant."""
    if workflow is not None:
        return [_pods(workflow.namespace or namespace, {WORKFLOW: workflow.name})]
    if pods is not None and pods.match_labels:
        return [_pods(pods.namespace or namespace, pods.match_labels)]
    return []


def _to_dns(surroundings: Surroundings) -> Iterator[Obj]:
    dns = surroundings.dns
    yield {
        "to": [_pods(dns.namespace, dns.match_labels)],
        "ports": [{"protocol": "UDP", "port": 53}, _tcp(53)],
    }


def _to_api_server(workflow: HealthcareWorkflow, surroundings: Surroundings) -> Iterator[Obj]:
    if workflow.spec.access.rules:
        for address in surroundings.api_server:
            yield {"to": [_addresses(address.cidr)], "ports": [_tcp(address.port)]}


def _pods(namespace: str, match_labels: Mapping[str, str]) -> Obj:
    return {
        "namespaceSelector": {"matchLabels": {_NAMESPACE: namespace}},
        "podSelector": {"matchLabels": dict(match_labels)},
    }


def _addresses(cidr: str) -> Obj:
    return {"ipBlock": {"cidr": cidr}}


def _tcp(port: int) -> Obj:
    return {"protocol": "TCP", "port": port}
