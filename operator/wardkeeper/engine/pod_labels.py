# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The labels that the pods of a workflow have, as far as they can be known beforehand. Pure.

A quarantine changes no pod, so they are the same in it. What somebody adds to a running pod by hand
is not among them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.workload import WorkloadKind
from wardkeeper.policy.selector import PodLabels
from wardkeeper.render.metadata import DATA_CLASS, NET, identity_of
from wardkeeper.render.networkpolicy import OPEN
from wardkeeper.render.pod import pod_labels

if TYPE_CHECKING:
    from wardkeeper.api.workflow import HealthcareWorkflow

_HASH = "pod-template-hash"
_JOB_UIDS = ("batch.kubernetes.io/controller-uid", "controller-uid")
_JOB_NAMES = ("batch.kubernetes.io/job-name", "job-name")
_OF_NODES = frozenset(("topology.kubernetes.io/region", "topology.kubernetes.io/zone"))
"""Copied from the node by the admission plug-in PodTopologyLabels, where it is switched on."""
_CHANGING = frozenset((DATA_CLASS, _HASH, *_JOB_UIDS, *_JOB_NAMES))


def labels_of(workflow: HealthcareWorkflow, *, runs: bool) -> PodLabels:
    """The labels of its pods.

    Args:
        workflow: the workflow.
        runs: whether its pods may be taken to be of this very spec; if not, what the spec changes
            of them is not known.
    """
    written, perhaps = pod_labels(workflow), _OF_NODES
    if not runs:
        del written[DATA_CLASS]
        perhaps |= {DATA_CLASS}
    return PodLabels(written, _added(workflow.spec.workload.kind, workflow.metadata.name), perhaps)


def any_labels_of(name: str) -> PodLabels:
    """What is known of the labels of any workflow of this name, whatever its spec."""
    return PodLabels({**identity_of(name), NET: OPEN}, {}, _OF_NODES | _CHANGING)


def _added(kind: WorkloadKind, name: str) -> dict[str, str]:
    """What the controllers of Kubernetes add, and what its value begins with."""
    match kind:
        case WorkloadKind.DEPLOYMENT:
            return {_HASH: ""}
        case WorkloadKind.JOB:
            job = name
        case WorkloadKind.CRON_JOB:
            job = f"{name}-"
    return {**dict.fromkeys(_JOB_UIDS, ""), **dict.fromkeys(_JOB_NAMES, job)}
