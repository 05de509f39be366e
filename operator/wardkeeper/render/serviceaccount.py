# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The workflow's own identity. It mounts nothing by itself and is used by nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.render.metadata import Obj, metadata

if TYPE_CHECKING:
    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.render.surroundings import Surroundings


def render_service_account(workflow: HealthcareWorkflow, surroundings: Surroundings) -> Obj:
    """The ServiceAccount; a pod gets a token of it only by a declared audience."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(workflow, surroundings, workflow.metadata.name),
        "automountServiceAccountToken": False,
    }
