# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What happens to a change that somebody makes to a child by hand: it is undone and told once."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.cluster.waiting import until
from tests.component.workflows import cron_job, secret, workflow
from tests.e2e.stories import INTRUDER, fresh_place, is_ready
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.stage import Obj, Stage
    from tests.e2e.stories import Place

NAME = "router"
CANARY = "c4n4ry"
"""In every value that is written by hand, so that it can be looked for where none may be."""

CHILDREN = (
    ("ServiceAccount", ""),
    ("NetworkPolicy", "-deny"),
    ("NetworkPolicy", "-allow"),
    ("Role", ""),
    ("RoleBinding", ""),
    ("Secret", "-db"),
    ("Service", ""),
    ("PodDisruptionBudget", ""),
    ("Deployment", ""),
)
ANYTHING = {"apiGroups": [""], "resources": ["secrets", CANARY], "verbs": ["get", "list"]}
SOMEBODY = {"kind": "ServiceAccount", "name": CANARY, "namespace": "default"}


class Edit(NamedTuple):
    """A change by hand and the field that is named for it."""

    kind: str
    suffix: str
    patch: Obj | list[Obj]
    field: str


def container(**fields: object) -> Obj:
    return template(spec={"containers": [{"name": "router", **fields}]})


def template(**fields: object) -> Obj:
    return {"spec": {"template": fields}}


ROUTER = "spec.template.spec.containers[router]"
SIDECAR = {"name": "sniffer", "image": f"{CANARY}.example/sniffer:1"}
EDITS = {
    "a deny policy that lets everybody in": Edit(
        "NetworkPolicy", "-deny", {"spec": {"ingress": [{}]}}, "spec.ingress"
    ),
    "an allow policy that lets everything out": Edit(
        "NetworkPolicy", "-allow", {"spec": {"egress": [{}]}}, "spec.egress"
    ),
    "an allow policy for one address more": Edit(
        "NetworkPolicy",
        "-allow",
        [{"op": "add", "path": "/spec/egress/-", "value": {"to": []}}],
        "spec.egress",
    ),
    "a policy that selects other pods": Edit(
        "NetworkPolicy",
        "-deny",
        {"spec": {"podSelector": {"matchLabels": {"app": CANARY}}}},
        "spec.podSelector",
    ),
    "a wider Role": Edit("Role", "", {"rules": [ANYTHING]}, "rules"),
    "one more who has the Role": Edit(
        "RoleBinding", "", [{"op": "add", "path": "/subjects/-", "value": SOMEBODY}], "subjects"
    ),
    "a token in every pod": Edit(
        "ServiceAccount",
        "",
        {"automountServiceAccountToken": True},
        "automountServiceAccountToken",
    ),
    "a Service for other pods": Edit(
        "Service", "", {"spec": {"selector": {"app": CANARY}}}, "spec.selector"
    ),
    "a Service on every node": Edit("Service", "", {"spec": {"type": "NodePort"}}, "spec.type"),
    "a Service with another value than the server's default": Edit(
        "Service", "", {"spec": {"sessionAffinity": "ClientIP"}}, "spec.sessionAffinity"
    ),
    "pods with another value than the server's default": Edit(
        "Deployment",
        "",
        template(spec={"terminationGracePeriodSeconds": 1}),
        "spec.template.spec.terminationGracePeriodSeconds",
    ),
    "no disruption budget to speak of": Edit(
        "PodDisruptionBudget", "", {"spec": {"maxUnavailable": "100%"}}, "spec.maxUnavailable"
    ),
    "a writable root file system": Edit(
        "Deployment",
        "",
        container(securityContext={"readOnlyRootFilesystem": False}),
        f"{ROUTER}.securityContext.readOnlyRootFilesystem",
    ),
    "an added capability": Edit(
        "Deployment",
        "",
        container(securityContext={"capabilities": {"add": ["NET_ADMIN"]}}),
        f"{ROUTER}.securityContext.capabilities.add",
    ),
    "another image": Edit(
        "Deployment", "", container(image=f"{CANARY}.example/evil:1"), f"{ROUTER}.image"
    ),
    "a secret in the environment": Edit(
        "Deployment",
        "",
        container(env=[{"name": "PASSWORD", "value": CANARY}]),
        f"{ROUTER}.env[PASSWORD]",
    ),
    "a sidecar": Edit(
        "Deployment",
        "",
        template(spec={"containers": [SIDECAR]}),
        "spec.template.spec.containers[sniffer]",
    ),
    "the network of the node": Edit(
        "Deployment", "", template(spec={"hostNetwork": True}), "spec.template.spec.hostNetwork"
    ),
    "pods outside of the closed network": Edit(
        "Deployment",
        "",
        template(metadata={"labels": {"wardkeeper.io/net": CANARY}}),
        "spec.template.metadata.labels.wardkeeper.io/net",
    ),
    "an overwritten secret": Edit(
        "Secret", "-db", {"stringData": {"password": CANARY}}, "data.password"
    ),
    "a key more in a secret": Edit("Secret", "-db", {"stringData": {"more": CANARY}}, "data.more"),
}


@pytest.fixture(scope="module")
def settled(stage: Stage) -> Iterator[Place]:
    """A workflow with every kind of child, Ready."""
    stage.settle()
    with fresh_place(stage) as place:
        place.create(workflow(NAME, secrets=[secret("db")]))
        place.until_ready(NAME)
        yield place


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edit_is_undone_and_told_once_without_a_value(settled: Place, edit: Edit) -> None:
    kind, name = edit.kind, NAME + edit.suffix
    before, told = content(settled.read(kind, name)), repaired(settled)
    settled.edit(kind, name, edit.patch)
    until(lambda: content(settled.read(kind, name)) == before, f"{kind} is as before")
    drift = until_repaired(settled, told)
    assert (drift["kind"], drift["name"], drift["manager"]) == (kind, name, INTRUDER)
    assert edit.field in drift["fields"]
    note = f"{kind} {name}: {', '.join(drift['fields'])} changed by {INTRUDER}; put back"
    event = settled.until_event(NAME, "DriftRepaired", note)
    assert event["type"] == "Warning"
    assert len([one for one in settled.events(NAME, "DriftRepaired") if one["note"] == note]) == 1
    assert CANARY not in str((settled.status(NAME), settled.items("Event")))


@pytest.mark.parametrize(("kind", "suffix"), CHILDREN)
def test_a_deleted_child_comes_back(settled: Place, kind: str, suffix: str) -> None:
    name = NAME + suffix
    before, told = settled.read(kind, name), repaired(settled)
    settled.delete(kind, name, propagationPolicy="Background")
    again = until(
        lambda: another(settled.get(kind, name), before), f"there is another {kind} {name}"
    )
    assert content(again) == content(before)
    drift = until_repaired(settled, told)
    assert (drift["kind"], drift["name"], drift["fields"]) == (kind, name, ["metadata"])
    settled.until_event(NAME, "DriftRepaired", f"{kind} {name} was deleted; it was made again")


def test_a_binding_that_was_made_anew_for_another_role_is_replaced(settled: Place) -> None:
    """Kubernetes lets nobody change the Role of a RoleBinding, so somebody makes another one."""
    before, told = settled.read("RoleBinding", NAME), repaired(settled)
    forged = {**before, "roleRef": {**before["roleRef"], "name": "c4n4ry"}}
    forged["metadata"] = {key: before["metadata"][key] for key in ("name", "labels")}
    forged["metadata"]["ownerReferences"] = before["metadata"]["ownerReferences"]
    settled.stage.operator.stop()
    settled.delete("RoleBinding", NAME)
    settled.create(forged)
    settled.stage.operator.start()
    until(
        lambda: content(settled.get("RoleBinding", NAME) or forged) == content(before),
        "the RoleBinding is as before",
    )
    drift = until_repaired(settled, told)
    assert (drift["kind"], drift["name"]) == ("RoleBinding", NAME)
    assert "roleRef.name" in drift["fields"]


def test_a_deployment_of_other_pods_in_the_place_of_ours_is_replaced(settled: Place) -> None:
    """It says that it is the workflow's, and bears none of the labels by which it is watched."""
    before, told = settled.read("Deployment", NAME), repaired(settled)
    other = {"app": "other"}
    pod = {"containers": [{"name": "c", "image": "example.org/other:1"}]}
    pods = {"metadata": {"labels": other}, "spec": pod}
    spec = {"selector": {"matchLabels": other}, "template": pods}
    metadata = {"name": NAME, "ownerReferences": before["metadata"]["ownerReferences"]}
    settled.stage.operator.stop()
    settled.delete("Deployment", NAME, propagationPolicy="Background")
    settled.create({"kind": "Deployment", "metadata": metadata, "spec": spec})
    settled.stage.operator.start()
    until(
        lambda: (
            content(settled.get("Deployment", NAME) or settled.read(KIND, NAME)) == content(before)
        ),
        "the Deployment is as before",
    )
    drift = until_repaired(settled, told)
    assert (drift["kind"], drift["name"]) == ("Deployment", NAME)
    settled.until_ready(NAME)


@pytest.mark.parametrize("what", ["labels", "ownerReferences"])
def test_a_child_that_was_disowned_is_ours_again(settled: Place, what: str) -> None:
    name = f"{NAME}-deny"
    before, told = settled.read("NetworkPolicy", name), repaired(settled)
    settled.edit("NetworkPolicy", name, [{"op": "remove", "path": f"/metadata/{what}"}])
    until(
        lambda: content(settled.read("NetworkPolicy", name)) == content(before),
        f"it has its {what} again",
    )
    assert until_repaired(settled, told)["name"] == name


def test_a_child_that_somebody_keeps_from_going_is_not_taken_out_of_the_watch_either(
    settled: Place,
) -> None:
    before = settled.read("Service", NAME)
    settled.edit("Service", NAME, {"metadata": {"finalizers": ["example.org/held"]}})
    settled.delete("Service", NAME)
    settled.reconciled(NAME)
    settled.edit("Service", NAME, [{"op": "remove", "path": "/metadata/labels"}])
    try:
        until(
            lambda: content(settled.read("Service", NAME)) == content(before),
            "it has its labels again",
        )
    finally:
        settled.edit("Service", NAME, [{"op": "remove", "path": "/metadata/finalizers"}])
    until(lambda: another(settled.get("Service", NAME), before), "it is made anew")
    settled.until_ready(NAME)
    settled.reconciled(NAME)  # by then the last repair is told, too


def test_the_same_drift_again_is_the_same_event_again(settled: Place) -> None:
    patch = {"rules": [{**ANYTHING, "resourceNames": [CANARY]}]}
    for _ in range(3):
        told = repaired(settled)
        settled.edit("Role", NAME, patch, "recidivist")
        until_repaired(settled, told)
    until(lambda: count(settled, "by recidivist") == 3, "all three are counted")
    assert len([one for one in settled.items("Event") if "by recidivist" in one["note"]]) == 1


def test_an_overwritten_secret_gets_its_value_back_without_rotation_or_restart(
    settled: Place,
) -> None:
    before = settled.values(f"{NAME}-db")
    version, template_before = settled.kv_version(NAME, "db"), stamp(settled)
    told = repaired(settled)
    settled.edit("Secret", f"{NAME}-db", {"stringData": {"password": CANARY}})
    until_repaired(settled, told)
    assert settled.values(f"{NAME}-db") == before
    assert settled.kv_version(NAME, "db") == version
    assert stamp(settled) == template_before


@pytest.mark.parametrize("wiped", [False, True], ids=["on record", "record wiped"])
def test_no_version_that_is_written_of_a_secret_lacks_a_key(place: Place, wiped: bool) -> None:
    """Somebody takes one key and adds another: a pod may start at any version after that."""
    fields = {"kvGenerated": {"fields": [{"name": "password"}, {"name": "user"}]}}
    place.create(cron_job("export", secrets=[{**secret("db"), "source": fields}]))
    place.until_ready("export")
    good = place.read("Secret", "export-db")["data"]
    ops: list[Obj] = [
        {"op": "remove", "path": "/data/password"},
        {"op": "add", "path": "/data/more", "value": b64encode(CANARY.encode()).decode()},
        *([{"op": "add", "path": "/metadata/managedFields", "value": [{}]}] if wiped else []),
    ]
    since = place.edit("Secret", "export-db", ops)["metadata"]["resourceVersion"]

    def versions() -> list[Obj]:
        return [one.obj.get("data", {}) for one in place.history(since, "Secret")]

    found = until(
        lambda: (told := versions()) and told[-1] == good and told, "the Secret is as before"
    )
    assert [one for one in found if not good.items() <= one.items()] == []
    place.until_ready("export")


def test_after_all_drift_the_workflow_is_ready_and_nothing_is_left_to_do(settled: Place) -> None:
    settled.edit("Role", NAME, {"rules": []}, "the-last")
    settled.until_event(NAME, "DriftRepaired", "by the-last")  # after those of all before
    settled.until_ready(NAME)
    settled.reconciled(NAME)
    mark = settled.stage.mark()
    settled.reconciled(NAME)
    writes = [one.resource for one in settled.writes(mark, events=True)]
    assert writes == ["healthcareworkflows/status"]
    assert is_ready(settled.read(KIND, NAME))


def content(obj: Obj) -> Obj:
    """What of an object is ours to keep: all but what the server counts and others may add."""
    mine = ("labels", "ownerReferences", "name")
    metadata = {key: obj["metadata"].get(key) for key in mine}
    spec = {key: value for key, value in obj.items() if key not in ("metadata", "status")}
    given = ("clusterIP", "clusterIPs")
    if obj["kind"] == "Service":
        spec["spec"] = {key: value for key, value in obj["spec"].items() if key not in given}
    return {**spec, "metadata": metadata}


def another(found: Obj | None, before: Obj) -> Obj | None:
    return found if found and found["metadata"]["uid"] != before["metadata"]["uid"] else None


def repaired(place: Place) -> int:
    return int(place.status(NAME).get("drift", {}).get("repaired", 0))


def until_repaired(place: Place, before: int) -> Obj:
    """Wait until one more repair is told of; the last one."""
    until(lambda: repaired(place) > before, "status.drift tells of it")
    assert repaired(place) == before + 1
    last: Obj = place.status(NAME)["drift"]["last"]
    return last


def count(place: Place, words: str) -> int:
    found = [one for one in place.events(NAME, "DriftRepaired") if words in one["note"]]
    return sum(one.get("series", {}).get("count", 1) for one in found)


def stamp(place: Place) -> str:
    made = place.read("Deployment", NAME)["spec"]["template"]["metadata"]["annotations"]
    return str(made["wardkeeper.io/secrets-mac"])
