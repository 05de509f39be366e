# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Secrets that are made, delivered and replaced by the running operator: once for each reason."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.cluster.waiting import until
from tests.component.workflows import cron_job, secret, small
from tests.e2e.stories import fresh_place
from tests.e2e.strangers import refusing
from wardkeeper.api.workflow import KIND
from wardkeeper.vault.names import transit_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.stage import Stage
    from tests.e2e.stories import Place, Write

NAME, HASTY = "router", "hasty"
PROBE = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "probe"}}


@pytest.fixture(scope="module")
def home(stage: Stage) -> Iterator[Place]:
    """A Deployment with two secrets, one of which restarts it, and a CronJob with a hasty one."""
    stage.settle()
    with fresh_place(stage) as place:
        place.create(cron_job(HASTY, secrets=[secret("db", every="60s")]))
        restarts, reloads = secret("db"), secret("cache", on_change="Reload")
        place.create(small(NAME, secrets=[restarts, reloads]))
        place.until_ready(HASTY)
        place.until_ready(NAME)
        yield place


@pytest.fixture
def settled(stage: Stage, home: Place) -> Place:
    """The same, with everything running and nothing left to do."""
    stage.settle()
    home.until_ready(NAME)
    return home


def test_a_rotation_that_is_asked_for_happens_once_and_restarts_the_pods_once(
    stage: Stage, settled: Place
) -> None:
    before, version = settled.values(f"{NAME}-db"), settled.kv_version(NAME, "db")
    sets, mark = replica_sets(settled), stage.mark()
    settled.annotate(NAME, rotate_now="db@monday")
    until_handled(settled, "db@monday")
    settled.until_ready(NAME)
    settled.reconciled(NAME)
    assert settled.values(f"{NAME}-db") != before
    assert settled.kv_version(NAME, "db") == version + 1
    assert replica_sets(settled) == sets + 1
    assert written(settled.writes(mark)) == [("deployments", NAME), ("secrets", f"{NAME}-db")]
    settled.until_event(NAME, "Rotated", f"secret db is now version {version + 1}")


def test_a_secret_that_is_reloaded_restarts_no_pod(stage: Stage, settled: Place) -> None:
    before, version = settled.values(f"{NAME}-cache"), settled.kv_version(NAME, "cache")
    sets, mark = replica_sets(settled), stage.mark()
    settled.annotate(NAME, rotate_now="cache@monday")
    until_handled(settled, "cache@monday")
    settled.reconciled(NAME)
    assert settled.values(f"{NAME}-cache") != before
    assert settled.kv_version(NAME, "cache") == version + 1
    assert replica_sets(settled) == sets
    assert written(settled.writes(mark)) == [("secrets", f"{NAME}-cache")]


def test_a_request_that_was_answered_is_not_answered_again_after_a_restart(
    stage: Stage, settled: Place
) -> None:
    settled.annotate(NAME, rotate_now="db@once")
    until_handled(settled, "db@once")
    version = settled.kv_version(NAME, "db")
    stage.operator.kill()
    stage.operator.start()
    settled.reconciled(NAME)
    assert settled.kv_version(NAME, "db") == version


def test_forged_dates_on_a_secret_are_put_right_and_cause_no_rotation(settled: Place) -> None:
    name, version = f"{NAME}-db", settled.kv_version(NAME, "db")
    key = "wardkeeper.io/rotated-at"
    told = settled.read("Secret", name)["metadata"]["annotations"][key]
    forged = {"metadata": {"annotations": {key: "2020-01-01T00:00:00Z"}}}
    settled.edit("Secret", name, forged)
    until(
        lambda: settled.read("Secret", name)["metadata"]["annotations"][key] == told,
        "the date is as it was",
    )
    settled.reconciled(NAME)
    assert settled.kv_version(NAME, "db") == version


def test_a_secret_that_is_no_longer_declared_goes_from_cluster_and_vault(place: Place) -> None:
    place.create(cron_job("export", secrets=[secret("db"), secret("old")]))
    place.until_ready("export")
    place.edit(KIND, "export", {"spec": {"secrets": [secret("db")]}})
    until(lambda: place.get("Secret", "export-old") is None, "the Secret is gone")
    keys = f"secret/metadata/hw/{place.namespace}/export"
    assert place.stage.vault_keys(keys) == ["db"]
    place.edit(KIND, "export", {"spec": {"secrets": None}})
    until(
        lambda: "finalizers" not in place.read(KIND, "export")["metadata"],
        "nothing is left in Vault to wait for",
    )
    assert place.get("Secret", "export-db") is None
    assert place.stage.vault_keys(keys) == []
    place.until_ready("export")


def test_a_secret_that_becomes_a_key_in_vault_leaves_neither_secret_nor_kv_entry(
    stage: Stage, place: Place
) -> None:
    key = transit_key(place.namespace, "export", "phi")
    stage.cluster.openbao.api("POST", f"transit/keys/{key}", {})
    place.create(cron_job("export", secrets=[secret("db"), secret("phi")]))
    place.until_ready("export")
    becomes = {**secret("phi", overlap="0s"), "source": {"transit": {"key": "phi"}}}
    place.edit(KIND, "export", {"spec": {"secrets": [secret("db"), becomes]}})
    until(lambda: place.get("Secret", "export-phi") is None, "its Secret is gone")
    kept = f"secret/metadata/hw/{place.namespace}/export"
    until(lambda: stage.vault_keys(kept) == ["db"], "nothing of it is left in KV")
    place.until_ready("export")
    assert [one["engine"] for one in place.status("export")["secrets"]] == [
        "KvGenerated",
        "Transit",
    ]


def test_a_crash_between_vault_and_cluster_makes_no_second_version(
    stage: Stage, place: Place
) -> None:
    with refusing(place, "secrets", PROBE, "'not now'"):
        mark = stage.mark()
        place.create(cron_job("export", secrets=[secret()]))
        until_refused(place, mark)
        assert place.kv_version("export", "db") == 1
        stage.operator.kill()
        mark = stage.mark()
        stage.operator.start()
        until_refused(place, mark)
        assert place.get("CronJob", "export") is None
    place.until_ready("export")
    assert place.kv_version("export", "db") == 1
    assert place.values("export-db") == [held(place, "export", "db")]


def test_a_crash_in_the_middle_of_a_rotation_makes_no_second_version(
    stage: Stage, place: Place
) -> None:
    place.create(cron_job("export", secrets=[secret()]))
    place.until_ready("export")
    before = place.values("export-db")
    with refusing(place, "secrets", PROBE, "'not now'"):
        mark = stage.mark()
        place.annotate("export", rotate_now="db")
        until_refused(place, mark)
        stage.operator.kill()
        mark = stage.mark()
        stage.operator.start()
        until_refused(place, mark)
        assert place.values("export-db") == before
        assert place.kv_version("export", "db") == 2
    until(lambda: place.values("export-db") != before, "the new version is delivered")
    place.until_ready("export")
    assert place.values("export-db") == [held(place, "export", "db")]
    assert place.kv_version("export", "db") == 2


def test_however_often_the_operator_is_killed_each_secret_is_made_once(
    stage: Stage, place: Place
) -> None:
    names = [f"export-{index}" for index in range(8)]
    for name in names:
        place.create(cron_job(name, secrets=[secret()]))
    for made in (1, 3, 6):
        until(
            lambda n=made: len(stage.vault_keys(f"secret/metadata/hw/{place.namespace}")) >= n,  # type: ignore[misc]
            f"{made} are in Vault",
            pause=0.005,
        )
        stage.operator.kill()
        stage.operator.start()
    for name in names:
        place.until_ready(name)
        assert place.kv_version(name, "db") == 1
        assert place.values(f"{name}-db") == [held(place, name, "db")]


def test_a_secret_is_replaced_when_it_is_due_and_not_again(stage: Stage, settled: Place) -> None:
    until(lambda: settled.kv_version(HASTY, "db") > 1, "it was replaced", seconds=70)
    settled.until_ready(HASTY)
    path = f"secret/metadata/hw/{settled.namespace}/{HASTY}/db"
    versions = stage.cluster.openbao.api("GET", path)["data"]["versions"]
    made = sorted(datetime.fromisoformat(one["created_time"]) for one in versions.values())
    assert min(later - sooner for sooner, later in pairwise(made)) >= timedelta(seconds=53)
    [told] = settled.status(HASTY)["secrets"]
    life = datetime.fromisoformat(told["dueAt"]) - datetime.fromisoformat(told["rotatedAt"])
    assert timedelta(seconds=53) <= life <= timedelta(seconds=60)
    until(
        lambda: settled.values(f"{HASTY}-db") == [held(settled, HASTY, "db")],
        "what OpenBao holds is delivered",
    )


def held(place: Place, workflow: str, name: str) -> str:
    """The password that OpenBao holds."""
    path = f"secret/data/hw/{place.namespace}/{workflow}/{name}"
    return str(place.stage.cluster.openbao.api("GET", path)["data"]["data"]["password"])


def replica_sets(place: Place) -> int:
    """How often the pods of the Deployment have been made anew."""
    return len(place.items("ReplicaSet", f"wardkeeper.io/workflow={NAME}"))


def until_handled(place: Place, request: str) -> None:
    """Wait until a request for a rotation was answered."""
    until(
        lambda: place.status(NAME).get("lastHandledRotateNow") == request, f"{request} is answered"
    )


def until_refused(place: Place, mark: int) -> None:
    """Wait until the operator has made a version and could not deliver it."""

    def refused() -> list[Write]:
        return [one for one in place.writes(mark) if (one.resource, one.code) == ("secrets", 422)]

    until(refused, "delivery was refused")


def written(writes: list[Write]) -> list[tuple[str, str]]:
    """What was written besides status and tokens."""
    own = ("healthcareworkflows/status", "serviceaccounts/token")
    return sorted((one.resource, one.name) for one in writes if one.resource not in own)
