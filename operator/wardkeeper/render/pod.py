# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The pod of a workflow: its own identity, no token unless declared, nothing of the node.

`hostNetwork`, `hostPID` and `hostIPC` are not written: the API server drops them when they are
false, so they could never be compared. Nobody but the operator owns the template, and additions
by others are found by their field manager.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

from wardkeeper.api.schema import GROUP
from wardkeeper.api.secrets import OnChange
from wardkeeper.api.workflow import Criticality
from wardkeeper.api.workload import WorkloadKind
from wardkeeper.render.container import render_container
from wardkeeper.render.metadata import DATA_CLASS, NET, Obj, identity, selector
from wardkeeper.render.networkpolicy import OPEN
from wardkeeper.render.volumes import render_volumes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.render.surroundings import Surroundings

SECRETS_MAC = f"{GROUP}/secrets-mac"


def render_pod_template(
    workflow: HealthcareWorkflow,
    surroundings: Surroundings,
    *,
    restart_policy: str,
    mac: str | None = None,
) -> Obj:
    """The pod template; a new `mac` of the secrets makes Kubernetes replace the pods."""
    metadata: Obj = {"labels": pod_labels(workflow)}
    if mac is not None:
        metadata["annotations"] = {SECRETS_MAC: mac}
    return {"metadata": metadata, "spec": _spec(workflow, surroundings, restart_policy)}


def pod_labels(workflow: HealthcareWorkflow) -> dict[str, str]:
    """The labels of the pod template."""
    return {
        **identity(workflow),
        NET: OPEN,
        DATA_CLASS: workflow.spec.phi.classification.value,
    }


def secrets_mac(workflow: HealthcareWorkflow, macs: Mapping[str, str]) -> str | None:
    """One digest for all delivered secrets whose change restarts the pods; none without any.

    Args:
        workflow: the workflow whose secrets are meant.
        macs: the content MAC of each delivered secret, by its name in the spec.
    """
    restarting = sorted(
        (one.name, macs[one.name])
        for one in workflow.spec.secrets
        if one.delivery.on_change is OnChange.RESTART and one.name in macs
    )
    if not restarting:
        return None
    return sha256(json.dumps(restarting, separators=(",", ":")).encode()).hexdigest()


def _spec(workflow: HealthcareWorkflow, surroundings: Surroundings, restart_policy: str) -> Obj:
    workload = workflow.spec.workload
    spec: Obj = {
        "automountServiceAccountToken": False,
        "containers": [
            render_container(workflow, one, surroundings) for one in workload.containers
        ],
        "enableServiceLinks": False,
        "restartPolicy": restart_policy,
        "securityContext": _security_context(workload.containers[0].user),
        "serviceAccountName": workflow.metadata.name,
        "shareProcessNamespace": False,
        "topologySpreadConstraints": [_spread(workflow)],
    }
    if workload.init_containers:
        spec["initContainers"] = [
            render_container(workflow, one, surroundings) for one in workload.init_containers
        ]
    volumes = render_volumes(workflow)
    if volumes:
        spec["volumes"] = volumes
    return spec


def _security_context(user: int) -> Obj:
    """The first container's user is the pod's; its group owns the volumes of all containers."""
    return {
        "fsGroup": user,
        "fsGroupChangePolicy": "OnRootMismatch",
        "runAsGroup": user,
        "runAsNonRoot": True,
        "runAsUser": user,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _spread(workflow: HealthcareWorkflow) -> Obj:
    """Pods over nodes: wished for normally, demanded when an outage is grave.

    Nodes that take no pods at the moment do not count, so a drained node blocks no rollout. A
    Deployment's revisions are counted apart, so that a rollout ends as evenly as it began.
    """
    made: Obj = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "nodeTaintsPolicy": "Honor",
        "whenUnsatisfiable": (
            "ScheduleAnyway"
            if workflow.spec.criticality is Criticality.STANDARD
            else "DoNotSchedule"
        ),
        "labelSelector": {"matchLabels": selector(workflow)},
    }
    if workflow.spec.workload.kind is WorkloadKind.DEPLOYMENT:
        made["matchLabelKeys"] = ["pod-template-hash"]
    return made
