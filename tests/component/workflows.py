# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Workflows for stories: small, and with every kind of child that their kind can have."""

from __future__ import annotations

from typing import Any

from tests.component.operator_fixture import SPACE
from wardkeeper.api.schema import GROUP, VERSION
from wardkeeper.api.workflow import KIND

IMAGE = "registry.example.org/lab/router@sha256:" + "a" * 64
OTHER_IMAGE = "registry.example.org/lab/router@sha256:" + "b" * 64
SCHEDULE = "30 2 1 1 *"
"""Once a year: a run that begins in the middle of a test would be one more child, with a pod."""

_AMOUNTS = {"cpu": "100m", "memory": "128Mi"}
_PROBE = {"tcpSocket": {"port": "hl7"}}

CHILDREN = (
    ("ServiceAccount", "router"),
    ("NetworkPolicy", "router-deny"),
    ("NetworkPolicy", "router-allow"),
    ("Role", "router"),
    ("RoleBinding", "router"),
    ("Service", "router"),
    ("PodDisruptionBudget", "router"),
    ("Deployment", "router"),
)
"""Kind and name of what `workflow("router")` becomes."""


def workflow(name: str = "router", *, namespace: str = SPACE, **spec: Any) -> dict[str, Any]:
    """A Deployment with two replicas, a port, rights, an incoming peer and an endpoint."""
    return _workflow(
        name,
        namespace,
        {
            "workload": {"kind": "Deployment", "replicas": 2, "containers": [container()]},
            "access": {
                "rules": [
                    {
                        "apiGroups": [""],
                        "resources": ["configmaps"],
                        "resourceNames": ["routes"],
                        "verbs": ["get"],
                    }
                ]
            },
            "network": {
                "ingress": [
                    {"name": "engine", "pods": {"matchLabels": {"app": "engine"}}, "ports": ["hl7"]}
                ]
            },
            "endpoints": [
                {
                    "name": "ehr",
                    "kind": "FHIR",
                    "host": "fhir.example.org",
                    "cidrs": ["203.0.113.0/28"],
                    "port": 443,
                }
            ],
            **spec,
        },
    )


def small(name: str, *, namespace: str = SPACE, **spec: Any) -> dict[str, Any]:
    """A Deployment that asks for nothing: its own identity, two policies, a Service."""
    workload = {"kind": "Deployment", "replicas": 1, "containers": [container()]}
    return _workflow(name, namespace, {"workload": workload, **spec})


def cron_job(name: str = "export", *, schedule: str = SCHEDULE, **spec: Any) -> dict[str, Any]:
    """A CronJob."""
    plain = container(ports=[], probes=None)
    workload = {"kind": "CronJob", "schedule": schedule, "containers": [plain]}
    return _workflow(name, SPACE, {"workload": workload, **spec})


def job(name: str = "backfill", **spec: Any) -> dict[str, Any]:
    """A Job."""
    plain = container(ports=[], probes=None)
    return _workflow(name, SPACE, {"workload": {"kind": "Job", "containers": [plain]}, **spec})


def container(**fields: Any) -> dict[str, Any]:
    """A container; a field that is None is left out."""
    made = {
        "name": "router",
        "image": IMAGE,
        "env": [{"name": "LOG_LEVEL", "value": "info"}],
        "ports": [{"name": "hl7", "port": 2575}],
        "resources": {"requests": _AMOUNTS, "limits": _AMOUNTS},
        "probes": {"readiness": _PROBE, "liveness": _PROBE},
        "writablePaths": [{"path": "/tmp", "size": "64Mi"}],
        **fields,
    }
    return {name: value for name, value in made.items() if value is not None}


def secret(name: str = "db", *, on_change: str = "Restart", **rotation: str) -> dict[str, Any]:
    """A secret that Wardkeeper draws."""
    return {
        "name": name,
        "source": {"kvGenerated": {"fields": [{"name": "password", "length": 32}]}},
        "rotation": rotation,
        "delivery": {"onChange": on_change},
    }


def _workflow(name: str, namespace: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": KIND,
        "metadata": {"namespace": namespace, "name": name},
        "spec": {
            "owner": {"team": "integration", "contact": "integration@example.org"},
            "phi": {"classification": "PHI"},
            **spec,
        },
    }
