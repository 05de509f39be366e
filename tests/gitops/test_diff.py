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
from tests.e2e.stories import fresh_place, is_ready
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.stage import Obj, Stage
    from tests.e2e.stories import Place

SAMPLES = Path(__file__).parents[2] / "manifests" / "samples"
MANAGERS = ("argocd-controller", "kustomize-controller", "kubectl")
"""Argo CD's field manager, Flux's, and that of `kubectl apply --server-side`."""


def wanted(namespace: str) -> list[Obj]:
    """The samples as they stand in a Git repository, in another namespace."""
    read = [
        one
        for path in sorted(SAMPLES.glob("*.yaml"))
        for one in yaml.safe_load_all(path.read_text())
        if one and one["kind"] != "Namespace"
    ]
    return [{**one, "metadata": {**one["metadata"], "namespace": namespace}} for one in read]


class Applied:
    """The samples, applied by one field manager, and Ready."""

    def __init__(self, place: Place, manager: str) -> None:
        self.place = place
        self.manager = manager
        self.objects = wanted(place.namespace)
        self.text = yaml.safe_dump_all(self.objects)
        self.kubectl("apply", *self.server_side)
        for one in self.objects:
            if one["kind"] == KIND:
                place.until_ready(one["metadata"]["name"])

    @property
    def server_side(self) -> tuple[str, ...]:
        """How this manager applies."""
        return ("--server-side", f"--field-manager={self.manager}", "--force-conflicts")

    def kubectl(self, command: str, *arguments: str) -> str:
        """Run kubectl over all objects."""
        cluster = self.place.stage.cluster
        return cluster.kubectl(command, *arguments, "-f", "-", stdin=self.text)


@pytest.fixture(scope="module", params=MANAGERS)
def applied(request: pytest.FixtureRequest, stage: Stage) -> Iterator[Applied]:
    """For each manager in a namespace of its own."""
    stage.settle()
    with fresh_place(stage) as place:
        yield Applied(place, request.param)


def settled(one: Obj) -> Obj:
    """An object without what every write changes."""
    metadata = {
        key: value
        for key, value in one["metadata"].items()
        if key not in ("managedFields", "resourceVersion")
    }
    return {**one, "metadata": metadata}


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
    def versions() -> list[Any]:
        found = (applied.place.read(o["kind"], o["metadata"]["name"]) for o in applied.objects)
        return [one["metadata"]["resourceVersion"] for one in found]

    before = versions()
    applied.kubectl("apply", *applied.server_side)
    assert versions() == before


def test_kubectl_diff_on_the_servers_side_is_empty(applied: Applied) -> None:
    assert applied.kubectl("diff", *applied.server_side) == ""


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


def test_what_an_action_writes_is_no_difference(applied: Applied) -> None:
    name = next(one["metadata"]["name"] for one in applied.objects if one["kind"] == KIND)
    applied.place.reconciled(name)
    assert applied.kubectl("diff", *applied.server_side) == ""
    assert is_ready(applied.place.read(KIND, name))


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
        cluster.kubectl("diff", *applied.server_side, "-f", "-", stdin=changed)
