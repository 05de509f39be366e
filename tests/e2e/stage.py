# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The stage of the stories: a real control plane, OpenBao, and the operator as it is shipped.

Whoever looks or acts on it is somebody else than the operator: an administrator.
"""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import requests
import yaml

from tests.cluster.vault_server import VaultRefusedError
from tests.cluster.waiting import until
from wardkeeper.kube.resource import Resource, resource_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.cluster.cluster import Cluster
    from tests.cluster.installation import Installation

Obj = dict[str, Any]

_FOREIGN = {
    one.kind: one
    for one in (
        Resource("apps", "v1", "ReplicaSet", "replicasets"),
        Resource("", "v1", "ResourceQuota", "resourcequotas"),
        Resource("", "v1", "Node", "nodes", namespaced=False),
        Resource("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", False),
    )
} | {
    kind: Resource("admissionregistration.k8s.io", "v1", kind, plural, namespaced=False)
    for kind, plural in (
        ("MutatingAdmissionPolicy", "mutatingadmissionpolicies"),
        ("MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings"),
        ("ValidatingAdmissionPolicy", "validatingadmissionpolicies"),
        ("ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"),
        ("ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
    )
}


class RefusedError(RuntimeError):
    """The API server refused; the message is what it said."""


class Change(NamedTuple):
    """One event of a watch."""

    version: int
    type: str
    obj: Obj


def served(kind: str) -> Resource:
    """How the API server serves a kind of the stories."""
    return _FOREIGN.get(kind) or resource_of(kind)


def _version(obj: Obj) -> int:
    return int(obj["metadata"]["resourceVersion"])


@dataclass
class Stage:
    """A cluster with everything on it.

    Attributes:
        cluster: control plane, simulated node and OpenBao.
        operator: the one that runs unless a story stops it.
    """

    cluster: Cluster
    operator: Installation
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        """Speak to the API server as the admin."""
        user = yaml.safe_load(self.cluster.kubeconfig().read_text())["users"][0]["user"]
        pem = self.cluster.folder / "stories.pem"
        pem.touch(mode=0o600)
        parts = (user["client-certificate-data"], user["client-key-data"])
        pem.write_bytes(b"\n".join(base64.b64decode(part) for part in parts))
        self.session.trust_env = False
        self.session.cert, self.session.verify = str(pem), str(self.cluster.ca)

    def settle(self) -> None:
        """Have everything run that a story before may have left stopped."""
        bao = self.cluster.openbao
        if bao.api("GET", "sys/seal-status")["sealed"]:
            bao.unseal()
        if self.operator.process is None or self.operator.process.identity is None:
            self.operator.start()

    def send(
        self,
        method: str,
        kind: str,
        namespace: str = "",
        name: str = "",
        *,
        body: object = None,
        content: str = "application/json",
        subresource: str = "",
        **parameters: str,
    ) -> Obj:
        """One request as the admin; the answer.

        Raises:
            RefusedError: the answer's code is 400 or above.
        """
        answer = self.session.request(
            method,
            self.cluster.server + served(kind).path(namespace or None, name, subresource),
            data=None if body is None else json.dumps(body),
            headers={"Content-Type": content},
            params=parameters,
            timeout=30,
        )
        if answer.status_code >= 400:
            raise RefusedError(f"{answer.status_code} {answer.json().get('message')}")
        found: Obj = answer.json()
        return found

    def get(self, kind: str, namespace: str, name: str) -> Obj | None:
        """One object; None when there is none."""
        try:
            return self.send("GET", kind, namespace, name)
        except RefusedError as error:
            if str(error).startswith("404 "):
                return None
            raise

    def mark(self) -> int:
        """Where the audit log ends now."""
        return self.cluster.audit.mark()

    def audit(self, since: int) -> list[Obj]:
        """What the API server was asked to write since a mark, by anybody, and what it said."""
        return self.cluster.audit.since(since)

    def history(self, since: str, kinds: Iterable[str], namespace: str) -> list[Change]:
        """What happened to all objects of these kinds since a version, in the order it did."""

        def follow(kind: str) -> list[Change]:
            newest = {_version(one) for one in self.send("GET", kind, namespace)["items"]}
            missing = {one for one in newest if one > int(since)}
            found: list[Change] = []

            def look() -> bool:
                found[:] = self._told(kind, namespace, since)
                return missing <= {one.version for one in found}

            until(look, f"a watch tells of each {kind} that is there")
            return found

        with ThreadPoolExecutor() as threads:
            told = [change for changes in threads.map(follow, kinds) for change in changes]
        return sorted(told, key=lambda one: one.version)

    def _told(self, kind: str, namespace: str, since: str) -> list[Change]:
        """What a watch tells within a second; all, after a list that has made it catch up.

        Raises:
            RefusedError: the API server does not remember that far back.
        """
        answer = self.session.get(
            self.cluster.server + served(kind).path(namespace),
            params={"watch": "1", "resourceVersion": since, "timeoutSeconds": "1"},
            timeout=30,
        )
        told = [json.loads(line) for line in answer.text.splitlines()]
        for one in told:
            if one["type"] == "ERROR":
                raise RefusedError(f"{one['object']['code']} {one['object']['message']}")
        return [Change(_version(one["object"]), one["type"], one["object"]) for one in told]

    def vault_keys(self, path: str) -> list[str]:
        """What OpenBao lists under a path; empty when it knows none."""
        try:
            answer = self.cluster.openbao.api("LIST", path)
        except VaultRefusedError as error:
            if " 404 " in str(error):
                return []
            raise
        keys: list[str] = answer["data"]["keys"]
        return keys
