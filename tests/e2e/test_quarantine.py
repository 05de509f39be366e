# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A workflow that is cut off: by one annotation, also while OpenBao is sealed, and lifted again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cluster.waiting import until
from tests.component.workflows import cron_job, job, secret, workflow
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from tests.e2e.stage import Obj, Stage
    from tests.e2e.stories import Place

NAME = "router"
REASON = "SEC-1182: its token was seen elsewhere"
LEFT = {"Deployment", "NetworkPolicy", "PodDisruptionBudget", "Secret"}
"""Kinds of children that an isolated workflow still has."""


def isolated(place: Place, name: str = NAME) -> Obj:
    """Wait until a workflow is cut off everywhere; its condition Stalled."""
    return place.until_told(name, "Stalled", "Quarantined", seconds=60)


def pods(place: Place) -> dict[str, str]:
    """Uid and image of each pod, by name."""
    return {one["metadata"]["name"]: one["metadata"]["uid"] for one in place.items("Pod")}


def test_access_ends_everywhere_the_evidence_stays_and_everything_comes_back_anew(
    stage: Stage, place: Place
) -> None:
    place.create(workflow(NAME, secrets=[secret(), secret("cache", on_change="Reload")]))
    place.until_ready(NAME)
    whole, running = place.children(NAME), pods(place)
    held, account = place.values(f"{NAME}-db"), whole["ServiceAccount", NAME]["metadata"]["uid"]

    place.annotate(NAME, quarantine=REASON)
    told = isolated(place)
    assert REASON in told["message"]
    assert place.condition(NAME, "Ready")["reason"] == "Quarantined"
    assert place.condition(NAME, "NetworkClosed")["status"] == "True"
    left = place.children(NAME)
    assert {kind for kind, _ in left} == LEFT
    assert [name for kind, name in left if kind == "NetworkPolicy"] == [f"{NAME}-deny"]
    assert not place.read("Secret", f"{NAME}-db").get("data")
    assert pods(place) == running
    path = f"secret/data/hw/{place.namespace}/{NAME}/db"
    assert stage.cluster.openbao.api("GET", path)["data"]["data"]["password"] == held[0]
    assert roles(stage, place) == []
    place.until_event(NAME, "Quarantined", REASON)

    mark = stage.mark()
    place.reconciled(NAME)
    assert [one for one in place.writes(mark) if "status" not in one.resource] == []

    place.annotate(NAME, quarantine=None)
    place.until_ready(NAME)
    again = place.children(NAME)
    assert set(again) == set(whole)
    assert again["ServiceAccount", NAME]["metadata"]["uid"] != account
    assert place.values(f"{NAME}-db") != held
    assert place.status(NAME)["secrets"][0]["version"] == "2"
    assert "drift" not in place.status(NAME)


def test_a_run_that_has_completed_is_not_run_again_when_the_quarantine_is_lifted(
    stage: Stage, place: Place
) -> None:
    place.create(job("backfill"))
    until(
        lambda: place.condition("backfill", "WorkloadAvailable").get("reason") == "Completed",
        "the run has completed",
        seconds=60,
    )
    place.delete("Job", "backfill", propagationPolicy="Background")
    until(lambda: place.get("Job", "backfill") is None, "its object is gone")
    place.annotate("backfill", quarantine=REASON)
    isolated(place, "backfill")
    mark = stage.mark()
    place.annotate("backfill", quarantine=None)
    place.until_ready("backfill")
    assert "jobs" not in {one.resource for one in place.writes(mark)}


def test_a_stranger_who_opens_it_again_is_undone(place: Place) -> None:
    place.create(workflow(NAME))
    place.until_ready(NAME)
    place.annotate(NAME, quarantine="")
    isolated(place)
    before = place.read("NetworkPolicy", f"{NAME}-deny")["metadata"]["uid"]
    place.delete("NetworkPolicy", f"{NAME}-deny")

    def closed() -> bool:
        policy = place.get("NetworkPolicy", f"{NAME}-deny")
        return policy is not None and policy["metadata"]["uid"] != before

    until(closed, "the policy that closes it is back")
    assert "no reason given" in place.condition(NAME, "Ready")["message"]


def test_a_sealed_vault_keeps_nobody_from_being_cut_off_in_the_cluster(
    stage: Stage, place: Place
) -> None:
    place.create(cron_job("export", secrets=[secret()]))
    place.until_ready("export")
    stage.cluster.openbao.seal()
    try:
        place.annotate("export", quarantine=REASON)
        waits = place.until_told("export", "Reconciling", "Quarantined")
        assert "this is not done yet: auth roles, token and entities: " in waits["message"]
        assert ("ServiceAccount", "export") not in place.children("export")
        assert not place.read("Secret", "export-db").get("data")
    finally:
        stage.cluster.openbao.unseal()
    isolated(place, "export")
    assert roles(stage, place) == []


def test_a_workflow_with_a_broken_spec_is_cut_off_and_may_be_deleted(
    stage: Stage, place: Place
) -> None:
    place.create(cron_job("export", secrets=[secret()]))
    place.until_ready("export")
    place.edit(KIND, "export", {"spec": {"workload": {"timeZone": "Mars/Olympus_Mons"}}})
    place.until_told("export", "Stalled", "SpecInvalid")
    place.annotate("export", quarantine=REASON)
    isolated(place, "export")
    assert {kind for kind, _ in place.children("export")} == {"CronJob", "NetworkPolicy", "Secret"}
    place.delete(KIND, "export")
    until(lambda: place.get(KIND, "export") is None, "the workflow is gone", seconds=60)
    assert place.stage.vault_keys(f"secret/metadata/hw/{place.namespace}/export") == ["db"]


def roles(stage: Stage, place: Place) -> list[str]:
    """The auth roles of the workflows of this namespace."""
    keys = stage.cluster.openbao.api("LIST", "auth/kubernetes/role")["data"]["keys"]
    return [one for one in keys if f".{place.namespace}." in one]
