# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The metadata that every child carries: how it is found, and whose it is.

An object without the owner reference of its workflow is not ours, and is never touched; so
nothing here may invent a uid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wardkeeper.api.schema import GROUP, VERSION
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.render.surroundings import Surroundings

Obj = dict[str, Any]
"""A rendered object, in the exact form that the API server stores."""

MANAGED_BY = "app.kubernetes.io/managed-by"
VERSION_LABEL = "app.kubernetes.io/version"
WORKFLOW = f"{GROUP}/workflow"
NET = f"{GROUP}/net"
DATA_CLASS = f"{GROUP}/data-class"
OPERATOR = "wardkeeper"


def owner_reference(workflow: HealthcareWorkflow) -> Obj:
    """The controller owner reference that makes a child ours and lets Kubernetes collect it."""
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": KIND,
        "name": workflow.metadata.name,
        "uid": workflow.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def selector(workflow: HealthcareWorkflow) -> dict[str, str]:
    """The one label that selects a workflow's pods; selectors are immutable, so it never grows."""
    return {WORKFLOW: workflow.metadata.name}


def identity(workflow: HealthcareWorkflow) -> dict[str, str]:
    """Labels that do not change when the operator is upgraded."""
    return identity_of(workflow.metadata.name)


def identity_of(name: str) -> dict[str, str]:
    """The same for the workflow of this name."""
    return {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/instance": name,
        "app.kubernetes.io/part-of": OPERATOR,
        MANAGED_BY: OPERATOR,
        WORKFLOW: name,
    }


def labels(workflow: HealthcareWorkflow, version: str) -> dict[str, str]:
    """Labels of a child; `version` is that of the API it was made from, never the operator's."""
    return {**identity(workflow), VERSION_LABEL: version}


def metadata(workflow: HealthcareWorkflow, surroundings: Surroundings, name: str) -> Obj:
    """Metadata of the child `name` in the workflow's namespace.

    The owner reference is left out when the workflow has no uid, which only happens when it is
    rendered without a cluster: such objects can be read, but the operator would not adopt them.
    """
    made: Obj = {
        "name": name,
        "namespace": workflow.metadata.namespace,
        "labels": labels(workflow, surroundings.version),
    }
    if workflow.metadata.uid:
        made["ownerReferences"] = [owner_reference(workflow)]
    return made
