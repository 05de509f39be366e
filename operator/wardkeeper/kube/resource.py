# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The kinds Wardkeeper speaks to the API server about, and their paths.

A fixed table, not discovery: the operator's rights are fixed too, so a kind that is not here
must not be reachable by accident.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote


class Ref(NamedTuple):
    """Which object is meant; `namespace` is empty for cluster-scoped kinds."""

    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind as the API server serves it; `group` is empty for the core group."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """The `apiVersion` of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None, name: str = "", subresource: str = "") -> str:
        """URL path of an object, of its subresource, or (without name) of a collection.

        A namespaced collection without namespace is the whole cluster.

        Raises:
            ValueError: an object of a namespaced kind without a namespace.
        """
        if self.namespaced and name and not namespace:
            raise ValueError(f"{self.kind} {name!r} needs a namespace")
        parts = ["/apis", self.group, self.version] if self.group else ["/api", self.version]
        if self.namespaced and namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=""))
        if subresource:
            parts.append(subresource)
        return "/".join(parts)


_RESOURCES = {
    resource.kind: resource
    for resource in (
        Resource("wardkeeper.io", "v1alpha1", "HealthcareWorkflow", "healthcareworkflows"),
        Resource("wardkeeper.io", "v1alpha1", "IssuedCredential", "issuedcredentials"),
        Resource("", "v1", "ServiceAccount", "serviceaccounts"),
        Resource("", "v1", "Secret", "secrets"),
        Resource("", "v1", "Service", "services"),
        Resource("", "v1", "ConfigMap", "configmaps"),
        Resource("", "v1", "Pod", "pods"),
        Resource("", "v1", "Namespace", "namespaces", namespaced=False),
        Resource("rbac.authorization.k8s.io", "v1", "Role", "roles"),
        Resource("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
        Resource("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
        Resource("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
        Resource("apps", "v1", "Deployment", "deployments"),
        Resource("apps", "v1", "ControllerRevision", "controllerrevisions"),
        Resource("batch", "v1", "CronJob", "cronjobs"),
        Resource("batch", "v1", "Job", "jobs"),
        Resource("events.k8s.io", "v1", "Event", "events"),
        Resource("coordination.k8s.io", "v1", "Lease", "leases"),
        Resource("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
        Resource(
            "apiextensions.k8s.io",
            "v1",
            "CustomResourceDefinition",
            "customresourcedefinitions",
            namespaced=False,
        ),
    )
}


def resource_of(kind: str) -> Resource:
    """How the API server serves a kind.

    Raises:
        ValueError: a kind that Wardkeeper has no business with.
    """
    try:
        return _RESOURCES[kind]
    except KeyError:
        raise ValueError(f"kind {kind!r} is not one Wardkeeper speaks about") from None


def ref_of(obj: dict[str, Any]) -> Ref:
    """Which object a full or metadata-only object is."""
    metadata = obj["metadata"]
    return Ref(obj["kind"], metadata.get("namespace", ""), metadata["name"])
