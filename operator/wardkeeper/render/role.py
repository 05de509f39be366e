# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The rights of the workflow's own identity: exactly `access.rules`, granted to nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.render.metadata import Obj, metadata

if TYPE_CHECKING:
    from wardkeeper.api.access import AccessRule
    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.render.surroundings import Surroundings

_API_GROUP = "rbac.authorization.k8s.io"


def render_role(workflow: HealthcareWorkflow, surroundings: Surroundings) -> Obj | None:
    """The Role; none when the workflow asks for no right."""
    rules = workflow.spec.access.rules
    if not rules:
        return None
    return {
        "apiVersion": f"{_API_GROUP}/v1",
        "kind": "Role",
        "metadata": metadata(workflow, surroundings, workflow.metadata.name),
        "rules": [_rule(one) for one in rules],
    }


def render_role_binding(workflow: HealthcareWorkflow, surroundings: Surroundings) -> Obj | None:
    """The RoleBinding of the Role to the ServiceAccount; none when there is no Role."""
    if not workflow.spec.access.rules:
        return None
    name = workflow.metadata.name
    return {
        "apiVersion": f"{_API_GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": metadata(workflow, surroundings, name),
        "roleRef": {"apiGroup": _API_GROUP, "kind": "Role", "name": name},
        "subjects": [
            {"kind": "ServiceAccount", "name": name, "namespace": workflow.metadata.namespace}
        ],
    }


def _rule(rule: AccessRule) -> Obj:
    made: Obj = {
        "apiGroups": list(rule.api_groups),
        "resources": list(rule.resources),
        "verbs": [verb.value for verb in rule.verbs],
    }
    if rule.resource_names:
        made["resourceNames"] = list(rule.resource_names)
    return made
