# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The CustomResourceDefinition of HealthcareWorkflow, as YAML that never differs for one model.

Only what the models say is written; this module adds what a definition has around its schema. It
must never write by hand what a model can say.
"""

from __future__ import annotations

from typing import Any

import yaml

from wardkeeper.api.schema import GROUP, RULES, VERSION
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
_KIND = {"type": "string", "description": "Kind of the object: HealthcareWorkflow."}


def definition() -> dict[str, Any]:
    """The whole definition, as a dict that the API server stores unchanged."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{PLURAL}.{GROUP}",
            "labels": {"app.kubernetes.io/name": "wardkeeper"},
        },
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": ["hcw"],
                "categories": ["healthcare"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": _columns(),
                    "selectableFields": [{"jsonPath": ".spec.phi.classification"}],
                    "schema": {"openAPIV3Schema": _root()},
                }
            ],
        },
    }


def definition_yaml() -> str:
    """The definition as a YAML file, keys in the order of the models."""
    text = yaml.dump(definition(), Dumper=_PlainDumper, sort_keys=False, width=100)
    return f"{_HEADER}{text}"


def _root() -> Schema:
    """The schema of the kind.

    Metadata stays open, so no rule can point into it; a status that nobody wrote says so.
    """
    spec = structural(WorkflowSpec, "spec")
    status = structural(WorkflowStatus, "status", defaults=False)
    spec["description"] = "What the workflow is, what it may reach and who answers for it."
    status["default"] = {"observedGeneration": -1}
    return {
        "type": "object",
        "description": " ".join((HealthcareWorkflow.__doc__ or "").split()),
        "required": ["spec"],
        "properties": {
            "apiVersion": _API_VERSION,
            "kind": _KIND,
            "metadata": {"type": "object"},
            "spec": spec,
            "status": status,
        },
        RULES: [{"rule": each.cel, "message": each.message} for each in HealthcareWorkflow.obeys],
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


class _PlainDumper(yaml.SafeDumper):
    """Writes a value that stands twice twice, and never an anchor."""

    def ignore_aliases(self, data: Any) -> bool:
        """Say yes: a reader of YAML need not know anchors."""
        return True
