# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What `manifests/` installs, and what the operator may and may not do with it.

Asked of a real API server with the operator's own token, so that what is tested is what is shipped.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import requests
import yaml

from tests.cluster.build import ensure
from tests.cluster.levels import Level
from tests.cluster.progress import Report
from tests.cluster.tools import KUBEALL
from tests.cluster.waiting import NotReadyError, until
from tests.e2e.installation import MANIFESTS, build, installed
from wardkeeper.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.installation import Installation

OVERLAYS = ("cluster-install", "namespace-install", "without-vault")
ENROLLED = "radiology"
OUTSIDE = "elsewhere"
SYSTEM = "wardkeeper-system"
ACCOUNT = ("wardkeeper-system", "wardkeeper")
RBAC = "rbac.authorization.k8s.io"
WRITE = ("create", "delete", "get", "list", "patch", "watch")
READ = ("get", "list", "watch")

Right = tuple[str, str, str, str]
"""API group, resource, resource name (empty: any), verb."""


def rights(group: str, resource: str, verbs: tuple[str, ...], name: str = "") -> set[Right]:
    return {(group, resource, name, verb) for verb in verbs}


EVERYWHERE = (
    rights("wardkeeper.io", "healthcareworkflows", (*READ, "patch"))
    | rights("wardkeeper.io", "healthcareworkflows/status", ("patch",))
    | rights("wardkeeper.io", "healthcareworkflows/finalizers", ("update",))
    | rights("events.k8s.io", "events", ("create", "patch"))
    | rights("discovery.k8s.io", "endpointslices", ("get",), "kubernetes")
    | rights("", "services", ("get",), "kubernetes")
)
OWN = (
    rights("coordination.k8s.io", "leases", ("create",))
    | rights("coordination.k8s.io", "leases", ("get", "update"), "wardkeeper")
    | rights("wardkeeper.io", "issuedcredentials", WRITE)
    | rights("wardkeeper.io", "issuedcredentials/status", ("patch",))
)
PEOPLES = tuple(f"wardkeeper-{one}" for one in ("view", "edit", "admin", "auditor"))
"""ClusterRoles for people, which the operator is never bound to."""
CHILDREN = (
    rights("", "serviceaccounts", WRITE)
    | rights("", "services", WRITE)
    | rights("", "secrets", WRITE)
    | rights("apps", "deployments", WRITE)
    | rights("apps", "controllerrevisions", ("get", "create", "patch", "delete"))
    | rights("batch", "cronjobs", WRITE)
    | rights("batch", "jobs", WRITE)
    | rights("networking.k8s.io", "networkpolicies", WRITE)
    | rights("policy", "poddisruptionbudgets", WRITE)
    | rights(RBAC, "roles", WRITE)
    | rights(RBAC, "rolebindings", WRITE)
    | rights("", "configmaps", ("get",))
    | rights("", "serviceaccounts/token", ("create",))
)
GRANTABLE = (
    rights("", "configmaps", (*WRITE, "update"))
    | rights("", "services", READ)
    | rights("", "pods", READ)
    | rights("discovery.k8s.io", "endpointslices", READ)
    | rights("coordination.k8s.io", "leases", (*WRITE, "update"))
    | rights("events.k8s.io", "events", ("create", "patch"))
)
NEVER = (
    ("escalate", RBAC, "roles", ""),
    ("escalate", RBAC, "clusterroles", ""),
    ("bind", RBAC, "roles", ""),
    ("bind", RBAC, "clusterroles", ""),
    ("bind", RBAC, "clusterroles", "wardkeeper-grantable"),
    ("bind", RBAC, "clusterroles", "cluster-admin"),
    ("impersonate", "", "users", ""),
    ("impersonate", "", "groups", ""),
    ("impersonate", "", "serviceaccounts", ""),
    ("*", "*", "*", ""),
    ("create", "", "pods", ""),
    ("create", "", "pods/exec", ""),
    ("get", "", "pods/log", ""),
    ("update", "", "secrets", ""),
    ("deletecollection", "", "secrets", ""),
    ("create", RBAC, "clusterroles", ""),
    ("create", RBAC, "clusterrolebindings", ""),
    ("get", "", "nodes", ""),
    ("create", "", "namespaces", ""),
    ("create", "wardkeeper.io", "healthcareworkflows", ""),
    ("update", "wardkeeper.io", "healthcareworkflows", ""),
    ("delete", "wardkeeper.io", "healthcareworkflows", ""),
    ("update", "wardkeeper.io", "healthcareworkflows/status", ""),
    ("update", "wardkeeper.io", "issuedcredentials", ""),
    ("deletecollection", "wardkeeper.io", "issuedcredentials", ""),
    ("update", "wardkeeper.io", "issuedcredentials/status", ""),
    ("patch", "admissionregistration.k8s.io", "validatingadmissionpolicies", ""),
    ("patch", "apiextensions.k8s.io", "customresourcedefinitions", ""),
    ("approve", "certificates.k8s.io", "signers", ""),
)


@pytest.fixture(scope="module")
def kubectl() -> str:
    """The program, without a cluster."""
    return str(ensure(KUBEALL, Report()) / "kubectl")


class Own(NamedTuple):
    """The operator before the API server."""

    made: Installation
    session: requests.Session

    def ask(self, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
        """The status of a self review."""
        answer = self.session.post(
            f"{self.made.cluster.server}/apis/authorization.k8s.io/v1/{kind}",
            json={"spec": spec},
            timeout=10,
        )
        assert answer.status_code == 201, answer.text
        return dict(answer.json()["status"])

    def may(
        self, verb: str, group: str, resource: str, name: str = "", namespace: str = ENROLLED
    ) -> bool:
        """Whether it may do this."""
        plain, _, subresource = resource.partition("/")
        asked = {"verb": verb, "group": group, "resource": plain, "subresource": subresource}
        attributes = {**asked, "name": name, "namespace": namespace}
        review = self.ask("selfsubjectaccessreviews", {"resourceAttributes": attributes})
        return bool(review["allowed"])

    def rights(self, namespace: str) -> set[Right]:
        """Everything it may do in a namespace, except ask what it may do."""
        rules = self.ask("selfsubjectrulesreviews", {"namespace": namespace})["resourceRules"]
        return {
            (group, resource, name, verb)
            for rule in rules
            for group in rule["apiGroups"]
            for resource in rule["resources"]
            for name in rule.get("resourceNames", [""])
            for verb in rule["verbs"]
            if group not in ("authorization.k8s.io", "authentication.k8s.io")
        }


def operator_of(made: Installation) -> Own:
    session = requests.Session()
    session.trust_env = False
    session.verify = str(made.cluster.ca)
    token = made.cluster.service_account_token(*ACCOUNT)
    session.headers["Authorization"] = f"Bearer {token}"
    own = Own(made, session)
    expected = {SYSTEM: OWN, ENROLLED: CHILDREN | GRANTABLE}
    with suppress(NotReadyError):  # which the tests put into better words
        until(
            lambda: all(rights <= own.rights(where) for where, rights in expected.items()),
            "the API server knows every role and binding",
        )
    return own


@pytest.fixture(scope="module")
def everywhere() -> Iterator[Own]:
    with installed(Level.CONTROLLERS, "cluster-install") as made:
        yield operator_of(made)


@pytest.fixture(scope="module")
def enrolled() -> Iterator[Own]:
    with installed(Level.CONTROLLERS, "namespace-install") as made:
        yield operator_of(made)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_builds_and_holds_each_object_once(kubectl: str, overlay: str) -> None:
    objects = build(MANIFESTS / "overlays" / overlay, kubectl)
    names = [
        (one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in objects
    ]
    assert len(names) == len(set(names))
    kinds = {one["kind"] for one in objects}
    assert {"CustomResourceDefinition", "Deployment", "ValidatingAdmissionPolicy"} <= kinds


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_role_names_everything_or_a_way_around_rbac(kubectl: str, overlay: str) -> None:
    roles = [
        one
        for one in build(MANIFESTS / "overlays" / overlay, kubectl)
        if one["kind"] in ("Role", "ClusterRole")
    ]
    assert len(roles) == 5 + len(PEOPLES)
    for role in roles:
        for rule in role["rules"]:
            for field in ("apiGroups", "resources", "verbs"):
                assert "*" not in rule[field], role["metadata"]["name"]
            assert not {"escalate", "bind", "impersonate"} & set(rule["verbs"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_secrets_and_tokens_of_workflows_are_named_where_there_is_a_vault_and_only_there(
    kubectl: str, overlay: str
) -> None:
    named = {
        resource
        for one in build(MANIFESTS / "overlays" / overlay, kubectl)
        if one["kind"] in ("Role", "ClusterRole")
        for rule in one["rules"]
        for resource in rule["resources"]
    }
    for_vault = {"secrets", "serviceaccounts/token"}
    assert named & for_vault == (set() if overlay == "without-vault" else for_vault)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_binding_is_for_the_operator_alone(kubectl: str, overlay: str) -> None:
    account = {"kind": "ServiceAccount", "name": ACCOUNT[1], "namespace": ACCOUNT[0]}
    for one in build(MANIFESTS / "overlays" / overlay, kubectl):
        if one["kind"].endswith("RoleBinding"):
            assert one["subjects"] == [account]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_operator_is_given_settings_that_it_accepts(
    kubectl: str, overlay: str, tmp_path: Path
) -> None:
    objects = build(MANIFESTS / "overlays" / overlay, kubectl)
    (settings,) = [one for one in objects if one["kind"] == "ConfigMap"]
    file = tmp_path / "settings.yaml"
    file.write_text(settings["data"]["settings.yaml"])
    loaded = load_settings(file)
    assert loaded.namespaces == ((ENROLLED,) if overlay == "namespace-install" else ())
    (deployment,) = [one for one in objects if one["kind"] == "Deployment"]
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    assert {"name": "settings", "configMap": {"name": settings["metadata"]["name"]}} in volumes
    audiences = [
        source["serviceAccountToken"].get("audience", "")
        for one in volumes
        for source in one.get("projected", {}).get("sources", ())
        if "serviceAccountToken" in source
    ]
    assert audiences == (["", "vault"] if loaded.vault else [""])


def test_the_enrolled_namespaces_are_those_of_the_settings(kubectl: str) -> None:
    overlay = MANIFESTS / "overlays" / "namespace-install"
    listed = yaml.safe_load((overlay / "settings.yaml").read_text())["namespaces"]
    bound = [
        one["metadata"]["namespace"]
        for one in build(overlay, kubectl)
        if one["kind"] == "RoleBinding" and one["roleRef"]["name"] == "wardkeeper-namespace"
    ]
    assert bound == listed


def test_the_operators_pod_passes_pod_security_restricted(everywhere: Own, kubectl: str) -> None:
    objects = build(MANIFESTS / "overlays" / "cluster-install", kubectl)
    (deployment,) = [one for one in objects if one["kind"] == "Deployment"]
    template = deployment["spec"]["template"]
    body = {"metadata": {"name": "p", **template["metadata"]}, "spec": template["spec"]}
    answer = everywhere.made.send("POST", f"/api/v1/namespaces/{SYSTEM}/pods", body)
    assert answer.code == 201, answer.message


def test_installed_for_the_cluster_the_operator_holds_exactly_this(everywhere: Own) -> None:
    anywhere = EVERYWHERE | CHILDREN | GRANTABLE
    assert everywhere.rights(OUTSIDE) == anywhere
    assert everywhere.rights(SYSTEM) == anywhere | OWN
    assert everywhere.rights("default") == anywhere


def test_installed_for_namespaces_the_operator_holds_its_own_kind_and_nothing_elsewhere(
    enrolled: Own,
) -> None:
    assert enrolled.rights(OUTSIDE) == EVERYWHERE
    assert enrolled.rights(SYSTEM) == EVERYWHERE | OWN
    assert enrolled.rights("default") == EVERYWHERE
    assert enrolled.rights(ENROLLED) == EVERYWHERE | CHILDREN | GRANTABLE


@pytest.mark.parametrize("verb", ["get", "list", "watch", "create", "patch", "delete"])
def test_installed_for_namespaces_the_operator_cannot_touch_secrets_elsewhere(
    enrolled: Own, verb: str
) -> None:
    assert enrolled.may(verb, "", "secrets", namespace=ENROLLED)
    assert not enrolled.may(verb, "", "secrets", namespace=OUTSIDE)
    assert not enrolled.may(verb, "", "secrets", namespace=SYSTEM)
    assert not enrolled.may(verb, "", "secrets", namespace="")


@pytest.mark.parametrize("namespace", [ENROLLED, OUTSIDE, ""])
def test_however_it_is_installed_the_ledger_is_kept_in_the_operators_namespace_alone(
    everywhere: Own, enrolled: Own, namespace: str
) -> None:
    for own in (everywhere, enrolled):
        assert own.may("create", "wardkeeper.io", "issuedcredentials", namespace=SYSTEM)
        for verb in WRITE:
            assert not own.may(verb, "wardkeeper.io", "issuedcredentials", namespace=namespace)


@pytest.mark.parametrize(("verb", "group", "resource", "name"), NEVER)
@pytest.mark.parametrize("namespace", [ENROLLED, SYSTEM, ""])
def test_however_it_is_installed_the_operator_may_never(
    everywhere: Own, verb: str, group: str, resource: str, name: str, namespace: str
) -> None:
    assert not everywhere.may(verb, group, resource, name, namespace)
