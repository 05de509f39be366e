# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""HealthcareWorkflows of tests: made from the probe image, so that they can try and answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.cluster.waiting import NotReadyError, until

if TYPE_CHECKING:
    from tests.cluster.node.cluster import NodeCluster

LABEL = "wardkeeper.io/workflow"
KIND = "healthcareworkflow"


def container(node: NodeCluster, *args: str, **fields: Any) -> dict[str, Any]:
    """A container of the probe image with these arguments."""
    return {
        "name": "main",
        "image": node.probe_image.reference,
        "args": list(args),
        "resources": {
            "requests": {"cpu": "10m", "memory": "32Mi"},
            "limits": {"cpu": "500m", "memory": "96Mi"},
        },
        **fields,
    }


def service(node: NodeCluster, *listening: str, **fields: Any) -> dict[str, Any]:
    """A Deployment's workload that answers at these places and declares tcp/8080 of them."""
    probe = {"tcpSocket": {"port": "web"}, "periodSeconds": 1}
    made = container(
        node,
        "listen",
        *listening,
        ports=[{"name": "web", "port": 8080}],
        probes={"readiness": probe, "liveness": {**probe, "periodSeconds": 10}},
        **fields,
    )
    return {"kind": "Deployment", "replicas": 1, "containers": [made]}


def workflow(namespace: str, name: str, workload: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A workflow with this workload; further keys of its spec as they are."""
    return {
        "apiVersion": "wardkeeper.io/v1alpha1",
        "kind": "HealthcareWorkflow",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "owner": {"team": "tests", "contact": "tests@example.org"},
            "phi": {"classification": "None"},
            "workload": workload,
            **spec,
        },
    }


def until_ready(node: NodeCluster, namespace: str, name: str, seconds: float = 90) -> None:
    """Wait until a workflow is Ready for the generation it has."""
    seen: dict[str, Any] = {}

    def look() -> bool:
        found = node.get(KIND, name, namespace) or {}
        seen.update(condition(found, "Ready"))
        current = seen.get("observedGeneration") == found.get("metadata", {}).get("generation")
        return current and seen.get("status") == "True"

    try:
        until(look, f"{namespace}/{name} is Ready", seconds=seconds)
    except NotReadyError as error:
        raise NotReadyError(f"{error}: {seen}") from error


def condition(found: dict[str, Any], kind: str) -> dict[str, Any]:
    """A condition of a workflow; empty when there is none."""
    told = found.get("status", {}).get("conditions", ())
    return next((one for one in told if one["type"] == kind), {})


def pod_of(node: NodeCluster, namespace: str, name: str) -> dict[str, Any]:
    """The one pod of a workflow that stays and is Ready."""

    def look() -> dict[str, Any] | None:
        found = [
            one
            for one in node.items("pods", namespace, f"{LABEL}={name}")
            if "deletionTimestamp" not in one["metadata"]
        ]
        ready = bool(found) and any(
            (each["type"], each["status"]) == ("Ready", "True")
            for each in found[0]["status"].get("conditions", ())
        )
        return found[0] if len(found) == 1 and ready else None

    return until(look, f"{namespace}/{name} has one Ready pod", seconds=90)
