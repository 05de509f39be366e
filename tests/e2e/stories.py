# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The stage of the stories: a real control plane, OpenBao, and the operator as it is shipped.

Everybody on it is somebody else than the operator: what is read here is what people see, what is
written here is written under other names. What the operator wrote is taken from the API server's
audit log, never from the operator's own words.
"""

from __future__ import annotations

import base64
import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import requests
import yaml

from tests.cluster.access import RESTRICTED
from tests.cluster.installation import USER
from tests.cluster.openbao import VaultRefusedError
from tests.cluster.waiting import until
from wardkeeper.api.workflow import KIND
from wardkeeper.kube.resource import Resource, resource_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.cluster.cluster import Cluster
    from tests.cluster.installation import Installation

Obj = dict[str, Any]

INTRUDER = "intruder"
"""The field manager under which tests edit what is not theirs."""

PATIENCE = 60.0
"""Seconds for something that waits on simulated pods, which take up to 10 s to become ready."""

CHILD_KINDS = (
    "ServiceAccount",
    "NetworkPolicy",
    "Role",
    "RoleBinding",
    "Secret",
    "Service",
    "PodDisruptionBudget",
    "Deployment",
    "CronJob",
    "Job",
)
"""What a workflow may consist of."""

_ADMISSION = "admissionregistration.k8s.io"
_FOREIGN = {
    one.kind: one
    for one in (
        Resource("apps", "v1", "ReplicaSet", "replicasets"),
        Resource("", "v1", "ResourceQuota", "resourcequotas"),
        Resource("", "v1", "Node", "nodes", namespaced=False),
        Resource("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", False),
        Resource(
            _ADMISSION, "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies", False
        ),
        Resource(
            _ADMISSION,
            "v1",
            "ValidatingAdmissionPolicyBinding",
            "validatingadmissionpolicybindings",
            False,
        ),
        Resource(
            _ADMISSION,
            "v1",
            "ValidatingWebhookConfiguration",
            "validatingwebhookconfigurations",
            False,
        ),
    )
}


class RefusedError(RuntimeError):
    """The API server refused; the message is what it said."""


class Write(NamedTuple):
    """One write as the API server counted it."""

    verb: str
    resource: str
    name: str
    code: int
    time: str


class Change(NamedTuple):
    """One event of a watch."""

    version: int
    type: str
    obj: Obj


def served(kind: str) -> Resource:
    """How the API server serves a kind of the stories."""
    return _FOREIGN.get(kind) or resource_of(kind)


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

    @contextmanager
    def place(self) -> Iterator[Place]:
        """A fresh namespace that enforces Pod Security restricted; deleted without waiting."""
        name = f"story-{secrets.token_hex(4)}"
        self.send("POST", "Namespace", body={"metadata": {"name": name, "labels": RESTRICTED}})
        try:
            yield Place(self, name)
        finally:
            self.send("DELETE", "Namespace", name=name)

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
        log = self.cluster.audit_log
        return log.stat().st_size if log.exists() else 0

    def audit(self, since: int) -> list[Obj]:
        """What was written to the API server since a mark, by anybody."""
        with self.cluster.audit_log.open("rb") as log:
            log.seek(since)
            lines = log.read().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith(b"}\n")]

    def history(self, since: str, kinds: Iterable[str], namespace: str) -> list[Change]:
        """What happened to all objects of these kinds since a version, in the order it did."""

        def follow(kind: str) -> list[Change]:
            answer = self.session.get(
                self.cluster.server + served(kind).path(namespace),
                params={"watch": "1", "resourceVersion": since, "timeoutSeconds": "1"},
                timeout=30,
            )
            told = [json.loads(line) for line in answer.text.splitlines()]
            return [
                Change(
                    int(one["object"]["metadata"]["resourceVersion"]), one["type"], one["object"]
                )
                for one in told
            ]

        with ThreadPoolExecutor() as threads:
            found = [change for changes in threads.map(follow, kinds) for change in changes]
        return sorted(found, key=lambda one: one.version)

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


@dataclass(frozen=True)
class Place:
    """One namespace of the stage, and what people see and do there."""

    stage: Stage
    namespace: str

    def create(self, made: Obj) -> Obj:
        """Create an object here."""
        return self.stage.send("POST", made["kind"], self.namespace, body=self._here(made))

    def get(self, kind: str, name: str) -> Obj | None:
        """One object; None when there is none."""
        return self.stage.get(kind, self.namespace, name)

    def read(self, kind: str, name: str) -> Obj:
        """One object that must be there."""
        return self.stage.send("GET", kind, self.namespace, name)

    def items(self, kind: str, selector: str = "") -> list[Obj]:
        """All objects of a kind."""
        answer = self.stage.send("GET", kind, self.namespace, labelSelector=selector)
        return [{"kind": kind, **one} for one in answer["items"]]

    def edit(self, kind: str, name: str, patch: Obj | list[Obj], manager: str = INTRUDER) -> Obj:
        """Change an object, as `kubectl patch` does; a list is a JSON patch."""
        form = "merge-patch" if kind == KIND else "strategic-merge-patch"
        content = f"application/{'json-patch' if isinstance(patch, list) else form}+json"
        where = (kind, self.namespace, name)
        return self.stage.send("PATCH", *where, body=patch, content=content, fieldManager=manager)

    def annotate(self, name: str, **annotations: str) -> Obj:
        """Annotate a workflow; `reconcile_at` stands for `wardkeeper.io/reconcile-at`."""
        said = {f"wardkeeper.io/{k.replace('_', '-')}": v for k, v in annotations.items()}
        return self.edit(KIND, name, {"metadata": {"annotations": said}}, "kubectl-annotate")

    def delete(self, kind: str, name: str, **parameters: str) -> Obj:
        """Delete an object without waiting until it is gone."""
        return self.stage.send("DELETE", kind, self.namespace, name, **parameters)

    def version(self) -> str:
        """The version at which the namespace stands, to tell a history from."""
        answer = self.stage.send("GET", "ServiceAccount", self.namespace, limit="1")
        return str(answer["metadata"]["resourceVersion"])

    def history(self, since: str, *kinds: str) -> list[Change]:
        """What happened here since a version, in the order it did."""
        return self.stage.history(since, kinds, self.namespace)

    def children(self, name: str) -> dict[tuple[str, str], Obj]:
        """Every object that carries the workflow's label, by kind and name."""
        selector = f"wardkeeper.io/workflow={name},app.kubernetes.io/managed-by=wardkeeper"
        found = [one for kind in CHILD_KINDS for one in self.items(kind, selector)]
        return {(one["kind"], one["metadata"]["name"]): one for one in found}

    def status(self, name: str) -> Obj:
        """The status of a workflow."""
        return dict(self.read(KIND, name).get("status", {}))

    def condition(self, name: str, kind: str) -> Obj:
        """A condition of a workflow; empty when there is none."""
        return condition_of(self.read(KIND, name), kind)

    def until_ready(self, name: str, *, seconds: float = PATIENCE) -> Obj:
        """Wait until a workflow is Ready for the generation it has; the workflow."""
        return until(
            lambda: self._ready(name), f"{name} is Ready", seconds=seconds, check=self._alive
        )

    def until_told(self, name: str, kind: str, reason: str, *, seconds: float = 30.0) -> Obj:
        """Wait until a condition of a workflow has a reason; the condition."""

        def look() -> Obj | None:
            workflow = self.read(KIND, name)
            found = condition_of(workflow, kind)
            current = found.get("observedGeneration") == workflow["metadata"]["generation"]
            return found if current and found["reason"] == reason else None

        return until(look, f"{kind} of {name} is {reason}", seconds=seconds, check=self._alive)

    def reconciled(self, name: str) -> None:
        """Have the operator look at everything of a workflow, and wait until it has."""
        value = secrets.token_hex(4)
        self.annotate(name, reconcile_at=value)
        until(
            lambda: self.status(name).get("lastHandledReconcileAt") == value,
            f"{name} was looked at",
            check=self._alive,
        )

    def writes(self, since: int, *, events: bool = False) -> list[Write]:
        """What the operator wrote here since a mark, refused or not; Events only when asked for."""
        found = []
        for one in self.stage.audit(since):
            target = one.get("objectRef", {})
            mine = one["user"]["username"] == USER and target.get("namespace") == self.namespace
            if mine and (events or target["resource"] != "events"):
                resource = "/".join(filter(None, (target["resource"], target.get("subresource"))))
                code, time = one["responseStatus"]["code"], one["requestReceivedTimestamp"]
                found.append(Write(one["verb"], resource, target.get("name", ""), code, time))
        return found

    def events(self, workflow: str, reason: str) -> list[Obj]:
        """The Events about a workflow that have a reason."""
        uid = self.read(KIND, workflow)["metadata"]["uid"]
        return [
            one
            for one in self.items("Event")
            if one["reason"] == reason and one["regarding"].get("uid") == uid
        ]

    def until_event(self, workflow: str, reason: str, words: str = "") -> Obj:
        """Wait for an Event about a workflow whose note holds these words."""

        def look() -> Obj | None:
            found = self.events(workflow, reason)
            return next((one for one in found if words in one["note"]), None)

        return until(look, f"an Event {reason} of {workflow} tells {words!r}", check=self._alive)

    def values(self, secret: str) -> list[str]:
        """The values that a Secret delivers."""
        data = self.read("Secret", secret)["data"]
        return [base64.b64decode(value).decode() for value in data.values()]

    def kv_version(self, workflow: str, secret: str) -> int:
        """How many versions of a secret OpenBao has been given; 0 when it knows none."""
        path = f"secret/metadata/hw/{self.namespace}/{workflow}/{secret}"
        try:
            answer = self.stage.cluster.openbao.api("GET", path)
        except VaultRefusedError as error:
            if " 404 " in str(error):
                return 0
            raise
        return int(answer["data"]["current_version"])

    @contextmanager
    def refusing(self, resource: str, probe: Obj, words: str, group: str = "") -> Iterator[None]:
        """Somebody's admission policy refuses every write of a resource here.

        Args:
            resource: its plural.
            probe: an object of it that would be let in otherwise.
            words: what the policy says, in CEL.
            group: API group of the resource.
        """
        name = f"refuse-{resource}-{self.namespace}"
        rule = {"apiGroups": [group], "apiVersions": ["*"], "resources": [resource]}
        here = {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}}
        matched = {
            "namespaceSelector": here,
            "resourceRules": [{**rule, "operations": ["CREATE", "UPDATE"]}],
        }
        no = {"expression": "false", "messageExpression": words}
        spec = {"failurePolicy": "Fail", "matchConstraints": matched, "validations": [no]}
        policy, binding = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"
        bound = {"policyName": name, "validationActions": ["Deny"]}
        made = {policy: spec, binding: bound}
        for kind, content in made.items():
            self.stage.send("POST", kind, body={"metadata": {"name": name}, "spec": content})
        until(lambda: name in self._try(probe), f"policy {name} is in force")
        try:
            yield
        finally:
            for kind in made:
                self.stage.send("DELETE", kind, name=name)
        until(lambda: name not in self._try(probe), f"policy {name} is out of force")

    def _try(self, probe: Obj) -> str:
        """What the API server says to an object; nothing is kept."""
        try:
            self.stage.send("POST", probe["kind"], self.namespace, body=probe, dryRun="All")
        except RefusedError as error:
            return str(error)
        return ""

    def _here(self, made: Obj) -> Obj:
        return {**made, "metadata": {**made["metadata"], "namespace": self.namespace}}

    def _ready(self, name: str) -> Obj | None:
        workflow = self.read(KIND, name)
        return workflow if is_ready(workflow) else None

    def _alive(self) -> None:
        process = self.stage.operator.process
        if process is not None and process.identity is not None:
            process.check()


def condition_of(workflow: Obj, kind: str) -> Obj:
    """A condition of a workflow; empty when there is none."""
    conditions = workflow.get("status", {}).get("conditions", ())
    return next((one for one in conditions if one["type"] == kind), {})


def is_ready(workflow: Obj) -> bool:
    """Whether a workflow says that it is Ready for the generation it has."""
    ready = condition_of(workflow, "Ready")
    current = ready.get("observedGeneration") == workflow["metadata"]["generation"]
    return bool(current and ready["status"] == "True")
