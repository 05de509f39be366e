# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""One container, confined: every field that could weaken it is written out, none is an option."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.render import quantity
from wardkeeper.render.volumes import render_mounts

if TYPE_CHECKING:
    from wardkeeper.api.container import Container, EnvVar
    from wardkeeper.api.probes import Probe
    from wardkeeper.api.resources import Amounts
    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.render.metadata import Obj
    from wardkeeper.render.surroundings import Surroundings


def render_container(
    workflow: HealthcareWorkflow, container: Container, surroundings: Surroundings
) -> Obj:
    """A container of the pod, in the stored form: what the server would drop is left out."""
    made: Obj = {
        "name": container.name,
        "image": container.image,
        "imagePullPolicy": surroundings.image_pull_policy,
        "resources": {
            "requests": _amounts(container.resources.requests),
            "limits": _amounts(container.resources.limits),
        },
        "securityContext": _security_context(container.user),
        "terminationMessagePolicy": "File",
    }
    optional: Obj = {
        "command": list(container.command),
        "args": list(container.args),
        "workingDir": container.working_dir,
        "env": [_variable(one) for one in container.env],
        "ports": [
            {"name": one.name, "containerPort": one.port, "protocol": "TCP"}
            for one in container.ports
        ],
        "volumeMounts": render_mounts(workflow, container),
        **_probes(container),
    }
    return made | {field: value for field, value in optional.items() if value}


def _security_context(user: int) -> Obj:
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "runAsGroup": user,
        "runAsNonRoot": True,
        "runAsUser": user,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _amounts(amounts: Amounts) -> Obj:
    return {"cpu": quantity.cpu(amounts.cpu), "memory": quantity.memory(amounts.memory)}


def _variable(variable: EnvVar) -> Obj:
    made = {"name": variable.name}
    if variable.value:
        made["value"] = variable.value
    return made


def _probes(container: Container) -> Obj:
    probes = container.probes
    if probes is None:
        return {}
    return {
        field: _probe(probe)
        for field, probe in (
            ("readinessProbe", probes.readiness),
            ("livenessProbe", probes.liveness),
            ("startupProbe", probes.startup),
        )
        if probe is not None
    }


def _probe(probe: Probe) -> Obj:
    """A probe never names a host: the kubelet may only be sent to the pod itself."""
    made: Obj = {
        "periodSeconds": probe.period_seconds,
        "timeoutSeconds": probe.timeout_seconds,
        "failureThreshold": probe.failure_threshold,
    }
    if probe.initial_delay_seconds:
        made["initialDelaySeconds"] = probe.initial_delay_seconds
    if probe.http is not None:
        made["httpGet"] = {"path": probe.http.path, "port": probe.http.port, "scheme": "HTTP"}
    if probe.tcp_socket is not None:
        made["tcpSocket"] = {"port": probe.tcp_socket.port}
    if probe.exec is not None:
        made["exec"] = {"command": list(probe.exec.command)}
    return made
