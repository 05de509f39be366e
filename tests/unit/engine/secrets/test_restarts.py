# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""When a workload may be restarted because its secrets changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from wardkeeper.api.reasons import Reason
from wardkeeper.engine.rollout import Progress, Rollout
from wardkeeper.engine.secrets.restarts import Restarts
from wardkeeper.rotation.facts import Roll, Rolling

NOW = datetime(2026, 1, 1, tzinfo=UTC)
READY = Rollout(Progress.READY, Reason.AVAILABLE, "2 pods are updated and available")
MOVING = Rollout(Progress.MOVING, Reason.ROLLOUT_IN_PROGRESS, "waits")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def restarts(clock: Clock) -> Restarts:
    return Restarts(clock, collect=30, interval=300, per_minute=60)


def test_changes_are_collected_before_the_first_restart(restarts: Restarts, clock: Clock) -> None:
    assert restarts.wait("u", "a") == 30
    clock.now += 20
    assert restarts.wait("u", "b") == 10  # a further change does not prolong it
    clock.now += 10
    assert restarts.wait("u", "b") == 0


def test_a_workload_is_not_restarted_twice_in_its_interval(
    restarts: Restarts, clock: Clock
) -> None:
    restarts.wait("u", "a")
    clock.now += 30
    restarts.began("u")
    clock.now += 10
    assert restarts.wait("u", "b") == 290
    clock.now += 290
    assert restarts.wait("u", "b") == 0


def test_the_cluster_has_a_budget_of_restarts(clock: Clock) -> None:
    restarts = Restarts(clock, collect=0, interval=0, per_minute=2)
    for uid in ("a", "b"):
        assert restarts.wait(uid, "x") == 0
        restarts.began(uid)
    assert restarts.wait("c", "x") == pytest.approx(30)
    clock.now += 30
    assert restarts.wait("c", "x") == 0


def test_a_change_that_was_taken_back_is_not_collected_on(restarts: Restarts, clock: Clock) -> None:
    restarts.wait("u", "a")
    clock.now += 29
    restarts.settled("u")
    assert restarts.wait("u", "b") == 30


def test_each_restart_is_told(clock: Clock) -> None:
    told: list[int] = []
    restarts = Restarts(
        clock, collect=0, interval=0, per_minute=9, restarted=lambda: told.append(1)
    )
    restarts.began("u")
    assert told == [1]


def test_a_deployment_counts_as_ready_since_it_was_first_seen_so_on_this_content(
    restarts: Restarts,
) -> None:
    def rolling(rollout: Rollout | None, live: str, wanted: str, after: int) -> Rolling:
        now = NOW + timedelta(seconds=after)
        return restarts.rolling("u", rollout, live=live, wanted=wanted, now=now)

    assert rolling(None, "", "a", 0).roll is Roll.NONE
    assert rolling(READY, "a", "b", 1).roll is Roll.DUE
    assert rolling(MOVING, "b", "b", 2).roll is Roll.MOVING
    first = rolling(READY, "b", "b", 3)
    assert first == rolling(READY, "b", "b", 9)
    assert first.since == NOW + timedelta(seconds=3)
    assert rolling(MOVING, "b", "b", 10).roll is Roll.MOVING
    assert rolling(READY, "b", "b", 11).since == NOW + timedelta(seconds=11)
