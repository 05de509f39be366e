# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The kinds the fake serves and how they differ; written down apart from the operator's table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind.

    Attributes:
        status: it has a status subresource, so writes to the object leave status alone.
        generation: metadata.generation counts changes outside metadata and status.
        custom: it comes from a CustomResourceDefinition.
        versioned_put: a PUT must carry a resourceVersion.
        on_create: what every new object begins with.
    """

    group: str
    version: str
    name: str
    plural: str
    namespaced: bool = True
    status: bool = False
    generation: bool = False
    custom: bool = False
    versioned_put: bool = False
    on_create: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


_UNSEEN = {"status": {"observedGeneration": -1}}
_ACTIVE = {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}

KINDS = (
    Kind("", "v1", "Namespace", "namespaces", namespaced=False, status=True, on_create=_ACTIVE),
    Kind("", "v1", "ServiceAccount", "serviceaccounts"),
    Kind("", "v1", "Secret", "secrets"),
    Kind("", "v1", "ConfigMap", "configmaps"),
    Kind("", "v1", "Service", "services", status=True),
    Kind("", "v1", "Pod", "pods", status=True, generation=True),
    Kind("rbac.authorization.k8s.io", "v1", "Role", "roles"),
    Kind("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
    Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", generation=True),
    Kind(
        "policy",
        "v1",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        status=True,
        generation=True,
    ),
    Kind("apps", "v1", "Deployment", "deployments", status=True, generation=True),
    Kind("apps", "v1", "ControllerRevision", "controllerrevisions"),
    Kind("batch", "v1", "CronJob", "cronjobs", status=True, generation=True),
    Kind("batch", "v1", "Job", "jobs", status=True, generation=True),
    Kind("events.k8s.io", "v1", "Event", "events"),
    Kind("coordination.k8s.io", "v1", "Lease", "leases", versioned_put=True),
    Kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", generation=True),
    Kind(
        "apiextensions.k8s.io",
        "v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        namespaced=False,
        status=True,
        generation=True,
    ),
    Kind(
        "wardkeeper.io",
        "v1alpha1",
        "IssuedCredential",
        "issuedcredentials",
        status=True,
        generation=True,
        custom=True,
        versioned_put=True,
    ),
    Kind(
        "wardkeeper.io",
        "v1alpha1",
        "HealthcareWorkflow",
        "healthcareworkflows",
        status=True,
        generation=True,
        custom=True,
        versioned_put=True,
        on_create=_UNSEEN,
    ),
)

BY_NAME = {kind.name: kind for kind in KINDS}
BY_PATH = {(kind.group, kind.version, kind.plural): kind for kind in KINDS}
