# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Children of a workflow are changed by the operator and the system's own controllers alone.

Everybody here but the controllers may do everything by RBAC, so that the policy is what refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.cluster.levels import Level
from tests.cluster.waiting import COLLECTS, until
from tests.e2e.installation import CHILDREN, MANIFESTS, OPERATOR, PEOPLE, PLATFORM, installed
from tests.e2e.test_admission import NS, a_pod_of, make, owned, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.installation import Answer, Installation

LAB = "lab-results-router"
HPA = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"
PATHS = {
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts/{}",
    "Service": "/api/v1/namespaces/{}/services/{}",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies/{}",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/{}/poddisruptionbudgets/{}",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles/{}",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings/{}",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments/{}",
    "CronJob": "/apis/batch/v1/namespaces/{}/cronjobs/{}",
    "Job": "/apis/batch/v1/namespaces/{}/jobs/{}",
    "Secret": "/api/v1/namespaces/{}/secrets/{}",
    "ReplicaSet": "/apis/apps/v1/namespaces/{}/replicasets/{}",
}
EDITS: dict[str, Any] = {
    "ServiceAccount": {"automountServiceAccountToken": True},
    "Service": {"spec": {"type": "NodePort"}},
    "NetworkPolicy": {"spec": {"ingress": [{}]}},
    "PodDisruptionBudget": {"spec": {"maxUnavailable": 2}},
    "Role": {"rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]},
    "RoleBinding": {"subjects": []},
    "Deployment": {"spec": {"template": {"spec": {"hostNetwork": True}}}},
    "ReplicaSet": {"spec": {"replicas": 0}},
}
"""A change of each kind of child that would weaken it."""


@pytest.fixture(scope="module")
def wardkeeper() -> Iterator[Installation]:
    """Everything installed, and the children of each sample made by the operator's identity."""
    with installed(Level.CONTROLLERS, "cluster-install") as made:
        for sample in sorted((MANIFESTS / "samples").glob("*.yaml")):
            make(made, list(yaml.safe_load_all(sample.read_text())))
        a_pod_of(made, NS, LAB)
        yield made


def path_of(made: Installation, kind: str) -> str:
    name = f"{LAB}-deny" if kind == "NetworkPolicy" else LAB
    if kind == "ReplicaSet":
        (found,) = made.cluster.items("replicasets", NS, f"wardkeeper.io/workflow={LAB}")
        name = found["metadata"]["name"]
    return PATHS[kind].format(NS, name)


def as_people(made: Installation, method: str, path: str, body: Any = None) -> Answer:
    return made.send(method, path, body, user=PEOPLE, groups=PLATFORM)


@pytest.mark.parametrize("kind", sorted(EDITS))
def test_people_neither_change_nor_delete_a_child(wardkeeper: Installation, kind: str) -> None:
    path = path_of(wardkeeper, kind)
    sentences = (f"'{CHILDREN}'", f"{kind} {path.rpartition('/')[2]} belongs to Healthc")
    changed = as_people(wardkeeper, "PATCH", path, EDITS[kind])
    refused(changed, *sentences, "the operator would undo this change; change the workflow instead")
    deleted = as_people(wardkeeper, "DELETE", path)
    refused(deleted, *sentences, "the operator would make it anew; delete or change the workflow")


@pytest.mark.parametrize(
    "taken",
    [
        {"labels": {"wardkeeper.io/workflow": None}},
        {"labels": {"app.kubernetes.io/managed-by": "me"}},
        {"ownerReferences": []},
        {"finalizers": ["example.org/mine"]},
    ],
)
def test_whose_a_child_is_and_how_long_it_stays_is_not_for_people_to_say(
    wardkeeper: Installation, taken: dict[str, Any]
) -> None:
    for kind in ("NetworkPolicy", "Deployment", "Role"):
        path = path_of(wardkeeper, kind)
        answer = as_people(wardkeeper, "PATCH", path, {"metadata": taken})
        refused(answer, "owner, finalizers and the labels and annotations of wardkeeper.io")


def test_labels_and_annotations_of_other_tools_come_and_go(wardkeeper: Installation) -> None:
    for kind in EDITS:
        path = path_of(wardkeeper, kind)
        for value in ("x", None):
            marks = {"labels": {"team": value}, "annotations": {"example.org/seen": value}}
            answer = as_people(wardkeeper, "PATCH", path, {"metadata": marks})
            assert answer.code == 200, answer.message


def test_a_platform_names_credentials_of_its_registry(wardkeeper: Installation) -> None:
    named = {"imagePullSecrets": [{"name": "registry"}]}
    answer = as_people(wardkeeper, "PATCH", path_of(wardkeeper, "ServiceAccount"), named)
    assert answer.code == 200, answer.message
    assert named.items() <= answer.body.items()


def test_pods_may_be_deleted_and_evicted(wardkeeper: Installation) -> None:
    name = a_pod_of(wardkeeper, NS, LAB)["metadata"]["name"]
    path = f"/api/v1/namespaces/{NS}/pods/{name}"
    assert as_people(wardkeeper, "DELETE", path).code == 200
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    answer = as_people(wardkeeper, "POST", f"{path}/eviction", eviction)
    assert answer.code in (201, 429), answer.message  # 429: the PodDisruptionBudget, not a policy


@pytest.mark.parametrize("user", [PEOPLE, HPA])
def test_a_workload_may_be_scaled(wardkeeper: Installation, user: str) -> None:
    path = f"{path_of(wardkeeper, 'Deployment')}/scale"
    scaled = {"spec": {"replicas": 3}}
    assert wardkeeper.send("PATCH", path, scaled, user=user, groups=PLATFORM).code == 200


def test_a_run_of_a_cron_job_may_be_ended_and_its_cron_job_may_not(
    wardkeeper: Installation,
) -> None:
    name, namespace = "nightly-claims-export", "claims"
    cron = wardkeeper.cluster.get("cronjob", name, namespace)
    assert cron
    owner = {**owned("CronJob", name)[0], "uid": cron["metadata"]["uid"]}
    labels = {"wardkeeper.io/workflow": name}
    job = {
        "metadata": {"name": f"{name}-1", "labels": labels, "ownerReferences": [owner]},
        "spec": cron["spec"]["jobTemplate"]["spec"],
    }
    jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    controller = "system:serviceaccount:kube-system:cronjob-controller"
    answer = wardkeeper.send("POST", jobs, job, user=controller, groups=PLATFORM, dry_run=False)
    assert answer.code == 201, answer.message
    assert as_people(wardkeeper, "DELETE", f"{jobs}/{name}-1").code == 200
    refused(as_people(wardkeeper, "DELETE", PATHS["CronJob"].format(namespace, name)))
    once = PATHS["Job"].format("publichealth", "immunization-backfill")
    refused(as_people(wardkeeper, "DELETE", once))


@pytest.mark.parametrize("kind", sorted(EDITS))
def test_the_operator_and_whoever_may_do_everything_are_let_through(
    wardkeeper: Installation, kind: str
) -> None:
    path = path_of(wardkeeper, kind)
    answer = wardkeeper.send("DELETE", path, user=PEOPLE, groups=("system:masters",))
    assert answer.code == 200, answer.message
    if kind != "ReplicaSet":  # made by a controller
        assert wardkeeper.send("DELETE", path, user=OPERATOR).code == 200


def test_what_lost_its_workflow_with_its_children_kept_is_free(wardkeeper: Installation) -> None:
    place = "/apis/wardkeeper.io/v1alpha1/namespaces/claims/healthcareworkflows"
    path = f"{place}/nightly-claims-export?propagationPolicy=Orphan"
    assert wardkeeper.send("DELETE", path, dry_run=False).code == 200
    child = PATHS["CronJob"].format("claims", "nightly-claims-export")

    def free() -> bool:
        found = wardkeeper.send("GET", child).body["metadata"]
        return "ownerReferences" not in found

    until(free, "the garbage collector has let it go", seconds=COLLECTS)
    assert as_people(wardkeeper, "DELETE", child).code == 200


def test_the_garbage_collector_and_the_end_of_a_namespace_take_children_along(
    wardkeeper: Installation,
) -> None:
    place = "/apis/wardkeeper.io/v1alpha1/namespaces/publichealth/healthcareworkflows"
    wardkeeper.send("DELETE", f"{place}/immunization-backfill", dry_run=False)
    labelled = ("publichealth", "wardkeeper.io/workflow=immunization-backfill")
    kinds = "jobs,serviceaccounts,networkpolicies"
    until(
        lambda: not wardkeeper.cluster.items(kinds, *labelled),
        "its children are gone",
        seconds=COLLECTS,
    )
    wardkeeper.send("DELETE", f"/api/v1/namespaces/{NS}", dry_run=False)
    deployment = PATHS["Deployment"].format(NS, LAB)
    until(
        lambda: wardkeeper.send("GET", deployment).code == 404,
        "the Deployment is gone",
        seconds=COLLECTS,
    )
