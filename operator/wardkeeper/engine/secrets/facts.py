# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Gathers what a pass knows about the secrets of a workflow, from what has been observed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from wardkeeper.api.asked import asked
from wardkeeper.api.schema import GROUP
from wardkeeper.engine.compare import compare
from wardkeeper.engine.secrets.job import Delivered, Job
from wardkeeper.engine.secrets.wish import GIVE_UP_BEFORE
from wardkeeper.render.metadata import labels, owner_reference
from wardkeeper.render.secret import keys_of
from wardkeeper.rotation.facts import Rolling

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wardkeeper.api.secrets import SecretSpec
    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.engine.seen import Child
    from wardkeeper.kube.resource import Ref

ROTATE_NOW = "wardkeeper.io/rotate-now"
NOT_ROLLING = Rolling()
"""Of a workload that there is not, or that takes secrets up at its next run."""


def secret_job(
    workflow: HealthcareWorkflow,
    children: Mapping[Ref, Child],
    version: str,
    rolling: Rolling = NOT_ROLLING,
) -> Job:
    """The job of supplying a workflow with its secrets.

    Args:
        workflow: what is wanted, with the status as it was last written.
        children: the children as they were last seen.
        version: the version label that children carry.
        rolling: how the workload takes up what is delivered.
    """
    prefix = f"{workflow.metadata.name}-"
    declared = {one.name: one for one in workflow.spec.secrets}
    uid = workflow.metadata.uid
    live = {
        ref.name.removeprefix(prefix): child
        for ref, child in children.items()
        if ref.kind == "Secret" and ref.name.startswith(prefix) and child.owner == uid
    }
    job_labels = labels(workflow, version)
    return Job(
        namespace=workflow.metadata.namespace,
        workflow=workflow.metadata.name,
        uid=workflow.metadata.uid,
        secrets=workflow.spec.secrets,
        delivered={
            name: _delivered(workflow, spec, child, job_labels)
            for name, spec, child in _pairs(declared, live)
        },
        rotate_now=asked(workflow.metadata.annotations, ROTATE_NOW) or "",
        handled_rotate_now=workflow.status.last_handled_rotate_now or "",
        give_up_before=workflow.metadata.annotations.get(GIVE_UP_BEFORE, ""),
        labels=job_labels,
        owner=owner_reference(workflow),
        rolling=rolling,
    )


def _pairs(
    declared: Mapping[str, SecretSpec], live: Mapping[str, Child]
) -> Iterable[tuple[str, SecretSpec, Child]]:
    return ((name, declared[name], child) for name, child in live.items() if name in declared)


def _delivered(
    workflow: HealthcareWorkflow, spec: SecretSpec, child: Child, job_labels: Mapping[str, str]
) -> Delivered:
    if child.unread is None:
        annotations = dict(child.annotations or {})
        return Delivered({"metadata": {"annotations": annotations}}, not child.good_for)
    live = orjson.loads(child.unread)
    shape = secret_shape(workflow, spec, live, job_labels)
    return Delivered(live, foreign_edit=not compare(shape, live).clean)


def secret_shape(
    workflow: HealthcareWorkflow,
    spec: SecretSpec,
    live: Mapping[str, Any],
    job_labels: Mapping[str, str],
) -> dict[str, Any]:
    """What is known of the wanted Secret without its values: whose it is and which keys it has."""
    annotations = live["metadata"].get("annotations", {})
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "labels": dict(job_labels),
            "annotations": {k: v for k, v in annotations.items() if k.startswith(f"{GROUP}/")},
            "ownerReferences": [owner_reference(workflow)],
        },
        "type": "Opaque",
        "data": dict.fromkeys(keys_of(spec)),
    }
