# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What the API server refuses by itself, whoever asks and whether the operator runs or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
import yaml

from tests.cluster.levels import Level
from tests.cluster.waiting import until
from tests.e2e.installation import MANIFESTS, OPERATOR, PEOPLE, PLATFORM, entry, installed, workflow
from wardkeeper.api.read import read_workflow
from wardkeeper.api.workflow import HealthcareWorkflow
from wardkeeper.policy.judge import judge
from wardkeeper.render.children import render
from wardkeeper.render.surroundings import Surroundings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.installation import Answer, Installation

NS = "radiology"
LAB = "lab-results-router"
JOBS = {"claims": "nightly-claims-export", "publichealth": "immunization-backfill"}
REPLICASETS = "system:serviceaccount:kube-system:replicaset-controller"
JOB_CONTROLLER = "system:serviceaccount:kube-system:job-controller"
DEPLOYMENTS = "system:serviceaccount:kube-system:deployment-controller"
CRONJOBS = "system:serviceaccount:kube-system:cronjob-controller"
STATEFULSETS = "system:serviceaccount:kube-system:statefulset-controller"
STRANGER = "system:serviceaccount:radiology:default"
ADMINS = ("system:masters",)
PLURALS = {
    "Deployment": "/apis/apps/v1/{}/deployments",
    "ReplicaSet": "/apis/apps/v1/{}/replicasets",
    "StatefulSet": "/apis/apps/v1/{}/statefulsets",
    "DaemonSet": "/apis/apps/v1/{}/daemonsets",
    "ReplicationController": "/api/v1/{}/replicationcontrollers",
    "Job": "/apis/batch/v1/{}/jobs",
    "CronJob": "/apis/batch/v1/{}/cronjobs",
    "Pod": "/api/v1/{}/pods",
    "Secret": "/api/v1/{}/secrets",
    "Role": "/apis/rbac.authorization.k8s.io/v1/{}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/{}/rolebindings",
    "ServiceAccount": "/api/v1/{}/serviceaccounts",
    "IssuedCredential": "/apis/wardkeeper.io/v1alpha1/{}/issuedcredentials",
}
REMEDY = "give this {} a ServiceAccount of its own, or make it a workflow"


@pytest.fixture(scope="module")
def wardkeeper() -> Iterator[Installation]:
    """Everything installed, and the children of each sample made by the operator's identity."""
    with installed(Level.CONTROLLERS, "cluster-install") as made:
        for sample in sorted((MANIFESTS / "samples").glob("*.yaml")):
            make(made, list(yaml.safe_load_all(sample.read_text())))
        yield made


def make(made: Installation, objects: list[dict[str, Any]]) -> None:
    """Apply a sample as a person, its children as the operator would; have policies know them."""
    made.cluster.apply(*objects)
    metadata = next(one for one in objects if one["kind"] == "HealthcareWorkflow")["metadata"]
    live = made.cluster.get("healthcareworkflow", metadata["name"], metadata["namespace"])
    assert live
    read = read_workflow(live)
    assert isinstance(read, HealthcareWorkflow)
    children = render(read, judge(read, lambda *_: True), Surroundings(), macs={}).children
    arguments = (f"--as={OPERATOR}", "apply", "--server-side", "-f", "-")
    made.cluster.kubectl(*arguments, stdin=yaml.safe_dump_all(children))
    name, namespace = metadata["name"], metadata["namespace"]
    until(
        lambda: create(made, "Pod", pod(name), namespace=namespace).code == 403,
        f"the policies know the ServiceAccount of {name}",
    )


def create(
    made: Installation, kind: str, body: dict[str, Any], *, user: str = PEOPLE, namespace: str = NS
) -> Answer:
    path = PLURALS[kind].format(f"namespaces/{namespace}")
    groups = () if user == OPERATOR else ADMINS
    return made.send("POST", path, body, user=user, groups=groups)


def owned(kind: str, name: str) -> list[dict[str, Any]]:
    version = "batch/v1" if kind in ("Job", "CronJob") else "apps/v1"
    return [{"apiVersion": version, "kind": kind, "name": name, "uid": "u", "controller": True}]


def pod(account: str = LAB, **metadata: Any) -> dict[str, Any]:
    security = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {"name": "c", "image": "x", "securityContext": security}
    spec = {"serviceAccountName": account, "containers": [container], "restartPolicy": "Always"}
    return {"metadata": {"name": "p", **metadata}, "spec": spec}


def maker(kind: str, account: str = LAB, name: str = "other", **metadata: Any) -> dict[str, Any]:
    """An object that makes pods with an account, and with the label if it has that itself."""
    template = pod(account, labels={"app": "x", **metadata.get("labels", {})})
    del template["metadata"]["name"]
    spec: dict[str, Any] = {"selector": {"matchLabels": {"app": "x"}}, "template": template}
    if kind in ("Job", "CronJob"):
        template["spec"]["restartPolicy"] = "Never"
        spec = {"template": template}
    if kind == "CronJob":
        spec = {"schedule": "0 2 * * *", "jobTemplate": {"spec": spec}}
    if kind == "ReplicationController":
        spec["selector"] = {"app": "x"}
    return {"metadata": {"name": name, **metadata}, "spec": spec}


def a_pod_of(made: Installation, namespace: str, name: str) -> dict[str, Any]:
    selector = f"wardkeeper.io/workflow={name}"
    found = until(
        lambda: made.cluster.items("pods", namespace, selector), f"{name} has a pod", seconds=60
    )
    return found[0]


def refused(answer: Answer, *sentences: str) -> None:
    assert answer.code == 403, answer
    for sentence in sentences:
        assert sentence in answer.message


LABEL = {"wardkeeper.io/workflow": LAB}


@pytest.mark.parametrize("user", [PEOPLE, REPLICASETS, JOB_CONTROLLER, STRANGER])
def test_a_pod_without_the_label_may_not_use_the_identity_of_a_workflow(
    wardkeeper: Installation, user: str
) -> None:
    owner = owned("ReplicaSet", f"{LAB}-1")
    for labels in ({}, {"team": "x"}):
        refused(
            create(wardkeeper, "Pod", pod(labels=labels, ownerReferences=owner), user=user),
            "'wardkeeper-workflow-identity'",
            f"ServiceAccount {LAB} belongs to HealthcareWorkflow {LAB}",
            REMEDY.format("Pod"),
        )


@pytest.mark.parametrize(
    ("user", "owner"),
    [
        (PEOPLE, []),
        (PEOPLE, owned("ReplicaSet", f"{LAB}-1")),
        (STRANGER, owned("ReplicaSet", f"{LAB}-1")),
        (OPERATOR, []),
        (REPLICASETS, []),
        (REPLICASETS, owned("ReplicaSet", "mine-1")),
        (JOB_CONTROLLER, owned("Job", "mine")),
        (STATEFULSETS, owned("StatefulSet", LAB)),
    ],
)
def test_a_pod_with_the_label_comes_from_the_workload_of_the_workflow(
    wardkeeper: Installation, user: str, owner: list[dict[str, Any]]
) -> None:
    body = pod(labels=LABEL, ownerReferences=owner)
    path = PLURALS["Pod"].format(f"namespaces/{NS}")
    answer = wardkeeper.send("POST", path, body, user=user, groups=ADMINS)
    refused(
        answer,
        "'wardkeeper-workflow-pods'",
        f"only the workload of HealthcareWorkflow {LAB} makes pods with the label",
        "give it a ServiceAccount of its own, or make it a workflow",
    )


@pytest.mark.parametrize("account", ["default", "another"])
def test_a_pod_with_another_identity_cannot_enter_the_network_by_wearing_the_label(
    wardkeeper: Installation, account: str
) -> None:
    another = {"metadata": {"name": "another"}}
    accounts = PLURALS["ServiceAccount"].format(f"namespaces/{NS}")
    wardkeeper.send("POST", accounts, another, dry_run=False)
    for user in (PEOPLE, REPLICASETS):
        body = pod(account, labels=LABEL, ownerReferences=owned("ReplicaSet", f"{LAB}-1"))
        refused(
            create(wardkeeper, "Pod", body, user=user),
            f"a pod with the label wardkeeper.io/workflow: {LAB} runs as ServiceAccount {LAB}",
            "take the label off this pod",
        )


def test_the_pods_of_deployments_and_jobs_are_let_in(wardkeeper: Installation) -> None:
    a_pod_of(wardkeeper, NS, LAB)
    a_pod_of(wardkeeper, "publichealth", JOBS["publichealth"])


def test_the_jobs_and_pods_of_a_cron_job_are_let_in(wardkeeper: Installation) -> None:
    name, namespace = JOBS["claims"], "claims"
    cron = wardkeeper.cluster.get("cronjob", name, namespace)
    assert cron
    job = {
        "metadata": {"name": f"{name}-29000000", "ownerReferences": owned("CronJob", name)},
        "spec": cron["spec"]["jobTemplate"]["spec"],
    }
    assert create(wardkeeper, "Job", job, user=CRONJOBS, namespace=namespace).code == 201
    template = cron["spec"]["jobTemplate"]["spec"]["template"]
    owner = owned("Job", f"{name}-29000000")
    made = {
        "metadata": {"name": "p", "ownerReferences": owner, **template["metadata"]},
        "spec": template["spec"],
    }
    assert create(wardkeeper, "Pod", made, user=JOB_CONTROLLER, namespace=namespace).code == 201


def test_pods_with_an_identity_of_their_own_are_none_of_its_business(
    wardkeeper: Installation,
) -> None:
    assert create(wardkeeper, "Pod", pod("default")).code == 201
    wardkeeper.cluster.create_namespace("elsewhere")
    same_name = {"metadata": {"name": LAB}}
    path = PLURALS["ServiceAccount"].format("namespaces/elsewhere")
    wardkeeper.send("POST", path, same_name, dry_run=False)
    assert create(wardkeeper, "Pod", pod(LAB), namespace="elsewhere").code == 201


def test_a_pod_cannot_be_relabelled_out_of_its_closed_network(wardkeeper: Installation) -> None:
    path = f"/api/v1/namespaces/{NS}/pods/{a_pod_of(wardkeeper, NS, LAB)['metadata']['name']}"
    for value in (None, "another"):
        body = {"metadata": {"labels": {"wardkeeper.io/workflow": value}}}
        answer = wardkeeper.send("PATCH", path, body, user=PEOPLE, groups=ADMINS)
        refused(
            answer,
            "the label wardkeeper.io/workflow closes and opens the network",
            "delete the pod",
        )
    other = {"metadata": {"labels": {"team": "x"}, "annotations": {"seen": "yes"}}}
    assert wardkeeper.send("PATCH", path, other, user=PEOPLE, groups=ADMINS).code == 200


@pytest.mark.parametrize(
    "loose",
    [
        {"labels": {"pod-template-hash": None}},
        {"labels": {"pod-template-hash": "another"}},
        {"labels": {"batch.kubernetes.io/job-name": "another"}},
        {"ownerReferences": None},
    ],
)
def test_a_pod_cannot_be_taken_from_its_owner_to_outlive_the_workflow(
    wardkeeper: Installation, loose: dict[str, Any]
) -> None:
    path = f"/api/v1/namespaces/{NS}/pods/{a_pod_of(wardkeeper, NS, LAB)['metadata']['name']}"
    body = {"metadata": loose}
    answer = wardkeeper.send("PATCH", path, body, user=PEOPLE, groups=ADMINS)
    refused(answer, f"a pod of HealthcareWorkflow {LAB} keeps its owner", "delete the pod")
    answer = wardkeeper.send("PATCH", path, body, user=REPLICASETS, groups=ADMINS)
    assert answer.code == 200, answer.message


def test_no_container_is_added_to_a_running_pod_of_a_workflow(wardkeeper: Installation) -> None:
    name = a_pod_of(wardkeeper, NS, LAB)["metadata"]["name"]
    path = f"/api/v1/namespaces/{NS}/pods/{name}/ephemeralcontainers"
    security = pod()["spec"]["containers"][0]["securityContext"]
    debugger = {"name": "debugger", "image": "x", "securityContext": security}
    body = {"spec": {"ephemeralContainers": [debugger]}}
    answer = wardkeeper.send("PATCH", path, body, user=PEOPLE, groups=ADMINS)
    refused(answer, f"a container added to a pod of HealthcareWorkflow {LAB}", "reproduce the")


MAKERS = (
    "Deployment",
    "ReplicaSet",
    "StatefulSet",
    "DaemonSet",
    "ReplicationController",
    "Job",
    "CronJob",
)


@pytest.mark.parametrize("kind", MAKERS)
def test_nothing_without_the_label_may_name_the_identity_of_a_workflow(
    wardkeeper: Installation, kind: str
) -> None:
    for user in (PEOPLE, DEPLOYMENTS, CRONJOBS):
        answer = create(wardkeeper, kind, maker(kind, name=LAB + "-1"), user=user)
        refused(answer, "'wardkeeper-workflow-identity'", REMEDY.format(kind))
    assert create(wardkeeper, kind, maker(kind, account="default")).code == 201


@pytest.mark.parametrize("kind", MAKERS)
def test_nothing_with_the_label_is_made_by_anybody_but_the_operator(
    wardkeeper: Installation, kind: str
) -> None:
    for account in (LAB, "default"):
        for user in (PEOPLE, STRANGER):
            body = maker(kind, account=account, labels=LABEL, name=f"{LAB}-1")
            refused(
                create(wardkeeper, kind, body, user=user),
                "'wardkeeper-workflow-templates'",
                f"only the operator makes what carries the label wardkeeper.io/workflow: {LAB}",
                f"take the label off this {kind}",
            )


@pytest.mark.parametrize("kind", ["Deployment", "Job"])
def test_nobody_makes_another_workload_in_the_name_of_a_workflow(
    wardkeeper: Installation, kind: str
) -> None:
    name = JOBS["claims"]
    labels = {"wardkeeper.io/workflow": name}
    body = maker(kind, account=name, name=name, labels=labels)
    answer = create(wardkeeper, kind, body, namespace="claims")
    refused(
        answer, f"only the operator makes what carries the label wardkeeper.io/workflow: {name}"
    )


@pytest.mark.parametrize(
    ("kind", "user", "owner", "code"),
    [
        ("ReplicaSet", DEPLOYMENTS, owned("Deployment", LAB), 201),
        ("ReplicaSet", DEPLOYMENTS, owned("Deployment", "other"), 403),
        ("ReplicaSet", DEPLOYMENTS, [], 403),
        ("ReplicaSet", CRONJOBS, owned("Deployment", LAB), 403),
        ("ReplicaSet", PEOPLE, owned("Deployment", LAB), 403),
        ("Job", CRONJOBS, owned("CronJob", LAB), 201),
        ("Job", CRONJOBS, owned("CronJob", "other"), 403),
        ("Job", PEOPLE, owned("CronJob", LAB), 403),
        ("StatefulSet", OPERATOR, [], 403),
        ("Deployment", OPERATOR, [], 403),
    ],
)
def test_what_a_controller_makes_must_come_from_the_workflows_own_workload(
    wardkeeper: Installation, kind: str, user: str, owner: list[dict[str, Any]], code: int
) -> None:
    body = maker(kind, name="another", labels=LABEL, ownerReferences=owner)
    path = PLURALS[kind].format(f"namespaces/{NS}")
    assert wardkeeper.send("POST", path, body, user=user, groups=ADMINS).code == code


def test_a_workload_cannot_take_on_the_identity_later(wardkeeper: Installation) -> None:
    path = PLURALS["Deployment"].format(f"namespaces/{NS}")
    body = maker("Deployment", account="default", name="harmless")
    body["spec"]["replicas"] = 0
    assert wardkeeper.send("POST", path, body, dry_run=False).code == 201
    change: dict[str, Any] = {"spec": {"template": {"spec": {"serviceAccountName": LAB}}}}
    answer = wardkeeper.send("PATCH", f"{path}/harmless", change, user=PEOPLE, groups=ADMINS)
    refused(answer, REMEDY.format("Deployment"))
    label = {"metadata": {"labels": LABEL}}
    answer = wardkeeper.send("PATCH", f"{path}/harmless", label, user=PEOPLE, groups=ADMINS)
    refused(answer, "'wardkeeper-workflow-templates'", "only the operator makes what carries")
    change |= label
    answer = wardkeeper.send("PATCH", f"{path}/harmless", change, user=PEOPLE, groups=ADMINS)
    refused(answer, "a ServiceAccount of its own, or make it a workflow")
    scaled = {"spec": {"replicas": 1}}
    answer = wardkeeper.send("PATCH", f"{path}/harmless", scaled, user=PEOPLE, groups=ADMINS)
    assert answer.code == 200


def test_edits_of_the_workflows_own_workload_are_left_to_the_operator_to_undo(
    wardkeeper: Installation,
) -> None:
    path = f"{PLURALS['Deployment'].format(f'namespaces/{NS}')}/{LAB}"
    template = {"spec": {"serviceAccountName": "default", "hostNetwork": False}}
    for change in (
        {"metadata": {"labels": {"team": "x"}}, "spec": {"replicas": 3}},
        {"metadata": {"labels": {"wardkeeper.io/workflow": None}}},
        {"spec": {"template": template}},
    ):
        answer = wardkeeper.send("PATCH", path, change, user=PEOPLE, groups=ADMINS)
        assert answer.code == 200, answer.message


def test_no_secret_holds_a_token_of_a_workflow_that_never_ends(wardkeeper: Installation) -> None:
    kind = "kubernetes.io/service-account-token"
    for account, labels, code in ((LAB, {}, 403), (LAB, LABEL, 403), ("default", {}, 201)):
        annotations = {"kubernetes.io/service-account.name": account}
        metadata = {"name": "token", "annotations": annotations, "labels": labels}
        answer = create(wardkeeper, "Secret", {"metadata": metadata, "type": kind})
        assert answer.code == code, answer
    for labels in ({}, LABEL):
        plain = {"metadata": {"name": "plain", "labels": labels}}
        assert create(wardkeeper, "Secret", plain).code == 201


def token(
    made: Installation,
    spec: dict[str, Any],
    user: str = OPERATOR,
    *,
    account: str = LAB,
    groups: tuple[str, ...] = (),
    labels: dict[str, str] | None = None,
) -> Answer:
    path = f"{PLURALS['ServiceAccount'].format(f'namespaces/{NS}')}/{account}/token"
    body = {"metadata": {"labels": labels or {}}, "spec": spec}
    return made.send("POST", path, body, user=user, groups=groups, dry_run=False)


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"audiences": ["https://kubernetes.default.svc"], "expirationSeconds": 600}, "audiences"),
        ({"audiences": ["vault", "aws"], "expirationSeconds": 600}, "audiences vault and vault-o"),
        ({"audiences": [], "expirationSeconds": 600}, "audiences vault and vault-operator only"),
        ({"expirationSeconds": 600}, "audiences vault and vault-operator only"),
        ({"audiences": ["vault"], "expirationSeconds": 3600}, "600 seconds at most; set expir"),
        ({"audiences": ["vault"], "expirationSeconds": 601}, "600 seconds at most; set expir"),
        ({"audiences": ["vault"]}, "600 seconds at most; set expirationSeconds to 600"),
    ],
)
def test_the_operator_cannot_request_a_token_that_is_good_for_more_than_vault(
    wardkeeper: Installation, spec: dict[str, Any], sentence: str
) -> None:
    refused(token(wardkeeper, spec), "'wardkeeper-token-requests'", sentence)


@pytest.mark.parametrize("audience", ["vault", "vault-operator"])
def test_the_operator_gets_short_tokens_for_vault(wardkeeper: Installation, audience: str) -> None:
    spec = {"audiences": [audience], "expirationSeconds": 600}
    answer = token(wardkeeper, spec)
    assert answer.code == 201
    assert answer.body["spec"]["audiences"] == [audience]


@pytest.mark.parametrize("audience", ["vault", "https://ehr.example.org"])
@pytest.mark.parametrize("labels", [{}, {"wardkeeper.io/workflow": LAB}])
def test_nobody_becomes_a_workflow_by_asking_for_its_token(
    wardkeeper: Installation, audience: str, labels: dict[str, str]
) -> None:
    spec = {"audiences": [audience], "expirationSeconds": 7200}
    answer = token(wardkeeper, spec, user=PEOPLE, groups=PLATFORM, labels=labels)
    refused(answer, "'wardkeeper-workflow-tokens'", "a token of a ServiceAccount of your own")


def test_tokens_of_whatever_is_no_workflow_are_left_to_rbac(wardkeeper: Installation) -> None:
    spec = {"audiences": ["anything"], "expirationSeconds": 7200}
    assert token(wardkeeper, spec, user=PEOPLE, groups=PLATFORM, account="default").code == 201


def test_who_could_take_the_policy_away_gets_the_token_of_a_workflow(
    wardkeeper: Installation,
) -> None:
    spec = {"audiences": ["https://ehr.example.org"], "expirationSeconds": 600}
    assert token(wardkeeper, spec, user=PEOPLE, groups=ADMINS).code == 201


def rule(resource: str, *verbs: str, group: str = "", names: tuple[str, ...] = ()) -> Any:
    made = {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}
    return {**made, "resourceNames": list(names)} if names else made


@pytest.mark.parametrize(
    "asked",
    [
        rule("configmaps", "get", "watch", names=("routes",)),
        rule("configmaps", "get", "list", "watch", "create", "update", "patch", "delete"),
        rule("services", "get", "list", "watch"),
        rule("endpointslices", "list", group="discovery.k8s.io"),
        rule("leases", "get", "create", "update", group="coordination.k8s.io"),
    ],
)
def test_the_operator_may_pass_on_what_is_grantable(wardkeeper: Installation, asked: Any) -> None:
    role = {"metadata": {"name": "new"}, "rules": [asked]}
    assert create(wardkeeper, "Role", role, user=OPERATOR).code == 201


@pytest.mark.parametrize(
    "asked",
    [
        rule("secrets", "get", names=("db",)),
        rule("secrets", "list"),
        rule("serviceaccounts/token", "create"),
        rule("roles", "create", group="rbac.authorization.k8s.io"),
        rule("deployments", "patch", group="apps"),
        rule("healthcareworkflows", "get", group="wardkeeper.io"),
        rule("services", "delete"),
        rule("networkpolicies", "delete", group="networking.k8s.io"),
    ],
)
def test_the_operator_cannot_pass_on_what_it_holds_for_itself(
    wardkeeper: Installation, asked: Any
) -> None:
    fine = rule("configmaps", "get")
    role = {"metadata": {"name": "new"}, "rules": [fine, asked]}
    named = f"{','.join(asked['verbs'])} on {asked['resources'][0]} of API group"
    refused(
        create(wardkeeper, "Role", role, user=OPERATOR),
        "'wardkeeper-granted-rights'",
        f"a workflow may not be given {named}",
        "take the rule out of spec.access.rules",
        "ClusterRole wardkeeper-grantable",
    )
    assert create(wardkeeper, "Role", role, user=PEOPLE).code == 201


@pytest.mark.parametrize(
    "asked", [rule("nodes", "get"), rule("pods", "create"), rule("*", "*", group="*")]
)
def test_kubernetes_itself_refuses_to_let_the_operator_grant_what_it_does_not_hold(
    wardkeeper: Installation, asked: Any
) -> None:
    role = {"metadata": {"name": "new"}, "rules": [asked]}
    refused(
        create(wardkeeper, "Role", role, user=OPERATOR),
        "attempting to grant RBAC permissions not currently held",
    )


@pytest.mark.parametrize(
    ("kind", "role", "name", "account", "namespace"),
    [
        ("ClusterRole", "wardkeeper-namespace", "new", "new", NS),
        ("ClusterRole", "wardkeeper-grantable", "wardkeeper-grantable", "wardkeeper-grantable", NS),
        ("Role", "shared", "new", "new", NS),
        ("Role", "shared", "shared", "another", NS),
        ("Role", "shared", "shared", "shared", "elsewhere"),
    ],
)
def test_the_operator_binds_the_role_of_a_workflow_to_that_workflow_alone(
    wardkeeper: Installation, kind: str, role: str, name: str, account: str, namespace: str
) -> None:
    shared = {"metadata": {"name": "shared"}, "rules": [rule("configmaps", "get")]}
    place = PLURALS["Role"].format(f"namespaces/{NS}")
    wardkeeper.send("POST", place, shared, dry_run=False)
    body: dict[str, Any] = {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
    }
    refused(
        create(wardkeeper, "RoleBinding", body, user=OPERATOR),
        "the operator binds a Role to the ServiceAccount of the same name and namespace only",
    )
    body["metadata"]["name"] = body["roleRef"]["name"] = "shared"
    body["roleRef"]["kind"] = "Role"
    body["subjects"][0] |= {"name": "shared", "namespace": NS}
    assert create(wardkeeper, "RoleBinding", body, user=OPERATOR).code == 201


SYSTEM = "wardkeeper-system"
BOOKS = PLURALS["IssuedCredential"].format(f"namespaces/{SYSTEM}")


@pytest.fixture
def kept(wardkeeper: Installation) -> Iterator[str]:
    """Path of an entry that the operator has made; gone afterwards, whatever holds it."""
    path = f"{BOOKS}/kept"
    answer = wardkeeper.send("POST", BOOKS, entry("kept"), user=OPERATOR, dry_run=False)
    assert answer.code == 201, answer.message
    yield path
    wardkeeper.send("DELETE", path, user=OPERATOR, dry_run=False)
    released: dict[str, Any] = {"metadata": {"finalizers": []}}
    wardkeeper.send("PATCH", path, released, user=OPERATOR, dry_run=False)
    assert wardkeeper.send("GET", path).code == 404


@pytest.mark.parametrize("user", [PEOPLE, STRANGER, DEPLOYMENTS, f"{OPERATOR}-2"])
def test_nobody_but_the_operator_writes_the_ledger(
    wardkeeper: Installation, kept: str, user: str
) -> None:
    sentences = ("'wardkeeper-ledger'", "the operator alone writes the ledger")
    answer = create(wardkeeper, "IssuedCredential", entry("more"), user=user, namespace=SYSTEM)
    refused(answer, *sentences, "delete IssuedCredential more to have its credential replaced")
    elsewhere = create(wardkeeper, "IssuedCredential", entry("more"), user=user)
    refused(elsewhere, *sentences)
    for place, change in (
        ("", {"metadata": {"finalizers": []}}),
        ("", {"metadata": {"labels": {"wardkeeper.io/workflow": "another"}}}),
        ("/status", {"status": {"phase": "Retiring"}}),
        ("/status", {"status": {"handle": {"lease": "database/creds/another/1"}}}),
    ):
        path = f"{kept}{place}"
        answer = wardkeeper.send("PATCH", path, change, user=user, groups=ADMINS)
        refused(answer, *sentences, "delete IssuedCredential kept")


def test_the_operator_notes_how_far_a_credential_has_come_and_never_what_it_was_made_for(
    wardkeeper: Installation, kept: str
) -> None:
    status = {"status": {"phase": "Issued", "handle": {"kvVersion": 1}}}
    assert wardkeeper.send("PATCH", f"{kept}/status", status, user=OPERATOR).code == 200
    for change in ({"secret": "another"}, {"role": "another"}, {"workflowRef": {"uid": "v"}}):
        answer = wardkeeper.send("PATCH", kept, {"spec": change}, user=OPERATOR)
        assert answer.code == 422
        assert "an entry of the ledger is never changed; delete it" in answer.message


def test_the_operator_keeps_its_ledger_in_its_own_namespace(wardkeeper: Installation) -> None:
    refused(
        create(wardkeeper, "IssuedCredential", entry("more"), user=OPERATOR),
        'cannot create resource "issuedcredentials"',
    )


def test_whoever_may_deletes_an_entry_and_the_operator_holds_it_until_it_is_revoked(
    wardkeeper: Installation, kept: str
) -> None:
    answer = wardkeeper.send("DELETE", kept, user=PEOPLE, groups=ADMINS, dry_run=False)
    assert answer.code == 200
    held = wardkeeper.send("GET", kept)
    assert held.body["metadata"]["deletionTimestamp"]
    released: dict[str, Any] = {"metadata": {"finalizers": []}}
    refused(wardkeeper.send("PATCH", kept, released, user=PEOPLE, groups=ADMINS))
    assert wardkeeper.send("PATCH", kept, released, user=OPERATOR).code == 200


def test_rbac_alone_says_who_reads_or_deletes_entries(wardkeeper: Installation, kept: str) -> None:
    for method in ("GET", "DELETE"):
        refused(wardkeeper.send(method, kept, user=PEOPLE), 'resource "issuedcredentials"')


def test_with_the_definitions_gone_first_pods_still_start_and_the_guards_can_go(
    wardkeeper: Installation,
) -> None:
    cluster = wardkeeper.cluster
    cluster.create_namespace("afterwards")
    cluster.apply(workflow(LAB, "afterwards"))
    cluster.kubectl("delete", "-k", str(MANIFESTS.parent / "crds"))
    server = cluster.processes["kube-apiserver"]
    server.stop()
    server.start()
    until(lambda: _served(wardkeeper), "the API server is back", check=server.check)
    answer = create(wardkeeper, "Pod", pod("default"), namespace="afterwards")
    assert answer.code == 201, answer.message
    cluster.kubectl("delete", "-k", str(MANIFESTS / "admission"))
    assert create(wardkeeper, "Pod", pod("default"), namespace="afterwards").code == 201


def _served(made: Installation) -> bool:
    """Whether the API server has all that it needs to judge a pod."""
    try:
        return made.send("GET", "/readyz").code == 200
    except requests.ConnectionError:
        return False
