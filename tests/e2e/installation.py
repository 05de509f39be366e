# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A real API server with everything of `manifests/` on it but the operator's pods."""

from __future__ import annotations

import copy
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import requests
import yaml

from tests.cluster.cluster import Cluster
from tests.cluster.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.levels import Level

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "manifests"
OPERATOR = "system:serviceaccount:wardkeeper-system:wardkeeper"
PEOPLE = "alice@example.org"
PLATFORM = ("platform-administrators",)
"""A group that may do everything by RBAC, and is not the one that no policy binds."""
POLICIES = (
    "wardkeeper-granted-rights",
    "wardkeeper-ledger",
    "wardkeeper-token-requests",
    "wardkeeper-workflow-identity",
    "wardkeeper-workflow-pods",
    "wardkeeper-workflow-templates",
    "wardkeeper-workflow-tokens",
)
CHILDREN = "wardkeeper-workflow-children"


class Answer(NamedTuple):
    """What the API server answered."""

    code: int
    body: dict[str, Any]

    @property
    def message(self) -> str:
        """What it says about a refusal."""
        return str(self.body.get("message", ""))


@dataclass
class Installation:
    """A cluster on which Wardkeeper is installed.

    Attributes:
        cluster: the cluster.
        session: speaks as the admin, who may speak as anybody.
    """

    cluster: Cluster
    session: requests.Session

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        user: str = "",
        groups: tuple[str, ...] = (),
        dry_run: bool = True,
    ) -> Answer:
        """One request, as the admin or in the name of a user; nothing is kept on a dry run."""
        headers: dict[str, Any] = {}
        if user:
            headers["Impersonate-User"] = user
        if groups:
            headers["Impersonate-Group"] = ",".join(groups)
        if method == "PATCH":
            headers["Content-Type"] = "application/merge-patch+json"
        answer = self.session.request(
            method,
            f"{self.cluster.server}{path}",
            json=body,
            headers=headers,
            params={"dryRun": "All"} if dry_run and method != "GET" else {},
            timeout=10,
        )
        as_json = answer.headers.get("Content-Type", "").startswith("application/json")
        return Answer(answer.status_code, answer.json() if as_json else {"message": answer.text})


def build(folder: Path, kubectl: str) -> list[dict[str, Any]]:
    """What `kubectl kustomize` makes of a folder."""
    text = subprocess.run(
        [kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=True, timeout=30
    ).stdout
    return list(yaml.safe_load_all(text))


def workflow(name: str, namespace: str) -> dict[str, Any]:
    """The sample service under another name, without secrets."""
    text = (MANIFESTS / "samples" / "lab-results-router.yaml").read_text()
    made = next(
        copy.deepcopy(one)
        for one in yaml.safe_load_all(text)
        if one["kind"] == "HealthcareWorkflow"
    )
    made["metadata"] = {"name": name, "namespace": namespace}
    del made["spec"]["secrets"]
    return dict(made)


def entry(name: str) -> dict[str, Any]:
    """An entry of the ledger, as the operator records an intent."""
    ref = {"namespace": "radiology", "name": "lab-results-router", "uid": "u"}
    return {
        "apiVersion": "wardkeeper.io/v1alpha1",
        "kind": "IssuedCredential",
        "metadata": {"name": name, "finalizers": ["wardkeeper.io/revoke"]},
        "spec": {"workflowRef": ref, "secret": "db", "engine": "KvGenerated", "rotationId": "aa"},
    }


@contextmanager
def installed(level: Level, overlay: str) -> Iterator[Installation]:
    """A cluster of its own, with an overlay applied and its policies in force."""
    with Cluster(level) as cluster, requests.Session() as session:
        config = yaml.safe_load(cluster.kubeconfig().read_text())
        _log_in(session, config["users"][0]["user"], cluster)
        made = Installation(cluster, session)
        objects = build(MANIFESTS / "overlays" / overlay, cluster.kubectl_program)
        pods = ("Deployment", "PodDisruptionBudget")
        for namespace in {one["metadata"].get("namespace") for one in objects} - {None, "default"}:
            cluster.create_namespace(str(namespace))
        definitions = [one for one in objects if one["kind"] == "CustomResourceDefinition"]
        cluster.apply(*definitions)
        kind = "/apis/wardkeeper.io/v1alpha1/healthcareworkflows"
        until(lambda: made.send("GET", kind).code == 200, "the kind is served")
        cluster.apply(*(one for one in objects if one["kind"] not in pods), _administrators())
        until(lambda: _in_force(made), "the admission policies are in force", seconds=30)
        yield made


def _administrators() -> dict[str, Any]:
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": PLATFORM[0]}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": PLATFORM[0]},
        "roleRef": role,
        "subjects": [subject],
    }


def _log_in(session: requests.Session, user: dict[str, str], cluster: Cluster) -> None:
    """Use the client certificate of a kubeconfig."""
    import base64

    pem = cluster.folder / "installation.pem"
    pem.touch(mode=0o600)
    parts = (user["client-certificate-data"], user["client-key-data"])
    pem.write_bytes(b"\n".join(base64.b64decode(part) for part in parts))
    session.trust_env = False  # a CA bundle in the environment would win over the cluster's
    session.cert, session.verify = str(pem), str(cluster.ca)


def _in_force(made: Installation) -> bool:
    """Whether each policy refuses what it is there to refuse."""
    probe = workflow("probe", "default")
    place = "/apis/wardkeeper.io/v1alpha1/namespaces/default/healthcareworkflows"
    metadata = {"name": "probe", "namespace": "default"}
    labelled = {"labels": {"wardkeeper.io/workflow": "probe"}, **metadata}
    if made.send("GET", f"{place}/probe").code == 404:
        made.send("POST", place, probe, dry_run=False)
        accounts = "/api/v1/namespaces/default/serviceaccounts"
        made.send("POST", accounts, {"metadata": labelled}, dry_run=False)
    pod = {"serviceAccountName": "probe", "containers": [{"name": "c", "image": "x"}]}
    annotated = {"annotations": {"kubernetes.io/service-account.name": "probe"}, **labelled}
    secret = {"metadata": annotated, "type": "kubernetes.io/service-account-token"}
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
    role = {"metadata": metadata, "rules": rules}
    tries = (
        ("rbac.authorization.k8s.io/v1", "roles", role, OPERATOR),
        ("wardkeeper.io/v1alpha1", "issuedcredentials", entry("probe"), PEOPLE),
        ("", "serviceaccounts/default/token", {"spec": {"audiences": ["x"]}}, OPERATOR),
        ("", "pods", {"metadata": metadata, "spec": pod}, PEOPLE),
        ("", "pods", {"metadata": labelled, "spec": pod}, PEOPLE),
        ("", "secrets", secret, PEOPLE),
        ("", "serviceaccounts/probe/token", {"spec": {"audiences": ["x"]}}, PEOPLE),
    )
    for policy, (group, resource, body, user) in zip(POLICIES, tries, strict=True):
        root = f"/apis/{group}" if group else "/api/v1"
        answer = made.send(
            "POST", f"{root}/namespaces/default/{resource}", body, user=user, groups=PLATFORM
        )
        if f"'{policy}'" not in answer.message:
            return False
    return _children_in_force(made)


def _children_in_force(made: Installation) -> bool:
    """Whether what a workflow owns is kept from people."""
    owner = {"apiVersion": "v1", "kind": "Owner", "name": "probe", "uid": "u", "controller": True}
    metadata = {"labels": {"wardkeeper.io/workflow": "probe"}, "ownerReferences": [owner]}
    roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles"
    child = {"metadata": {"name": "probe", "finalizers": ["example.org/kept"], **metadata}}
    made.send("POST", roles, child, dry_run=False)
    answer = made.send("DELETE", f"{roles}/probe", user=PEOPLE, groups=PLATFORM)
    if f"'{CHILDREN}'" not in answer.message:
        return False
    made.send("PATCH", f"{roles}/probe", {"metadata": {"finalizers": []}}, dry_run=False)
    made.send("DELETE", f"{roles}/probe", dry_run=False)
    return True
