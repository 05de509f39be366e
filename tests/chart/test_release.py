# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The chart installed by helm on a real API server: what it says, gives, and keeps from whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.chart.release import NAME, HelmError, Release
from tests.chart.rendering import CHART, HELM_TOOLS
from tests.cluster.access import CommandFailedError
from tests.cluster.build import ensure
from tests.cluster.cluster import Cluster
from tests.cluster.installation import NAMESPACE
from tests.cluster.progress import Report
from tests.cluster.tools import MONITORING
from tests.cluster.waiting import until
from tests.component.workflows import cron_job
from tests.e2e.stage import Stage
from tests.e2e.stories import Place
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from collections.abc import Iterator

ENROLLED, OUTSIDE = "radiology", "elsewhere"
SCOPED: dict[str, Any] = {"scope": "Namespaces", "namespaces": [ENROLLED]}
DEPLOYMENT = ("deployment", NAME, NAMESPACE)
NIGHTLY = "export"


@pytest.fixture(scope="module", params=HELM_TOOLS, ids=lambda helm: helm.name)
def release(request: pytest.FixtureRequest) -> Iterator[Release]:
    """A release for one namespace, and the operator at work in it."""
    settings = {"namespaces": [ENROLLED]}
    with Cluster("simulated") as cluster:
        for name in (ENROLLED, OUTSIDE):
            cluster.create_namespace(name)
        made = Release(cluster, values=SCOPED, helm=request.param, vault=False, settings=settings)
        with made:
            yield made


@pytest.fixture
def place(release: Release) -> Iterator[Place]:
    """The enrolled namespace."""
    assert isinstance(release.cluster, Cluster)
    stage = Stage(release.cluster, release)
    with stage.session:
        yield Place(stage, ENROLLED)


def test_helm_says_how_the_cluster_stands_and_what_comes_next(release: Release) -> None:
    release.upgrade(CHART, SCOPED)
    said = release.helm("get", "notes", NAME)
    assert f"scope         {ENROLLED}" in said
    assert "workflows     0" in said
    assert "Vault         none" in said
    assert f"helm test {NAME} --namespace {NAMESPACE}" in said


def test_a_namespace_that_does_not_exist_is_told_before_anything_is_changed(
    release: Release,
) -> None:
    values = {"scope": "Namespaces", "namespaces": [ENROLLED, "nowhere"]}
    with pytest.raises(HelmError, match="namespaces names nowhere, which does not exist: kubectl"):
        release.upgrade(CHART, values)


def test_the_namespace_of_the_release_may_be_made_along_with_it(release: Release) -> None:
    own = {"scope": "Namespaces", "namespaces": ["not-there-yet"]}
    tried = ("--namespace=not-there-yet", "--create-namespace", "--dry-run=server", "--values=-")
    over = "--take-ownership"  # a cluster has one installation, and this one has it
    release.helm("install", "new", str(CHART), *tried, over, stdin=yaml.safe_dump(own))


def test_an_account_of_somebody_else_must_be_there(release: Release) -> None:
    values = {**SCOPED, "serviceAccount": {"create": False, "name": "theirs"}}
    with pytest.raises(HelmError, match="there is no ServiceAccount theirs in namespace ward"):
        release.upgrade(CHART, values)


def test_the_account_that_the_release_made_is_not_deleted_from_under_the_operator(
    release: Release,
) -> None:
    values = {**SCOPED, "serviceAccount": {"create": False}}
    with pytest.raises(HelmError, match="this release would delete ServiceAccount wardkeeper"):
        release.upgrade(CHART, values)
    account = ("serviceaccount", NAME, NAMESPACE)
    before = release.cluster.get(*account)
    keep = "helm.sh/resource-policy=keep"  # as the message says
    release.cluster.kubectl("annotate", "serviceaccount", NAME, f"--namespace={NAMESPACE}", keep)
    release.upgrade(CHART, values)
    release.upgrade(CHART, SCOPED)
    after = release.cluster.get(*account)
    assert before
    assert after
    assert after["metadata"]["uid"] == before["metadata"]["uid"]


def test_a_workflow_lives_with_the_rights_of_the_release(release: Release, place: Place) -> None:
    place.create(cron_job(NIGHTLY))
    place.until_ready(NIGHTLY)
    place.delete("NetworkPolicy", f"{NIGHTLY}-deny")
    until(lambda: place.get("NetworkPolicy", f"{NIGHTLY}-deny"), "it is put back")
    release.upgrade(CHART, SCOPED)
    assert "workflows     1" in release.helm("get", "notes", NAME)


@pytest.mark.parametrize("namespace", [ENROLLED, OUTSIDE, NAMESPACE, "kube-system"])
def test_without_vault_no_secret_can_be_read_anywhere(release: Release, namespace: str) -> None:
    own = release.cluster.service_account_kubeconfig(NAMESPACE, NAME)
    for verb in ("get", "list", "watch"):
        for where in ((f"--namespace={namespace}",), ("--all-namespaces",)):
            with pytest.raises(CommandFailedError):
                release.cluster.kubectl(
                    "auth", "can-i", "--quiet", verb, "secrets", *where, kubeconfig=own
                )
    asked = ("auth", "can-i", "get", "services", f"--namespace={ENROLLED}")
    assert release.cluster.kubectl(*asked, kubeconfig=own).strip() == "yes"


def test_changed_settings_roll_the_operator_and_nothing_else_does(release: Release) -> None:
    def rolled() -> int:
        found = release.cluster.get(*DEPLOYMENT)
        assert found
        return int(found["metadata"]["generation"])

    before = rolled()
    release.upgrade(CHART, SCOPED)
    assert rolled() == before
    release.upgrade(CHART, {**SCOPED, "logLevel": "debug"})
    assert rolled() == before + 1
    release.upgrade(CHART, {**SCOPED, "commonLabels": {"team": "platform"}})
    found = release.cluster.get(*DEPLOYMENT)
    assert found
    assert found["metadata"]["labels"]["team"] == "platform"


def test_with_prometheus_operator_there_the_release_is_watched(release: Release) -> None:
    values = {
        **SCOPED,
        "serviceMonitor": {"enabled": True},
        "prometheusRule": {"enabled": True},
        "dashboards": {"enabled": True},
    }
    with pytest.raises(HelmError, match="install Prometheus Operator first"):
        release.upgrade(CHART, values)
    for name in MONITORING.programs:
        file = str(ensure(MONITORING, Report()) / name)
        release.cluster.kubectl("apply", "--server-side", "-f", file)

    def watched() -> bool:
        try:
            release.upgrade(CHART, values)
        except HelmError as error:
            if "install Prometheus Operator first" in str(error):
                return False  # the kinds are not served yet
            raise
        return True

    until(watched, "the release is watched")
    assert release.cluster.get("servicemonitor", NAME, NAMESPACE)
    assert release.cluster.get("prometheusrule", NAME, NAMESPACE)
    for name in ("claims", "publichealth"):
        release.cluster.create_namespace(name)
    best = ("--values", str(CHART / "values-best-practice.yaml"), "--dry-run=server")
    assert "STATUS: pending-upgrade" in release.helm("upgrade", NAME, str(CHART), *best)


PEOPLE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "view": (("get", "list", "watch"), ("create", "update", "patch", "delete")),
    "edit": (("get", "create", "update", "patch", "delete"), ("deletecollection",)),
    "admin": (("get", "create", "delete", "deletecollection"), ()),
    "wardkeeper-auditor": (("get", "list", "watch"), ("create", "patch", "delete")),
}


@pytest.mark.parametrize("role", PEOPLE)
def test_the_roles_that_people_have_hold_for_workflows_too(release: Release, role: str) -> None:
    cluster, person = release.cluster, f"{role}@example.org"
    binding = f"people-{role}"
    named = (f"--clusterrole={role}", f"--user={person}", f"--namespace={ENROLLED}")
    cluster.kubectl("create", "rolebinding", binding, *named)
    may, may_not = PEOPLE[role]
    for verb in (*may, *may_not):
        asked = (verb, "healthcareworkflows.wardkeeper.io", f"--namespace={ENROLLED}")
        until(
            lambda asked=asked: can(release, person, *asked) is (asked[0] in may),  # type: ignore[misc]
            f"{role}: {verb} is {'allowed' if verb in may else 'refused'}",
        )
    if role == "wardkeeper-auditor":
        assert not can(release, person, "get", "secrets", f"--namespace={ENROLLED}")
        assert not can(
            release, person, "get", "pods", "--subresource=log", f"--namespace={ENROLLED}"
        )
        assert can(release, person, "get", "rolebindings", f"--namespace={ENROLLED}")


def can(release: Release, person: str, *asked: str) -> bool:
    try:
        release.cluster.kubectl("auth", "can-i", "--quiet", *asked, f"--as={person}")
    except CommandFailedError:
        return False
    return True


@pytest.mark.parametrize(
    ("mode", "refused", "warned"), [("Deny", True, False), ("Warn", False, True)]
)
def test_guards_refuse_or_warn_as_the_values_say(
    release: Release, place: Place, mode: str, refused: bool, warned: bool
) -> None:
    release.upgrade(CHART, {**SCOPED, "admission": {"workflowChildren": mode}})
    place.until_ready(NIGHTLY)
    group = "platform-administrators"
    role = ("--clusterrole=cluster-admin", f"--group={group}")
    if not release.cluster.get("clusterrolebinding", group):
        release.cluster.kubectl("create", "clusterrolebinding", group, *role)
    who = (f"--as-group={group}", "--as=alice@example.org")
    request = ("delete", "cronjob", NIGHTLY, f"--namespace={ENROLLED}", "--dry-run=server", *who)

    def as_told() -> bool:
        try:
            release.cluster.kubectl(*request, "--warnings-as-errors")
        except CommandFailedError as error:
            told = "belongs to HealthcareWorkflow" in str(error)
            return told and refused is ("denied request" in str(error)) and (refused or warned)
        return False

    until(as_told, f"the guard says {mode}")


def test_a_second_release_is_refused_by_helm_itself(release: Release) -> None:
    with pytest.raises(HelmError, match=r"invalid ownership metadata"):
        release.helm("install", "another", str(CHART))


def test_a_workflow_outside_is_left_alone(release: Release, place: Place) -> None:
    outside = Place(place.stage, OUTSIDE)
    outside.create(cron_job(NIGHTLY))
    place.reconciled(NIGHTLY)
    assert outside.children(NIGHTLY) == {}
    assert outside.read(KIND, NIGHTLY)["status"] == {"observedGeneration": -1}
