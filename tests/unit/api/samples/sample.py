# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Workflows that are accepted and workflows that are refused, for every judge there is.

The same table goes through the models here and through a real API server end to end: whatever one
of them accepts and the other refuses is a defect. Each sample is a small change to one of three
whole workflows.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

Raw = dict[str, Any]

DIGEST = "sha256:" + "0123456789abcdef" * 4
IMAGE = f"registry.example.org/lab/router@{DIGEST}"
GONE = object()
"""As a value of an edit: the member is left out."""


def container(name: str = "router", **more: Any) -> Raw:
    """A container with nothing in it that is not required."""
    amounts = {"cpu": "100m", "memory": "128Mi"}
    return {
        "name": name,
        "image": IMAGE,
        "resources": {"requests": amounts, "limits": dict(amounts)},
        **more,
    }


def _probed(name: str, port: str, number: int) -> Raw:
    probe = {"tcpSocket": {"port": port}}
    return container(
        name,
        ports=[{"name": port, "port": number}],
        probes={"readiness": probe, "liveness": dict(probe)},
    )


DEPLOYMENT: Raw = {
    "apiVersion": "wardkeeper.io/v1alpha1",
    "kind": "HealthcareWorkflow",
    "metadata": {"name": "router", "namespace": "default"},
    "spec": {
        "owner": {"team": "integration", "contact": "integration@example.org"},
        "phi": {"classification": "PHI"},
        "workload": {"kind": "Deployment", "containers": [_probed("router", "hl7", 2575)]},
        "access": {
            "rules": [
                {
                    "apiGroups": [""],
                    "resources": ["configmaps"],
                    "resourceNames": ["routes"],
                    "verbs": ["get", "watch"],
                }
            ],
            "tokens": [{"name": "ehr", "audience": "https://fhir.acme.example"}],
        },
        "network": {
            "ingress": [{"name": "intake", "workflow": {"name": "intake"}, "ports": ["hl7"]}]
        },
        "endpoints": [
            {
                "name": "ehr",
                "kind": "FHIR",
                "host": "fhir.acme.example",
                "cidrs": ["203.0.113.0/28"],
                "port": 443,
            }
        ],
        "secrets": [{"name": "db", "source": {"kvGenerated": {"fields": [{"name": "password"}]}}}],
    },
}


def _ending(kind: str, **more: Any) -> Raw:
    raw = deepcopy(DEPLOYMENT)
    raw["spec"] = {
        "owner": raw["spec"]["owner"],
        "phi": raw["spec"]["phi"],
        "workload": {"kind": kind, "containers": [container()], **more},
    }
    return raw


CRON_JOB = _ending("CronJob", schedule="30 2 * * *")
JOB = _ending("Job")


@dataclass(frozen=True)
class Sample:
    """A change to a whole workflow, and what is said about it.

    Attributes:
        name: what is special, for the test's name.
        edits: path of each member that changes, and its new value.
        base: the workflow that changes.
        field: the field that a refusal names; empty when the workflow is accepted.
        says: words of the refusal; the same from the API server and from reading, unless
        reads: words of the refusal when a file is read, where the schema's own words differ.
    """

    name: str
    edits: dict[str, Any]
    field: str = ""
    says: str = ""
    reads: str = ""
    base: str = "Deployment"

    def named(self, field: str) -> Sample:
        """The same sample, refused with another field's name."""
        return replace(self, field=field)

    def raw(self) -> Raw:
        """The whole workflow."""
        raw = deepcopy({"Deployment": DEPLOYMENT, "CronJob": CRON_JOB, "Job": JOB}[self.base])
        for path, value in self.edits.items():
            _set(raw, path, value)
        return raw


def _set(raw: Any, path: str, value: Any) -> None:
    *way, last = (
        int(step) if step.isdigit() else step
        for step in path.replace("[", ".").replace("]", "").split(".")
    )
    for step in way:
        raw = raw.setdefault(step, {}) if isinstance(raw, dict) else raw[step]
    if value is GONE:
        del raw[last]
    elif isinstance(raw, list) and last == len(raw):
        raw.append(value)
    else:
        raw[last] = value


def one(name: str, field: str, value: Any, says: str, reads: str = "", **more: Any) -> Sample:
    """A sample whose changed field is the one that is named."""
    return Sample(name, {field: value}, field, says, reads, **more)
