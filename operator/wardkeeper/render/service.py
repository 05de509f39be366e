# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A name and an address inside the cluster for the ports of a workflow; never outside of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.render.metadata import Obj, metadata, selector

if TYPE_CHECKING:
    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.render.surroundings import Surroundings


def render_service(workflow: HealthcareWorkflow, surroundings: Surroundings) -> Obj | None:
    """The Service; none when no container declares a port, since it is the dearest child."""
    ports = [port for one in workflow.spec.workload.containers for port in one.ports]
    if not ports:
        return None
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(workflow, surroundings, workflow.metadata.name),
        "spec": {
            "type": "ClusterIP",
            "selector": selector(workflow),
            "ports": [
                {
                    "name": port.name,
                    "port": port.port,
                    "protocol": "TCP",
                    "targetPort": port.name,
                }
                for port in ports
            ],
        },
    }
