# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Small objects that any API server accepts."""

from __future__ import annotations

import base64
from typing import Any


def config_map(
    namespace: str, name: str, *, labels: dict[str, str] | None = None, **data: str
) -> dict[str, Any]:
    """A ConfigMap."""
    return _object("v1", "ConfigMap", namespace, name, labels) | ({"data": data} if data else {})


def secret(
    namespace: str, name: str, *, labels: dict[str, str] | None = None, password: str = "hunter2"
) -> dict[str, Any]:
    """A Secret with one key."""
    data = {"password": base64.b64encode(password.encode()).decode()}
    return _object("v1", "Secret", namespace, name, labels) | {"type": "Opaque", "data": data}


def lease(namespace: str, name: str, holder: str) -> dict[str, Any]:
    """A Lease held by somebody."""
    spec = {"holderIdentity": holder, "leaseDurationSeconds": 15}
    return _object("coordination.k8s.io/v1", "Lease", namespace, name) | {"spec": spec}


def deployment(
    namespace: str, name: str, *, replicas: int = 2, labels: dict[str, str] | None = None
) -> dict[str, Any]:
    """A Deployment of one container with one of each list that is merged by key."""
    pod = {
        "containers": [
            {
                "name": "main",
                "image": "example.org/main:1",
                "env": [{"name": "MODE", "value": "on"}],
                "ports": [{"containerPort": 8080}],
                "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
            }
        ],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
    }
    return _object("apps/v1", "Deployment", namespace, name, labels) | {"spec": spec}


def workflow(namespace: str, name: str) -> dict[str, Any]:
    """A HealthcareWorkflow that asks for as little as it may."""
    amounts = {"cpu": "100m", "memory": "128Mi"}
    container = {
        "name": "main",
        "image": "registry.example.org/lab/main@sha256:" + "a" * 64,
        "resources": {"requests": amounts, "limits": amounts},
    }
    spec = {
        "owner": {"team": "integration", "contact": "integration@example.org"},
        "phi": {"classification": "None"},
        "workload": {"kind": "Job", "containers": [container]},
    }
    return _object("wardkeeper.io/v1alpha1", "HealthcareWorkflow", namespace, name) | {"spec": spec}


def condition(kind: str, status: str) -> dict[str, Any]:
    """A condition as kstatus has it."""
    return {
        "type": kind,
        "status": status,
        "reason": "Tried",
        "message": "",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-03-01T00:00:00Z",
    }


def _object(
    api_version: str,
    kind: str,
    namespace: str,
    name: str,
    labels: dict[str, str] | None = None,
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"namespace": namespace, "name": name}
    if labels:
        metadata["labels"] = labels
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}
