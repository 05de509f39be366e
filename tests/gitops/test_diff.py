# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""After convergence nothing differs from what was applied, whoever compares, and however.

A tool that finds a difference where there is none applies for ever, or shows a workflow as out of
step that is as it was written.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.cluster.access import CommandFailedError
from tests.cluster.waiting import until
from tests.e2e.stories import fresh_place
from tests.gitops import argocd, room
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.stage import Obj, Stage
    from tests.e2e.stories import Place

SAMPLES = Path(__file__).parents[2] / "manifests" / "samples"
CLIENT_SIDE = "kubectl-client-side-apply"
MARKS: dict[str, dict[str, dict[str, str]]] = {
    "argocd-controller": {"annotations": {"argocd.argoproj.io/tracking-id": "radiology:x"}},
    "kustomize-controller": {
        "labels": {
            "kustomize.toolkit.fluxcd.io/name": "radiology",
            "kustomize.toolkit.fluxcd.io/namespace": "radiology",
        }
    },
    "kubectl": {},
    CLIENT_SIDE: {},
}
"""What Argo CD, Flux, `kubectl apply --server-side` and `kubectl apply` put on what they apply."""


def wanted(namespace: str, marks: dict[str, dict[str, str]]) -> list[Obj]:
    """The samples as they stand in a Git repository, in another namespace, with a tool's marks."""
    read = [
        one
        for path in sorted(SAMPLES.glob("*.yaml"))
        for one in yaml.safe_load_all(path.read_text())
        if one and one["kind"] != "Namespace"
    ]
    place = {"namespace": namespace, **marks}
    return [{**one, "metadata": {**one["metadata"], **place}} for one in read]


class Applied:
    """The samples, applied by one field manager, and Ready."""

    def __init__(self, place: Place, manager: str) -> None:
        self.place = place
        self.manager = manager
        self.objects = wanted(place.namespace, MARKS[manager])
        self.text = yaml.safe_dump_all(self.objects)
        self.kubectl("apply", *self.how)
        for one in self.objects:
            if one["kind"] == KIND:
                place.until_ready(one["metadata"]["name"])
        place.until_told("immunization-backfill", "WorkloadAvailable", "Completed", seconds=90)

    @property
    def how(self) -> tuple[str, ...]:
        """How this manager applies."""
        if self.manager == CLIENT_SIDE:
            return ()
        return ("--server-side", f"--field-manager={self.manager}", "--force-conflicts")

    def kubectl(self, command: str, *arguments: str) -> str:
        """Run kubectl over all objects."""
        cluster = self.place.stage.cluster
        return cluster.kubectl(command, *arguments, "-f", "-", stdin=self.text)


@pytest.fixture(scope="module", params=MARKS)
def applied(request: pytest.FixtureRequest, stage: Stage) -> Iterator[Applied]:
    """For each manager in a namespace of its own."""
    stage.settle()
    with fresh_place(stage) as place:
        yield Applied(place, request.param)


def settled(one: Obj) -> Obj:
    """An object without its status, which goes on, and without what every write changes."""
    metadata = {
        key: value
        for key, value in one["metadata"].items()
        if key not in ("managedFields", "resourceVersion")
    }
    return {**{key: value for key, value in one.items() if key != "status"}, "metadata": metadata}


def written(one: Obj) -> list[Any]:
    """When and by whom an object was written, apart from its status."""
    owners = one["metadata"]["managedFields"]
    return [owner for owner in owners if owner.get("subresource") != "status"]


def dry_run(place: Place, one: Obj, manager: str) -> Obj:
    """What a server-side apply would make of an object."""
    return place.stage.send(
        "PATCH",
        one["kind"],
        place.namespace,
        one["metadata"]["name"],
        body=one,
        content="application/apply-patch+yaml",
        fieldManager=manager,
        force="true",
        dryRun="All",
    )


def test_a_dry_run_of_the_managers_own_apply_changes_nothing(applied: Applied) -> None:
    for one in applied.objects:
        live = applied.place.read(one["kind"], one["metadata"]["name"])
        assert settled(dry_run(applied.place, one, applied.manager)) == settled(live)


def test_applying_again_writes_nothing_at_all(applied: Applied) -> None:
    def found() -> list[Any]:
        live = (applied.place.read(o["kind"], o["metadata"]["name"]) for o in applied.objects)
        return [(settled(one), written(one)) for one in live]

    before = found()
    applied.kubectl("apply", *applied.how)
    assert found() == before


def test_kubectl_diff_on_the_servers_side_is_empty(applied: Applied) -> None:
    assert applied.kubectl("diff", *applied.how) == ""


def test_kubectl_diff_as_people_run_it_is_empty(applied: Applied) -> None:
    assert applied.kubectl("diff") == ""


def test_the_manager_owns_what_it_applied_and_the_operator_only_its_own(applied: Applied) -> None:
    for one in applied.objects:
        if one["kind"] != KIND:
            continue
        live = applied.place.read(KIND, one["metadata"]["name"])
        owners = {
            owner["manager"]: set(owner["fieldsV1"]) for owner in live["metadata"]["managedFields"]
        }
        assert owners[applied.manager] >= {"f:spec"}
        assert "f:spec" not in owners["wardkeeper"]


def test_what_argo_cds_actions_write_is_answered_and_is_no_difference(applied: Applied) -> None:
    place, name = applied.place, "nightly-claims-export"
    for action, echo in (("refresh", "lastHandledReconcileAt"), ("rotate", "lastHandledRotateNow")):
        changed = room.act(argocd.action(action), place.read(KIND, name), {})
        asked = changed["metadata"]["annotations"]
        place.edit(KIND, name, {"metadata": {"annotations": asked}}, "argocd-server")
        until(
            lambda asked=asked, echo=echo: place.status(name).get(echo) in asked.values(),  # type: ignore[misc]
            f"{action} is answered",
            seconds=60,
        )
    assert applied.kubectl("diff", *applied.how) == ""
    place.until_ready(name)


def test_a_request_is_answered_however_long_it_is(applied: Applied) -> None:
    place, name = applied.place, "nightly-claims-export"
    place.annotate(name, reconcile_at="x" * 10_000)
    until(
        lambda: place.status(name).get("lastHandledReconcileAt", "").startswith("xxx"),
        "it is answered",
    )


def test_a_difference_that_is_there_is_found(applied: Applied) -> None:
    changed = yaml.safe_dump_all(
        [
            {**one, "spec": {**one["spec"], "owner": {"team": "other", "contact": "x@example.org"}}}
            for one in applied.objects
            if one["kind"] == KIND
        ]
    )
    cluster = applied.place.stage.cluster
    with pytest.raises(CommandFailedError):
        cluster.kubectl("diff", *applied.how, "-f", "-", stdin=changed)
