# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The workflow that tries, in a network as closed as any other's, what is and is not open. Pure.

It declares one of its own two ports and one of the operator's two. What it must not reach, and
where it must not be reached, is not in its spec: that is the point.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.schema import GROUP, VERSION
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from wardkeeper.render.metadata import Obj

CANARY = "wardkeeper-canary"
CANARY_PORT = 8080
UNDECLARED_PORT = 8081
OPERATOR_LABELS = {
    "app.kubernetes.io/name": "wardkeeper",
    "app.kubernetes.io/component": "operator",
}


def canary_workflow(
    *, namespace: str, image: str, operator_port: int, operator_undeclared: int
) -> Obj:
    """The canary as a HealthcareWorkflow.

    Args:
        namespace: of the operator.
        image: the operator's, by digest.
        operator_port: of the operator, which the canary declares.
        operator_undeclared: of the operator, which it does not.
    """
    operator = {"matchLabels": dict(OPERATOR_LABELS)}
    health = {"http": {"port": "http", "path": "/healthz"}}
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": KIND,
        "metadata": {"name": CANARY, "namespace": namespace},
        "spec": {
            "owner": {"team": "wardkeeper", "contact": "the operator itself"},
            "phi": {"classification": "None"},
            "workload": {
                "kind": "Deployment",
                "replicas": 1,
                "containers": [
                    {
                        "name": "canary",
                        "image": image,
                        "command": ["wardkeeper-canary"],
                        "args": [
                            f"--port={CANARY_PORT}",
                            f"--undeclared-port={UNDECLARED_PORT}",
                            f"--operator-port={operator_port}",
                            f"--operator-undeclared={operator_undeclared}",
                        ],
                        "ports": [{"name": "http", "port": CANARY_PORT}],
                        "resources": {
                            "requests": {"cpu": "10m", "memory": "64Mi"},
                            "limits": {"cpu": "200m", "memory": "128Mi"},
                        },
                        "probes": {"readiness": health, "liveness": health},
                    }
                ],
            },
            "network": {"ingress": [{"name": "operator", "pods": operator, "ports": ["http"]}]},
            "endpoints": [
                {"name": "operator", "kind": "TCP", "pods": operator, "port": operator_port}
            ],
        },
    }
