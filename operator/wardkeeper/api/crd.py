# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The CustomResourceDefinitions, as YAML that never differs for one model.

Only what the models say is written; this module adds what a definition has around its schema. It
must never write by hand what a model can say.
"""

from __future__ import annotations

from typing import Any

import yaml

from wardkeeper.api.credential import (
    CREDENTIAL_KIND,
    CREDENTIAL_PLURAL,
    CREDENTIAL_SHORT,
    IssuedCredential,
    IssuedCredentialSpec,
    IssuedCredentialStatus,
)
from wardkeeper.api.schema import GROUP, RULES, VERSION, Model
from wardkeeper.api.status import WorkflowStatus
from wardkeeper.api.structural import Schema, structural
from wardkeeper.api.workflow import KIND, PLURAL, HealthcareWorkflow, WorkflowSpec

_HEADER = """\
# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
# Generated from operator/wardkeeper/api; change the models there, then run `make crds`.
"""

_API_VERSION = {
    "type": "string",
    "description": "Version of the API that the object is written in: wardkeeper.io/v1alpha1.",
}


def definition() -> dict[str, Any]:
    """The whole definition of HealthcareWorkflow, as the API server stores it unchanged."""
    spec = structural(WorkflowSpec, "spec")
    status = structural(WorkflowStatus, "status", defaults=False)
    spec["description"] = "What the workflow is, what it may reach and who answers for it."
    status["default"] = {"observedGeneration": -1}
    return _definition(
        HealthcareWorkflow,
        {
            "kind": KIND,
            "listKind": f"{KIND}List",
            "plural": PLURAL,
            "singular": KIND.lower(),
            "shortNames": ["hcw"],
            "categories": ["healthcare"],
        },
        {"spec": spec, "status": status},
        _columns(),
        selectable=[{"jsonPath": ".spec.phi.classification"}],
    )


def ledger_definition() -> dict[str, Any]:
    """The whole definition of IssuedCredential; its spec is written once and for all."""
    spec = structural(IssuedCredentialSpec, "spec", defaults=False)
    spec[RULES] = [
        *spec.get(RULES, []),
        {
            "rule": "self == oldSelf",
            "message": "an entry of the ledger is never changed; delete it to have the credential "
            "replaced and revoked",
        },
    ]
    return _definition(
        IssuedCredential,
        {
            "kind": CREDENTIAL_KIND,
            "listKind": f"{CREDENTIAL_KIND}List",
            "plural": CREDENTIAL_PLURAL,
            "singular": CREDENTIAL_KIND.lower(),
            "shortNames": [CREDENTIAL_SHORT],
            "categories": ["healthcare"],
        },
        {"spec": spec, "status": structural(IssuedCredentialStatus, "status", defaults=False)},
        _ledger_columns(),
    )


def definition_yaml() -> str:
    """The definition of HealthcareWorkflow as a YAML file, keys in the order of the models."""
    return _yaml(definition())


def ledger_definition_yaml() -> str:
    """The definition of IssuedCredential as a YAML file, keys in the order of the models."""
    return _yaml(ledger_definition())


def _yaml(definition: dict[str, Any]) -> str:
    text = yaml.dump(definition, Dumper=_PlainDumper, sort_keys=False, width=100)
    return f"{_HEADER}{text}"


def _definition(
    model: type[Model],
    names: dict[str, Any],
    parts: dict[str, Schema],
    columns: list[dict[str, Any]],
    *,
    selectable: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """A definition of a namespaced kind.

    Metadata stays open, so no rule can point into it.
    """
    root: Schema = {
        "type": "object",
        "description": " ".join((model.__doc__ or "").split()),
        "required": ["spec"],
        "properties": {
            "apiVersion": _API_VERSION,
            "kind": {"type": "string", "description": f"Kind of the object: {names['kind']}."},
            "metadata": {"type": "object"},
            **parts,
        },
    }
    if model.obeys:
        root[RULES] = [{"rule": each.cel, "message": each.message} for each in model.obeys]
    version: dict[str, Any] = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": columns,
        **({"selectableFields": selectable} if selectable else {}),
        "schema": {"openAPIV3Schema": root},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{names['plural']}.{GROUP}",
            "labels": {"app.kubernetes.io/name": "wardkeeper"},
        },
        "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def _columns() -> list[dict[str, Any]]:
    """What `kubectl get hcw` shows; a priority above 0 shows with `-o wide` only."""
    ready = '.status.conditions[?(@.type=="Ready")]'
    return [
        {"name": "Ready", "type": "string", "jsonPath": f"{ready}.status"},
        {"name": "Reason", "type": "string", "jsonPath": f"{ready}.reason"},
        {"name": "Class", "type": "string", "jsonPath": ".spec.phi.classification"},
        {"name": "Endpoints", "type": "string", "jsonPath": ".status.endpointsSummary"},
        {
            "name": "Secrets",
            "type": "string",
            "description": "When the next secret is due to be replaced.",
            "priority": 1,
            "jsonPath": ".status.nextRotation",
        },
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]


def _ledger_columns() -> list[dict[str, Any]]:
    """What `kubectl get hic` shows."""
    return [
        {
            "name": "Workflow-Namespace",
            "type": "string",
            "jsonPath": ".spec.workflowRef.namespace",
        },
        {"name": "Workflow", "type": "string", "jsonPath": ".spec.workflowRef.name"},
        {"name": "Secret", "type": "string", "jsonPath": ".spec.secret"},
        {"name": "Engine", "type": "string", "jsonPath": ".spec.engine"},
        {"name": "Phase", "type": "string", "jsonPath": ".status.phase"},
        {"name": "Issued", "type": "date", "priority": 1, "jsonPath": ".status.issuedAt"},
        {"name": "Expires", "type": "string", "priority": 1, "jsonPath": ".status.expiresAt"},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]


class _PlainDumper(yaml.SafeDumper):
    """Writes a value that stands twice twice, and never an anchor."""

    def ignore_aliases(self, data: Any) -> bool:
        """Say yes: a reader of YAML need not know anchors."""
        return True
