# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Who changed which keys of the delivered Secrets, before they are put back. Never a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from wardkeeper.engine.compare import compare
from wardkeeper.engine.drift import UNKNOWN, record_drift
from wardkeeper.engine.secrets.facts import secret_shape
from wardkeeper.kube.resource import Ref
from wardkeeper.render.secret import delivered_secrets, secret_name
from wardkeeper.rotation.facts import Cause

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wardkeeper.api.status import DriftRecord
    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.engine.compare import Difference
    from wardkeeper.engine.secrets.job import Job, SecretOutcome
    from wardkeeper.engine.seen import Child


@dataclass(frozen=True, slots=True)
class SecretEdits:
    """What was found at the Secrets of a workflow.

    Attributes:
        namespace: namespace of the workflow.
        workflow: name of the workflow.
        edited: by secret, what somebody else changed.
        untouched: Secrets that were compared and are as published, with their version.
    """

    namespace: str
    workflow: str
    edited: Mapping[str, tuple[Difference, ...]] = field(default_factory=dict)
    untouched: tuple[tuple[Ref, int], ...] = ()


def secret_edits(
    workflow: HealthcareWorkflow, children: Mapping[Ref, Child], job: Job
) -> SecretEdits:
    """Compare the Secrets that were not compared since they changed."""
    edited: dict[str, tuple[Difference, ...]] = {}
    untouched: list[tuple[Ref, int]] = []
    for spec in delivered_secrets(workflow):
        ref = Ref("Secret", job.namespace, secret_name(job.workflow, spec.name))
        child = children.get(ref)
        if child is None or child.unread is None:
            continue
        live = orjson.loads(child.unread)
        comparison = compare(secret_shape(workflow, spec, live, job.labels), live)
        if comparison.clean:
            untouched.append((ref, child.version))
        else:
            edited[spec.name] = comparison.differences
    return SecretEdits(job.namespace, job.workflow, edited, tuple(untouched))


def secret_drift(
    outcome: SecretOutcome, edits: SecretEdits, settled: bool, now: str
) -> DriftRecord | None:
    """The record of a Secret that was put back; None when it was not, or not for an edit."""
    if outcome.restored is None:
        return None
    ref = Ref("Secret", edits.namespace, secret_name(edits.workflow, outcome.name))
    if outcome.restored is Cause.MISSING:
        return record_drift(ref, ("metadata",), UNKNOWN, now) if settled else None
    differences = edits.edited.get(outcome.name, ())
    if not differences:
        return None
    manager = next((d.manager for d in differences if d.manager != UNKNOWN), UNKNOWN)
    return record_drift(ref, (d.path for d in differences), manager, now)
