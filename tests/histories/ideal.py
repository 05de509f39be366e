# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What the children of a workflow must be: what `render` gives, as the API server would store it.

The server is asked by a dry run in a namespace where nothing is, so that its defaults are the
server's own and nothing of the operator's comparison is used.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.cluster.installation import USER
from tests.e2e.stage import served
from tests.histories.look import WORKLOADS, leaving
from wardkeeper.api.read import read_workflow
from wardkeeper.api.workflow import HealthcareWorkflow
from wardkeeper.policy.judge import judge
from wardkeeper.render.children import render
from wardkeeper.render.surroundings import AddressAndPort, Surroundings

if TYPE_CHECKING:
    from tests.e2e.stories import Place
    from tests.histories.look import Look, Ref

Obj = dict[str, Any]

_JSON = {"Content-Type": "application/json"}
_RESTARTED = "kubectl.kubernetes.io/restartedAt"
_GIVEN_TO_JOBS = ("batch.kubernetes.io/", "controller-uid", "job-name")
_GIVEN_TO_SERVICES = ("clusterIP", "clusterIPs")


class Ideal:
    """Renders specs and asks the server what it would make of the result.

    Args:
        elsewhere: a namespace in which there is nothing.
    """

    def __init__(self, elsewhere: Place) -> None:
        self._elsewhere = elsewhere
        self._stage = elsewhere.stage
        service = self._stage.send("GET", "Service", "default", "kubernetes")["spec"]
        self._surroundings = Surroundings(
            api_server=tuple(
                AddressAndPort(f"{address}/32", port["port"])
                for address in service["clusterIPs"]
                for port in service["ports"]
            )
        )
        self._known: dict[str, Obj] = {}

    def children(self, live: Obj, spec: Obj, there: Look) -> dict[Ref, Obj] | None:
        """The children of a workflow at a spec; None when the spec cannot be carried out."""
        read = read_workflow({**live, "spec": spec})
        if not isinstance(read, HealthcareWorkflow):
            return None
        verdict = judge(read, lambda _, name: _exists(there, name))
        if verdict.problems:
            return None
        rendered = render(read, verdict, self._surroundings, macs={})
        return {(one["kind"], one["metadata"]["name"]): one for one in rendered.children}

    def stored(self, rendered: Obj) -> Obj:
        """What the server would store of an object."""
        metadata = {key: rendered["metadata"][key] for key in ("name", "labels")}
        body = json.dumps({**rendered, "metadata": metadata}, sort_keys=True)
        if body not in self._known:
            # Only the operator may make workloads, and only others a binding to no Role at all.
            workload = rendered["kind"] in WORKLOADS
            answer = self._stage.session.post(
                self._stage.cluster.server
                + served(rendered["kind"]).path(self._elsewhere.namespace),
                data=body,
                headers=_JSON | ({"Impersonate-User": USER} if workload else {}),
                params={"dryRun": "All", "fieldValidation": "Strict"},
                timeout=30,
            )
            if not answer.ok:
                raise AssertionError(f"{rendered['kind']} cannot be stored: {answer.text}")
            self._known[body] = answer.json()
        return {"kind": rendered["kind"], **self._known[body]}


def differences(rendered: Obj, ideal: Obj, live: Obj) -> list[str]:
    """Where a live child is not what it must be."""
    counted = "replicas" in rendered.get("spec", {})
    found = _unequal(_content(ideal, counted=counted), _content(live, counted=counted), "")
    for name, value in rendered["metadata"]["labels"].items():
        if live["metadata"].get("labels", {}).get(name) != value:
            found.append(f"metadata.labels.{name}")
    owners = [one for one in live["metadata"].get("ownerReferences", ()) if one.get("controller")]
    if owners != rendered["metadata"]["ownerReferences"]:
        found.append("metadata.ownerReferences")
    return found if is_recorded(live) else [*found, "metadata.managedFields"]


def is_recorded(live: Obj) -> bool:
    """Whether the server has on record what the operator applied."""
    entries = live["metadata"].get("managedFields", ())
    return any((one["manager"], one["operation"]) == ("wardkeeper", "Apply") for one in entries)


def _exists(there: Look, name: str) -> bool:
    return name in there.workflows and not leaving(there.workflows[name])


def _content(obj: Obj, *, counted: bool) -> Obj:
    """What of an object the operator answers for."""
    made: Obj = json.loads(json.dumps(obj))
    for key in ("apiVersion", "kind", "metadata", "status", "imagePullSecrets"):
        made.pop(key, None)
    spec = made.get("spec", {})
    if obj["kind"] == "Service":
        for key in _GIVEN_TO_SERVICES:
            spec.pop(key, None)
    if obj["kind"] == "Deployment" and not counted:
        spec.pop("replicas", None)
    if obj["kind"] == "Job":
        spec.pop("selector", None)
    if obj["kind"] in ("Deployment", "Job"):
        template = spec["template"]["metadata"]
        template.get("annotations", {}).pop(_RESTARTED, None)
        if not template.get("annotations"):
            template.pop("annotations", None)
        labels = template["labels"]
        template["labels"] = {
            key: value for key, value in labels.items() if not key.startswith(_GIVEN_TO_JOBS)
        }
    return made


def _unequal(wanted: Any, live: Any, path: str) -> list[str]:
    if isinstance(wanted, dict) and isinstance(live, dict):
        return [
            found
            for key in sorted(wanted.keys() | live.keys())
            for found in _unequal(wanted.get(key), live.get(key), f"{path}.{key}")
        ]
    if isinstance(wanted, list) and isinstance(live, list) and len(wanted) == len(live):
        return [
            found
            for at, (one, other) in enumerate(zip(wanted, live, strict=True))
            for found in _unequal(one, other, f"{path}[{at}]")
        ]
    return [] if wanted == live else [f"{path}: {live!r}, wanted {wanted!r}"]
