# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What cannot be carried out: the reason and the words reach the user, and nothing is lost."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.cluster.access import HARDENED, CommandFailedError
from tests.cluster.installation import USER
from tests.cluster.waiting import until
from tests.component.workflows import container, cron_job, job, secret, small
from tests.e2e.stage import RefusedError
from tests.e2e.strangers import changing, refusing
from tests.e2e.webhook import refusing_webhook
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.stage import Obj, Stage
    from tests.e2e.stories import Place

NAME = "router"
NIGHTLY = "export"
TOO_MUCH = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}
OUTSIDE = {
    "name": "ehr",
    "kind": "HTTPS",
    "host": "ehr.example.org",
    "cidrs": ["203.0.113.0/28"],
    "port": 443,
}
FINE = {"apiGroups": [""], "resources": ["services"], "verbs": ["list"]}


@pytest.fixture
def unschedulable(stage: Stage) -> Iterator[None]:
    """No pod finds a node, so that none comes up that a kubelet would hold back."""
    for flag in (True, False):
        for node in stage.send("GET", "Node")["items"]:
            stage.send(
                "PATCH",
                "Node",
                name=node["metadata"]["name"],
                body={"spec": {"unschedulable": flag}},
                content="application/merge-patch+json",
            )
        if flag:
            yield


def test_more_rights_than_grantable_are_refused_by_kubernetes_and_asking_for_less_heals(
    place: Place,
) -> None:
    place.create(cron_job(NIGHTLY, access={"rules": [FINE, TOO_MUCH]}))
    stalled = place.until_told(NIGHTLY, "Stalled", "AccessRefused")
    assert "nodes" in stalled["message"]
    assert "wardkeeper-grantable" in stalled["message"]
    place.until_event(NIGHTLY, "AccessRefused", "nodes")
    assert place.get("CronJob", NIGHTLY) is None
    assert place.get("NetworkPolicy", f"{NIGHTLY}-deny")
    place.edit(KIND, NIGHTLY, {"spec": {"access": {"rules": [FINE]}}})
    place.until_ready(NIGHTLY)
    assert place.read("Role", NIGHTLY)["rules"] == [FINE]


def test_a_right_that_becomes_grantable_is_granted_at_the_next_look(
    stage: Stage, place: Place
) -> None:
    place.create(cron_job(NIGHTLY, access={"rules": [TOO_MUCH]}))
    place.until_told(NIGHTLY, "Stalled", "AccessRefused")
    rules = stage.send("GET", "ClusterRole", name="wardkeeper-grantable")["rules"]
    try:
        grant(place, [*rules, TOO_MUCH])
        place.annotate(NIGHTLY, reconcile_at="now")
        place.until_ready(NIGHTLY)
        assert place.read("Role", NIGHTLY)["rules"] == [TOO_MUCH]
    finally:
        grant(place, rules)


def test_a_running_workflow_that_asks_for_too_much_keeps_what_it_has(place: Place) -> None:
    place.create(cron_job(NIGHTLY, access={"rules": [FINE]}))
    place.until_ready(NIGHTLY)
    allowed = place.read("NetworkPolicy", f"{NIGHTLY}-allow")["spec"]
    place.edit(KIND, NIGHTLY, {"spec": {"access": {"rules": [TOO_MUCH]}, "endpoints": [OUTSIDE]}})
    stalled = place.until_told(NIGHTLY, "Stalled", "AccessRefused")
    assert stalled["message"].endswith("; what ran before keeps running")
    assert place.read("Role", NIGHTLY)["rules"] == [FINE]
    assert place.read("NetworkPolicy", f"{NIGHTLY}-allow")["spec"] == allowed
    assert place.get("CronJob", NIGHTLY)
    place.delete("NetworkPolicy", f"{NIGHTLY}-deny")
    until(lambda: place.get("NetworkPolicy", f"{NIGHTLY}-deny"), "what runs is repaired")


@pytest.mark.parametrize(
    ("kind", "name", "content"),
    [
        ("ServiceAccount", NIGHTLY, {}),
        ("NetworkPolicy", f"{NIGHTLY}-deny", {"spec": {"podSelector": {}}}),
        ("Secret", f"{NIGHTLY}-db", {"stringData": {"theirs": "kept"}}),
        ("Role", NIGHTLY, {"rules": []}),
        ("RoleBinding", NIGHTLY, {"roleRef": {"kind": "Role", "name": "x", "apiGroup": ""}}),
        ("CronJob", NIGHTLY, {}),
    ],
)
def test_an_object_of_somebody_else_is_not_touched_and_heals_when_it_goes(
    place: Place, kind: str, name: str, content: Obj
) -> None:
    if kind == "RoleBinding":
        content["roleRef"]["apiGroup"] = "rbac.authorization.k8s.io"
    if kind == "CronJob":
        content = {"spec": their_cron_job()}
    theirs = place.create({"kind": kind, "metadata": {"name": name}, **content})
    place.create(cron_job(NIGHTLY, access={"rules": [FINE]}, secrets=[secret()]))
    stalled = place.until_told(NIGHTLY, "Stalled", "NameTaken")
    assert f"{kind} {place.namespace}/{name}" in stalled["message"]
    place.until_event(NIGHTLY, "NameTaken", name)
    found = place.read(kind, name)
    assert found["metadata"]["resourceVersion"] == theirs["metadata"]["resourceVersion"]
    assert kind == "CronJob" or place.get("CronJob", NIGHTLY) is None
    place.delete(kind, name)
    place.annotate(NIGHTLY, reconcile_at="now")
    place.until_ready(NIGHTLY)


def test_a_quota_on_children_reaches_the_user_and_more_quota_heals(place: Place) -> None:
    probe = {"kind": "CronJob", "metadata": {"name": "probe"}, "spec": their_cron_job()}
    quota(place, {"count/cronjobs.batch": "0"}, probe)
    place.create(cron_job(NIGHTLY))
    ready = place.until_told(NIGHTLY, "Ready", "QuotaExceeded")
    assert "exceeded quota: small" in ready["message"]
    assert place.condition(NIGHTLY, "Reconciling")["reason"] == "QuotaExceeded"
    assert place.condition(NIGHTLY, "Stalled") == {}
    place.until_event(NIGHTLY, "QuotaExceeded")
    place.edit("ResourceQuota", "small", {"spec": {"hard": {"count/cronjobs.batch": "5"}}})
    place.until_ready(NIGHTLY)


def test_a_quota_on_secrets_reaches_the_user_though_nothing_else_about_secrets_does(
    place: Place,
) -> None:
    quota(place, {"count/secrets": "0"}, {"kind": "Secret", "metadata": {"name": "probe"}})
    place.create(cron_job(NIGHTLY, secrets=[secret()]))
    ready = place.until_told(NIGHTLY, "Ready", "QuotaExceeded")
    assert f"Secret {place.namespace}/{NIGHTLY}-db" in ready["message"]
    assert "exceeded quota: small" in ready["message"]
    place.edit("ResourceQuota", "small", {"spec": {"hard": {"count/secrets": "5"}}})
    place.until_ready(NIGHTLY)
    assert place.kv_version(NIGHTLY, "db") == 1


def test_a_quota_on_pods_reaches_the_user_and_more_quota_heals(place: Place) -> None:
    probe = {"name": "c", "image": "theirs", "securityContext": HARDENED}
    pod = {"kind": "Pod", "metadata": {"name": "probe"}, "spec": {"containers": [probe]}}
    quota(place, {"pods": "0"}, pod)
    place.create(small(NAME))
    told = place.until_told(NAME, "WorkloadAvailable", "QuotaExceeded")
    assert "exceeded quota: small" in told["message"]
    assert place.condition(NAME, "Ready")["reason"] == "QuotaExceeded"
    assert place.condition(NAME, "NetworkClosed")["status"] == "True"
    place.delete("ResourceQuota", "small")
    restarted = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-01"}}}
    place.edit("Deployment", NAME, {"spec": {"template": restarted}})
    place.until_ready(NAME)


@pytest.mark.usefixtures("unschedulable")
def test_a_missing_config_map_is_named_and_its_creation_is_noticed(place: Place) -> None:
    mounts = container(configMaps=[{"name": "routes", "path": "/etc/routes"}])
    workload = {"kind": "Deployment", "replicas": 1, "containers": [mounts]}
    place.create(small(NAME, workload=workload))
    ready = place.until_told(NAME, "Ready", "ConfigMapMissing")
    assert f"ConfigMap routes in namespace {place.namespace}" in ready["message"]
    place.until_event(NAME, "ConfigMapMissing", "routes")
    place.create({"kind": "ConfigMap", "metadata": {"name": "routes"}})
    place.until_told(NAME, "Ready", "RolloutInProgress")


@pytest.mark.usefixtures("unschedulable")
def test_a_run_whose_record_of_owners_is_wiped_goes_on(place: Place) -> None:
    place.create(job("backfill"))
    until(lambda: place.condition("backfill", "Ready").get("status") == "True", "it is Ready")
    made = place.read("Job", "backfill")
    place.edit("Job", "backfill", [{"op": "add", "path": "/metadata/managedFields", "value": [{}]}])
    until(lambda: "drift" in place.status("backfill"), "the repair is told")
    place.reconciled("backfill")
    found = place.read("Job", "backfill")
    assert found["metadata"]["uid"] == made["metadata"]["uid"]
    assert place.status("backfill")["drift"]["repaired"] == 1
    managers = {one["manager"] for one in found["metadata"]["managedFields"]}
    assert "wardkeeper" in managers
    assert "before-first-apply" not in managers


@pytest.mark.usefixtures("unschedulable")
def test_a_run_that_somebody_held_up_to_send_it_elsewhere_is_begun_anew(
    stage: Stage, place: Place
) -> None:
    """Only while a run is suspended does Kubernetes let its template be changed."""
    place.create(job("backfill"))
    until(lambda: place.condition("backfill", "Ready").get("status") == "True", "it is Ready")
    stage.operator.stop()
    place.edit("Job", "backfill", {"spec": {"suspend": True}})
    until(
        lambda: "Suspended" in str(place.read("Job", "backfill")["status"].get("conditions")),
        "it is suspended",
    )
    pod = {"spec": {"nodeSelector": {"rack": "theirs"}}}
    place.edit("Job", "backfill", {"spec": {"template": pod}})
    stage.operator.start()

    def mended() -> bool:
        found = place.get("Job", "backfill")
        return found is not None and not (
            found["spec"]["suspend"] or "nodeSelector" in found["spec"]["template"]["spec"]
        )

    until(mended, "it runs as wanted")
    until(lambda: "drift" in place.status("backfill"), "that is told")
    assert place.status("backfill")["drift"]["repaired"] == 1


def test_a_foreign_policy_that_refuses_is_quoted_and_tried_again_ever_more_slowly(
    stage: Stage, place: Place
) -> None:
    probe = {"kind": "CronJob", "metadata": {"name": "probe"}, "spec": their_cron_job()}
    words = "'only on Tuesdays, says the change board'"
    with refusing(place, "cronjobs", probe, words, group="batch"):
        mark = stage.mark()
        place.create(cron_job(NIGHTLY))
        ready = place.until_told(NIGHTLY, "Ready", "WriteRefused")
        assert "only on Tuesdays" in ready["message"]
        assert place.condition(NIGHTLY, "Reconciling")["status"] == "True"
        place.until_event(NIGHTLY, "WriteRefused", "only on Tuesdays")
        times = until(lambda: three(tries(place, mark)), "it is tried again and again")
    pauses = [(later - earlier).total_seconds() for earlier, later in pairwise(times[:4])]
    assert all(pause >= 0.4 * 2**count for count, pause in enumerate(pauses)), pauses
    place.until_ready(NIGHTLY)
    assert len(place.events(NIGHTLY, "WriteRefused")) == 1


def test_a_foreign_webhook_that_refuses_is_quoted_and_goes_unharmed(
    place: Place, tmp_path: Path
) -> None:
    with refusing_webhook(place, tmp_path, "nobody new before the audit"):
        place.create(cron_job(NIGHTLY))
        ready = place.until_told(NIGHTLY, "Ready", "WriteRefused")
        assert "nobody new before the audit" in ready["message"]
        assert place.get("NetworkPolicy", f"{NIGHTLY}-deny")
        assert place.get("CronJob", NIGHTLY) is None
    place.until_ready(NIGHTLY)


def test_a_policy_that_changes_what_is_applied_is_named_and_no_race_is_run_against_it(
    stage: Stage, place: Place
) -> None:
    with changing(place, "serviceaccounts", "automountServiceAccountToken: true"):
        mark = stage.mark()
        place.create(cron_job(NIGHTLY))
        ready = place.until_told(NIGHTLY, "Ready", "WriteRefused")
        assert f"ServiceAccount {place.namespace}/{NIGHTLY}" in ready["message"]
        assert "automountServiceAccountToken is changed at once" in ready["message"]
        assert place.get("CronJob", NIGHTLY) is None
        writes = [one for one in place.writes(mark) if one.resource == "serviceaccounts"]
        assert len(writes) < 5
    place.until_ready(NIGHTLY)
    assert place.read("ServiceAccount", NIGHTLY)["automountServiceAccountToken"] is False


def grant(place: Place, rules: list[Obj]) -> None:
    """What workflows may be given at most; an administrator changes it, and it is in force."""
    content = "application/merge-patch+json"
    where = {"kind": "ClusterRole", "name": "wardkeeper-grantable"}
    place.stage.send("PATCH", **where, body={"rules": rules}, content=content)
    until(lambda: may_grant(place) == (TOO_MUCH in rules), "everybody knows what may be given")


def may_grant(place: Place) -> bool:
    """Whether the operator may give what is too much as it is installed."""
    asked = ("create", "role", "probe", "--verb=list", "--resource=nodes", "--dry-run=server")
    try:
        place.stage.cluster.kubectl(*asked, "-n", place.namespace, f"--as={USER}")
    except CommandFailedError:
        return False
    return True


def quota(place: Place, hard: dict[str, str], *probes: Obj) -> None:
    """A ResourceQuota that counts, and that lets none of these objects in."""
    place.create({"kind": "ResourceQuota", "metadata": {"name": "small"}, "spec": {"hard": hard}})

    def refuses(probe: Obj) -> bool:
        try:
            place.stage.send("POST", probe["kind"], place.namespace, body=probe, dryRun="All")
        except RefusedError as error:
            return "exceeded quota: small" in str(error)
        return False

    until(lambda: all(map(refuses, probes)), "it is in force")


def tries(place: Place, mark: int) -> list[datetime]:
    """When the operator tried to make the CronJob and was refused."""
    writes = [one for one in place.writes(mark) if one.resource == "cronjobs" and one.code == 422]
    return [datetime.fromisoformat(one.time) for one in writes]


def three(times: list[datetime]) -> list[datetime] | None:
    """The times when there are three pauses between them."""
    return times if len(times) > 3 else None


def their_cron_job() -> Obj:
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "theirs"}]}
    template = {"spec": {"template": {"spec": pod}}}
    return {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": template}
