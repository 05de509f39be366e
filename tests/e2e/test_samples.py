# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What becomes of the samples that are shipped, in the order in which it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.cluster.installation import PROJECT, USER
from tests.cluster.waiting import until
from tests.e2e.stories import CHILD_KINDS, Place, is_ready
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.stage import Change, Stage

GUARDS = (("ServiceAccount", ""), ("NetworkPolicy", "-deny"), ("NetworkPolicy", "-allow"))
POD_MAKERS = ("Deployment", "ReplicaSet", "CronJob", "Job", "Pod")
EXPECTED = {
    ("radiology", "lab-results-router"): {
        *GUARDS,
        ("Role", ""),
        ("RoleBinding", ""),
        ("Secret", "-ehr-client"),
        ("Service", ""),
        ("PodDisruptionBudget", ""),
        ("Deployment", ""),
    },
    ("claims", "nightly-claims-export"): {*GUARDS, ("Secret", "-archive"), ("CronJob", "")},
    ("publichealth", "immunization-backfill"): {
        *GUARDS,
        ("Secret", "-registry-login"),
        ("Job", ""),
    },
}


class Sample(NamedTuple):
    """A sample that was applied and became Ready."""

    place: Place
    name: str
    mark: int
    since: str
    expected: set[tuple[str, str]]


@pytest.fixture(scope="module")
def samples(stage: Stage) -> Iterator[list[Sample]]:
    """All samples, applied by one command as the README says, and Ready."""
    stage.settle()
    mark = stage.mark()
    applied = []
    for (namespace, name), suffixes in EXPECTED.items():
        place = Place(stage, namespace)
        expected = {(kind, name + suffix) for kind, suffix in suffixes}
        applied.append(Sample(place, name, mark, place.version(), expected))
    stage.cluster.kubectl("apply", "-f", str(PROJECT / "manifests/samples"))
    for one in applied:
        one.place.until_ready(one.name)
    yield applied
    for one in applied:
        stage.send("DELETE", "Namespace", name=one.place.namespace)


@pytest.fixture(params=range(len(EXPECTED)), ids=[name for _, name in EXPECTED])
def sample(request: pytest.FixtureRequest, samples: list[Sample]) -> Sample:
    """One of them."""
    index: int = request.param
    return samples[index]


def test_a_sample_becomes_its_children_and_nothing_else(sample: Sample) -> None:
    assert set(sample.place.children(sample.name)) == sample.expected
    found = {
        (kind, one["metadata"]["name"]) for kind in CHILD_KINDS for one in sample.place.items(kind)
    }
    assert found - sample.expected == {("ServiceAccount", "default")}


def test_every_child_is_owned_by_its_workflow_and_applied_by_one_manager(sample: Sample) -> None:
    uid = sample.place.read(KIND, sample.name)["metadata"]["uid"]
    for key, child in sample.place.children(sample.name).items():
        owners = [(one["uid"], one["controller"]) for one in child["metadata"]["ownerReferences"]]
        assert owners == [(uid, True)], key
        managers = {
            (one["manager"], one["operation"])
            for one in child["metadata"]["managedFields"]
            if one["manager"] not in ("kube-controller-manager",)
        }
        assert managers == {("wardkeeper", "Apply")}, key


def test_at_no_revision_is_there_a_pod_template_without_its_guards(sample: Sample) -> None:
    kinds = {kind for kind, _ in sample.expected} | set(POD_MAKERS)
    history = sample.place.history(sample.since, *sorted(kinds))
    guards = {one for one in sample.expected if one[0] not in POD_MAKERS}
    assert any(one.obj["kind"] in POD_MAKERS for one in history)
    assert unguarded(history, guards) == []


def test_the_status_never_says_ready_of_a_generation_that_does_not_run(
    samples: list[Sample],
) -> None:
    place, name, _, since, _ = samples[0]
    history = place.history(since, KIND, "Deployment")
    assert any(one.obj["kind"] == KIND and is_ready(one.obj) for one in history)
    available = 0
    for change in history:
        if change.obj["kind"] == "Deployment":
            available = change.obj["status"].get("availableReplicas", 0)
        elif is_ready(change.obj):
            assert available == 2, f"{name} is Ready at {change.version}"


def test_creating_takes_one_write_for_each_child_and_none_is_refused(sample: Sample) -> None:
    writes = sample.place.writes(sample.mark)
    assert [one for one in writes if one.code >= 300] == []
    children = [
        one
        for one in writes
        if not one.resource.startswith(("healthcareworkflows", "serviceaccounts/token"))
    ]
    assert sorted(one.name for one in children) == sorted(name for _, name in sample.expected)


def test_the_workflow_is_logged_in_as_to_vault_with_a_token_of_its_own(sample: Sample) -> None:
    tokens = [one for one in sample.place.writes(sample.mark) if one.resource.endswith("/token")]
    assert {(one.resource, one.name) for one in tokens} == {("serviceaccounts/token", sample.name)}
    roles = {f"hw.{kind}.{sample.place.namespace}.{sample.name}" for kind in "rw"}
    assert roles <= set(sample.place.stage.vault_keys("auth/kubernetes/role"))


def test_nobody_leaves_a_mark_on_a_workflow_but_the_finalizer_and_the_status(
    sample: Sample,
) -> None:
    metadata = sample.place.read(KIND, sample.name)["metadata"]
    assert metadata["finalizers"] == ["wardkeeper.io/cleanup"]
    assert all("kubectl" in name for name in metadata.get("annotations", {}))
    managers = {one["manager"]: one.get("subresource") for one in metadata["managedFields"]}
    assert {name for name in managers if not name.startswith("kubectl")} == {"wardkeeper"}
    text = str(sample.place.children(sample.name))
    assert "kopf" not in text


def test_the_operator_is_refused_nothing_on_the_way(stage: Stage, samples: list[Sample]) -> None:
    refused = [
        (one["objectRef"], one["responseStatus"])
        for one in stage.audit(samples[0].mark)
        if one["user"]["username"] == USER
        and one["responseStatus"]["code"] == 403
        and one["objectRef"].get("namespace") in {place.namespace for place, *_ in samples}
    ]
    assert refused == []


def test_a_job_that_has_completed_is_never_run_again(stage: Stage, samples: list[Sample]) -> None:
    place, name, _, _, _ = samples[2]
    place.until_told(name, "WorkloadAvailable", "Completed", seconds=90)
    mark = stage.mark()
    place.delete("Job", name, propagationPolicy="Background")
    until(lambda: place.get("Job", name) is None, "the Job is gone")
    place.reconciled(name)
    stage.operator.stop()
    stage.operator.start()
    place.reconciled(name)
    assert place.get("Job", name) is None
    assert [one for one in place.writes(mark) if one.resource == "jobs"] == []
    assert is_ready(place.read(KIND, name))


def unguarded(history: list[Change], guards: set[tuple[str, str]]) -> list[Any]:
    """Where in a history something that makes pods stands without all of its guards."""
    there: set[tuple[str, str]] = set()
    wrong = []
    for change in history:
        key = (change.obj["kind"], change.obj["metadata"]["name"])
        if change.type == "DELETED":
            there.discard(key)
        else:
            there.add(key)
        if any(kind in POD_MAKERS for kind, _ in there) and not guards <= there:
            wrong.append((change.version, change.type, key, guards - there))
    return wrong
