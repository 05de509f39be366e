# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Workflows that go: in which order, and that nothing of them stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.waiting import until
from tests.component.workflows import cron_job, job, secret, small, workflow
from tests.e2e.stage import RefusedError
from tests.e2e.stories import CHILD_KINDS, fresh_place
from tests.e2e.strangers import refusing
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from tests.e2e.stage import Obj, Stage
    from tests.e2e.stories import Place

NAME = "router"
KEPT = "example.org/kept"
"""A finalizer of somebody else."""


def test_a_deleted_workflow_takes_its_pods_then_its_place_in_vault_then_its_guards(
    stage: Stage, place: Place
) -> None:
    place.create(workflow(NAME, secrets=[secret()]))
    place.until_ready(NAME)
    assert of(stage, place, NAME)
    since = place.version()
    place.delete(KIND, NAME)
    until(lambda: place.get(KIND, NAME) is None, "the workflow is gone", seconds=60)
    until(lambda: not place.children(NAME), "its children are gone", seconds=60)
    assert of(stage, place, NAME) == []
    order = [
        one.obj["kind"]
        for one in place.history(
            since, KIND, "Deployment", "ReplicaSet", "Pod", "NetworkPolicy", "ServiceAccount"
        )
        if one.type == "DELETED" and one.obj["metadata"]["name"].startswith(NAME)
    ]
    last_pod = max(index for index, kind in enumerate(order) if kind in ("Pod", "Deployment"))
    first_guard = min(
        index for index, kind in enumerate(order) if kind in ("NetworkPolicy", "ServiceAccount")
    )
    assert last_pod < first_guard, order


def test_the_finalizer_is_there_only_while_something_lies_outside_the_cluster(
    place: Place,
) -> None:
    place.create(cron_job("export"))
    place.until_ready("export")
    assert "finalizers" not in place.read(KIND, "export")["metadata"]
    place.edit(KIND, "export", {"spec": {"secrets": [secret()]}})
    place.until_ready("export")
    assert place.read(KIND, "export")["metadata"]["finalizers"] == ["wardkeeper.io/cleanup"]


def test_a_workflow_that_somebody_keeps_goes_down_closed_and_nothing_is_made_anew(
    place: Place,
) -> None:
    place.create(workflow(NAME))
    place.until_ready(NAME)
    place.edit(KIND, NAME, {"metadata": {"finalizers": [KEPT]}})
    pods = keep_pods(place)
    since = place.version()
    place.delete(KIND, NAME)
    until(
        lambda: "deletionTimestamp" in place.read("Deployment", NAME)["metadata"],
        "the workload is going",
    )
    rules = place.read("Role", NAME)["rules"]
    place.edit("Role", NAME, {"rules": [{**rules[0], "verbs": ["get", "list"]}]})
    until(lambda: place.read("Role", NAME)["rules"] == rules, "the Role is as before")
    for name in (f"{NAME}-allow", f"{NAME}-deny"):
        place.delete("NetworkPolicy", name)
    until(lambda: place.get("NetworkPolicy", f"{NAME}-deny"), "the network is closed again")
    let_go(place, pods)
    until(lambda: not place.children(NAME), "its children are gone", seconds=60)
    assert made_since(place, since) == [("NetworkPolicy", f"{NAME}-deny")]
    gone = [
        one.obj["kind"]
        for one in place.history(since, "Pod", "ServiceAccount")
        if one.type == "DELETED"
    ]
    assert gone == [*["Pod"] * (len(gone) - 1), "ServiceAccount"]
    place.edit(KIND, NAME, [{"op": "remove", "path": "/metadata/finalizers"}])
    until(lambda: place.get(KIND, NAME) is None, "the workflow is gone")


def test_the_network_stays_closed_when_kubernetes_collects_everything_at_once(
    place: Place,
) -> None:
    """Deleted with propagation Foreground, as Argo CD does it."""
    place.create(workflow(NAME))
    place.until_ready(NAME)
    pods = keep_pods(place)
    since = place.version()
    place.delete(KIND, NAME, propagationPolicy="Foreground")
    left = {("Deployment", NAME), ("NetworkPolicy", f"{NAME}-deny")}
    until(
        lambda: set(place.children(NAME)) == left and made_since(place, since),
        "the policy that closes the network was made anew",
    )
    let_go(place, pods)
    until(lambda: place.get(KIND, NAME) is None, "the workflow is gone", seconds=60)
    until(lambda: not place.children(NAME), "its children are gone", seconds=60)
    assert made_since(place, since) == [("NetworkPolicy", f"{NAME}-deny")]


@pytest.mark.parametrize(
    "made",
    [small(NAME), cron_job(NAME, secrets=[secret()])],
    ids=["with pods", "with a secret"],
)
def test_a_workflow_made_anew_under_the_same_name_at_once_becomes_ready(
    place: Place, made: Obj
) -> None:
    first = place.create(made)["metadata"]["uid"]
    place.until_ready(NAME)
    place.delete(KIND, NAME)
    again = until(lambda: created(place, made), "the name is free", pause=0.01, seconds=60)
    assert again != first
    place.until_ready(NAME)
    owners = {one["metadata"]["ownerReferences"][0]["uid"] for one in place.children(NAME).values()}
    assert owners == {again}
    assert place.kv_version(NAME, "db") == len(made["spec"].get("secrets", ()))


def test_a_namespace_full_of_workflows_can_be_deleted_and_what_stays_in_vault_is_named(
    stage: Stage,
) -> None:
    stage.settle()
    with fresh_place(stage) as place:
        place.create(workflow(NAME, secrets=[secret()]))
        place.create(cron_job("export", secrets=[secret()]))
        place.create(job("backfill"))
        for name in (NAME, "export", "backfill"):
            place.until_ready(name)
    until(
        lambda: stage.get("Namespace", "", place.namespace) is None,
        "the namespace is gone",
        seconds=90,
    )
    assert [role for role in of(stage, place, "") if role.startswith("hw.")] == []
    named = {
        line["name"]
        for line in stage.operator.said()
        if line.get("namespace") == place.namespace and "left" in line
    }
    kept = stage.vault_keys(f"secret/metadata/hw/{place.namespace}")
    assert named == {name.removesuffix("/") for name in kept}


def test_a_workflow_that_was_never_ready_can_be_deleted(place: Place) -> None:
    with refusing(place, "secrets", SECRET, "'no'"):
        place.create(cron_job("export", secrets=[secret()]))
        place.until_told("export", "Ready", "WriteRefused")
        place.delete(KIND, "export")
        until(lambda: place.get(KIND, "export") is None, "it is gone", seconds=40)
    assert of(place.stage, place, "export") == []


SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "probe"}}


def keep_pods(place: Place) -> list[str]:
    """Have the pods stay as long as somebody wants; their names."""
    pods = place.items("Pod", f"wardkeeper.io/workflow={NAME}")
    names = [one["metadata"]["name"] for one in pods]
    for name in names:
        place.edit("Pod", name, {"metadata": {"finalizers": [KEPT]}})
    return names


def let_go(place: Place, pods: list[str]) -> None:
    """Let such pods go."""
    for name in pods:
        place.edit("Pod", name, [{"op": "remove", "path": "/metadata/finalizers"}])


def made_since(place: Place, since: str) -> list[tuple[str, str]]:
    """Kind and name of every child that was made since a version."""
    history = place.history(since, *CHILD_KINDS)
    return [
        (one.obj["kind"], one.obj["metadata"]["name"]) for one in history if one.type == "ADDED"
    ]


def created(place: Place, made: Obj) -> str | None:
    """The uid of a new workflow; None while the name is taken."""
    try:
        return str(place.create(made)["metadata"]["uid"])
    except RefusedError as error:
        if str(error).startswith("409 "):
            return None
        raise


def of(stage: Stage, place: Place, name: str) -> list[str]:
    """What OpenBao has of a workflow, or of a whole namespace: roles and KV entries."""
    roles = stage.vault_keys("auth/kubernetes/role")
    entries = stage.vault_keys(f"secret/metadata/hw/{place.namespace}/{name}") if name else []
    return [role for role in roles if f".{place.namespace}.{name}" in role] + entries
