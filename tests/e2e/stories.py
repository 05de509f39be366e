# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""One namespace of the stage, as people see it and act in it.

What is written here is written under other names than the operator's. What the operator wrote is
taken from the API server's audit log, never from the operator's own words.
"""

from __future__ import annotations

import base64
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tests.cluster.access import RESTRICTED
from tests.cluster.installation import USER
from tests.cluster.vault_server import VaultRefusedError
from tests.cluster.waiting import until
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.stage import Change, Obj, Stage

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


class Write(NamedTuple):
    """One write as the API server counted it."""

    verb: str
    resource: str
    name: str
    code: int
    time: str


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

    def annotate(self, name: str, **annotations: str | None) -> Obj:
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

    def _here(self, made: Obj) -> Obj:
        return {**made, "metadata": {**made["metadata"], "namespace": self.namespace}}

    def _ready(self, name: str) -> Obj | None:
        workflow = self.read(KIND, name)
        return workflow if is_ready(workflow) else None

    def _alive(self) -> None:
        process = self.stage.operator.process
        if process is not None and process.identity is not None:
            process.check()


@contextmanager
def fresh_place(stage: Stage) -> Iterator[Place]:
    """A fresh namespace that enforces Pod Security restricted; deleted without waiting."""
    name = f"story-{secrets.token_hex(4)}"
    stage.send("POST", "Namespace", body={"metadata": {"name": name, "labels": RESTRICTED}})
    try:
        yield Place(stage, name)
    finally:
        stage.send("DELETE", "Namespace", name=name)


def condition_of(workflow: Obj, kind: str) -> Obj:
    """A condition of a workflow; empty when there is none."""
    conditions = workflow.get("status", {}).get("conditions", ())
    return next((one for one in conditions if one["type"] == kind), {})


def is_ready(workflow: Obj) -> bool:
    """Whether a workflow says that it is Ready for the generation it has."""
    ready = condition_of(workflow, "Ready")
    current = ready.get("observedGeneration") == workflow["metadata"]["generation"]
    return bool(current and ready["status"] == "True")
