# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Says what a workload waits for when the pods themselves do not: a ConfigMap that is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.reasons import Reason
from wardkeeper.engine.rollout import Progress, Rollout
from wardkeeper.kube.errors import NotFound
from wardkeeper.kube.resource import resource_of

if TYPE_CHECKING:
    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.kube.client import Client

CONFIG_MAP_LOOK = 15.0
"""Seconds between looks for a ConfigMap that a workload waits for; nobody watches ConfigMaps."""


async def missing_config_maps(
    client: Client, workflow: HealthcareWorkflow, rollout: Rollout | None
) -> tuple[str, ...]:
    """Names of the ConfigMaps that a workload on its way mounts and that do not exist."""
    if rollout is None or rollout.reason is not Reason.ROLLOUT_IN_PROGRESS:
        return ()
    namespace = workflow.metadata.namespace
    return tuple(
        [name for name in config_maps(workflow) if not await _exists(client, namespace, name)]
    )


def waits_for(missing: tuple[str, ...], namespace: str) -> Rollout:
    """Where a workload stands that waits for ConfigMaps."""
    return Rollout(
        Progress.MOVING,
        Reason.CONFIG_MAP_MISSING,
        f"pods wait for ConfigMap {', '.join(missing)} in namespace {namespace}; create it or "
        "take it out of the workflow",
    )


def config_maps(workflow: HealthcareWorkflow) -> tuple[str, ...]:
    """Names of the ConfigMaps that the pods mount, each once."""
    workload = workflow.spec.workload
    each = (*workload.containers, *workload.init_containers)
    return tuple(dict.fromkeys(one.name for container in each for one in container.config_maps))


async def _exists(client: Client, namespace: str, name: str) -> bool:
    try:
        await client.get(resource_of("ConfigMap"), namespace, name, metadata_only=True)
    except NotFound:
        return False
    return True
