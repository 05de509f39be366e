# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""OpenBao is sealed while workflows run, come and go: what goes on without it, what waits for it.

The story is played once; each test holds one sentence about it against what was seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.waiting import until
from tests.component.workflows import cron_job, secret, small
from tests.e2e.stories import fresh_place, is_ready
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.stage import Obj, Stage
    from tests.e2e.stories import Place

RUNNING, ASKED, LEAVING, NEW = "router", "asked", "leaving", "newcomer"
GUARDS = ("ServiceAccount", "NetworkPolicy", "NetworkPolicy")


@dataclass
class Seen:
    """What was seen before, during and after the outage."""

    place: Place
    before: dict[tuple[str, str], str] = field(default_factory=dict)
    during: dict[tuple[str, str], str] = field(default_factory=dict)
    workflows: dict[str, Obj] = field(default_factory=dict)
    children: dict[str, list[str]] = field(default_factory=dict)
    events: list[Obj] = field(default_factory=list)


@pytest.fixture(scope="module")
def outage(stage: Stage) -> Iterator[Seen]:
    """Played once: seal, change what can be changed, look, unseal, wait until all is well."""
    stage.settle()
    with fresh_place(stage) as place:
        for name in (ASKED, LEAVING):
            place.create(cron_job(name, secrets=[secret()]))
        place.create(small(RUNNING, secrets=[secret()]))
        for name in (RUNNING, ASKED, LEAVING):
            place.until_ready(name)
        seen = Seen(place, before=uids(place))
        stage.cluster.openbao.seal()
        sealed(seen)
        stage.cluster.openbao.unseal()
        until(lambda: place.get(KIND, LEAVING) is None, f"{LEAVING} is gone", seconds=60)
        for name in (RUNNING, ASKED, NEW):
            place.until_ready(name)
        until(lambda: place.kv_version(ASKED, "db") == 2, "what was asked for was done")
        yield seen


def sealed(seen: Seen) -> None:
    """What is done and seen while nobody can reach a secret."""
    place = seen.place
    place.delete(KIND, LEAVING)
    place.create(cron_job(NEW, secrets=[secret()]))
    place.annotate(ASKED, rotate_now="db")
    place.edit("NetworkPolicy", f"{RUNNING}-deny", {"spec": {"ingress": [{}]}})
    place.edit("ServiceAccount", ASKED, {"automountServiceAccountToken": True})
    for name in (ASKED, NEW):
        place.until_told(name, "SecretsCurrent", "VaultUnavailable")
    until(
        lambda: "ingress" not in place.read("NetworkPolicy", f"{RUNNING}-deny")["spec"],
        "the policy is closed again",
    )
    until(
        lambda: not place.read("ServiceAccount", ASKED)["automountServiceAccountToken"],
        "the ServiceAccount has no token again",
    )
    until(lambda: place.get("CronJob", LEAVING) is None, "the workload has gone first")
    place.until_event(NEW, "VaultUnavailable")
    seen.during = uids(place)
    for name in (RUNNING, ASKED, NEW, LEAVING):
        seen.workflows[name] = place.read(KIND, name)
        seen.children[name] = sorted(kind for kind, _ in place.children(name))
    seen.events = place.items("Event")


def test_nothing_that_stays_is_deleted(outage: Seen) -> None:
    kept = {key: uid for key, uid in outage.before.items() if not key[1].startswith(LEAVING)}
    assert kept.items() <= outage.during.items()
    assert kept.items() <= uids(outage.place).items()


def test_what_needs_nothing_of_vault_stays_ready(outage: Seen) -> None:
    assert is_ready(outage.workflows[RUNNING])


def test_what_waits_for_vault_says_so_and_goes_on_by_itself(outage: Seen) -> None:
    ready = condition(outage.workflows[ASKED], "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "VaultUnavailable")
    assert "what is delivered stays in use" in ready["message"]
    assert condition(outage.workflows[ASKED], "Reconciling")["status"] == "True"
    assert condition(outage.workflows[ASKED], "NetworkClosed")["status"] == "True"
    assert condition(outage.workflows[ASKED], "Stalled") == {}
    assert is_ready(outage.place.read(KIND, ASKED))


def test_what_was_asked_for_during_the_outage_is_done_once_after_it(outage: Seen) -> None:
    outage.place.reconciled(ASKED)
    assert outage.place.kv_version(ASKED, "db") == 2
    assert outage.place.status(ASKED)["lastHandledRotateNow"] == "db"


def test_a_workflow_made_during_the_outage_has_its_guards_and_waits_with_its_workload(
    outage: Seen,
) -> None:
    assert sorted(outage.children[NEW]) == sorted(GUARDS)
    assert condition(outage.workflows[NEW], "WorkloadAvailable")["status"] == "False"
    children = {kind for kind, _ in outage.place.children(NEW)}
    assert children == {*GUARDS, "Secret", "CronJob"}
    assert outage.place.kv_version(NEW, "db") == 1


def test_a_workflow_deleted_during_the_outage_waits_behind_its_guards_until_vault_is_back(
    outage: Seen,
) -> None:
    waiting = outage.workflows[LEAVING]
    assert "deletionTimestamp" in waiting["metadata"]
    assert waiting["metadata"]["finalizers"] == ["wardkeeper.io/cleanup"]
    assert set(GUARDS) <= set(outage.children[LEAVING])
    stage, namespace = outage.place.stage, outage.place.namespace
    roles = stage.vault_keys("auth/kubernetes/role")
    assert [role for role in roles if role.endswith(f".{namespace}.{LEAVING}")] == []
    assert f"{LEAVING}/" not in stage.vault_keys(f"secret/metadata/hw/{namespace}")


def test_the_outage_is_told_in_one_event_for_each_workflow(outage: Seen) -> None:
    told = [one for one in outage.events if one["reason"] == "VaultUnavailable"]
    names = sorted(one["regarding"]["name"] for one in told)
    assert len(names) == len(set(names))
    assert NEW in names


def test_a_vault_that_does_not_even_answer_is_waited_for_as_well(
    stage: Stage, place: Place
) -> None:
    stage.cluster.openbao.stop()
    try:
        place.create(cron_job("export", secrets=[secret()]))
        place.until_told("export", "SecretsCurrent", "VaultUnavailable")
        assert place.get("NetworkPolicy", "export-deny")
        assert place.get("CronJob", "export") is None
    finally:
        stage.cluster.openbao.start()
    place.until_ready("export")


def condition(workflow: Obj, kind: str) -> dict[str, Any]:
    conditions = workflow["status"]["conditions"]
    return next((dict(one) for one in conditions if one["type"] == kind), {})


def uids(place: Place) -> dict[tuple[str, str], str]:
    """The uid of every child of every workflow here."""
    return {
        key: one["metadata"]["uid"]
        for name in (RUNNING, ASKED, LEAVING, NEW)
        for key, one in place.children(name).items()
    }
