# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The metrics page shows what happened under the names that stock dashboards ask for."""

from __future__ import annotations

import re

import pytest

from wardkeeper.kube.client import Call
from wardkeeper.shell.metrics import Metrics

NAMES = [
    "controller_runtime_reconcile_total",
    "controller_runtime_reconcile_errors_total",
    "controller_runtime_terminal_reconcile_errors_total",
    "controller_runtime_reconcile_time_seconds_bucket",
    "controller_runtime_max_concurrent_reconciles",
    "controller_runtime_active_workers",
    "workqueue_depth",
    "workqueue_adds_total",
    "workqueue_queue_duration_seconds_bucket",
    "workqueue_work_duration_seconds_bucket",
    "workqueue_unfinished_work_seconds",
    "workqueue_longest_running_processor_seconds",
    "workqueue_retries_total",
    "leader_election_master_status",
    "wardkeeper_ready_seconds_bucket",
    "wardkeeper_build_info",
    "process_resident_memory_bytes",
]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def metrics(clock: Clock) -> Metrics:
    made = Metrics(host="10.0.0.1:443", workers=8, clock=clock)
    made.follow(leading=lambda: True, longest_running=lambda: 3.0)
    return made


def value(metrics: Metrics, metric: str, /, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(metric, labels)


QUEUE = {"name": "healthcareworkflow", "controller": "healthcareworkflow"}
PASSES = {"controller": "healthcareworkflow"}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_there_before_anything_happened(metrics: Metrics, name: str) -> None:
    assert re.search(rf"^{name}[{{ ]", metrics.page().decode(), re.MULTILINE)


def test_two_processes_in_one_share_no_numbers(metrics: Metrics) -> None:
    other = Metrics(host="x", workers=1)
    metrics.repaired("Role")
    assert value(other, "wardkeeper_drift_repaired_total", kind="Role") is None


def test_an_untouched_queue_is_empty(metrics: Metrics) -> None:
    assert value(metrics, "workqueue_depth", **QUEUE) == 0


def test_the_queue_is_counted_as_it_moves(metrics: Metrics, clock: Clock) -> None:
    metrics.added(1)
    metrics.added(2)
    metrics.started(1, 0.5)
    clock.now += 4
    assert value(metrics, "workqueue_depth", **QUEUE) == 1
    assert value(metrics, "workqueue_adds_total", **QUEUE) == 2
    assert value(metrics, "workqueue_queue_duration_seconds_sum", **QUEUE) == 0.5
    assert value(metrics, "workqueue_unfinished_work_seconds", **QUEUE) == 4
    assert value(metrics, "controller_runtime_active_workers", **PASSES) == 1
    metrics.started(0, 1.5)
    clock.now += 1
    assert value(metrics, "workqueue_unfinished_work_seconds", **QUEUE) == 6
    metrics.finished(5)
    assert value(metrics, "workqueue_unfinished_work_seconds", **QUEUE) == 1
    metrics.finished(1)
    assert value(metrics, "workqueue_unfinished_work_seconds", **QUEUE) == 0
    assert value(metrics, "controller_runtime_active_workers", **PASSES) == 0
    assert value(metrics, "workqueue_work_duration_seconds_sum", **QUEUE) == 6
    metrics.retried()
    assert value(metrics, "workqueue_retries_total", **QUEUE) == 1


@pytest.mark.parametrize(
    ("result", "label", "errors", "terminal"),
    [
        ("success", "success", 0, 0),
        ("requeue_after", "requeue_after", 0, 0),
        ("requeue", "requeue", 0, 0),
        ("error", "error", 1, 0),
        ("terminal", "error", 1, 1),
    ],
)
def test_a_pass_is_counted_by_how_it_ended(
    metrics: Metrics, result: str, label: str, errors: int, terminal: int
) -> None:
    metrics.passed(result, 0.2)
    total = "controller_runtime_reconcile_total"
    assert value(metrics, total, result=label, **PASSES) == 1
    assert value(metrics, "controller_runtime_reconcile_errors_total", **PASSES) == errors
    assert (
        value(metrics, "controller_runtime_terminal_reconcile_errors_total", **PASSES) == terminal
    )
    assert value(metrics, "controller_runtime_reconcile_time_seconds_sum", **PASSES) == 0.2


def test_a_request_is_counted_by_code_method_and_host(metrics: Metrics) -> None:
    metrics.called(Call("PATCH", "Role", 200, 0.3, 0.1))
    metrics.called(Call("PATCH", "Role", 0, 0.3, 0.1))
    total = "rest_client_requests_total"
    host = "10.0.0.1:443"
    assert value(metrics, total, code="200", method="PATCH", host=host) == 1
    assert value(metrics, total, code="<error>", method="PATCH", host=host) == 1
    spent = "rest_client_request_duration_seconds_sum"
    assert value(metrics, spent, verb="PATCH", host=host) == pytest.approx(0.6)
    waited = "rest_client_rate_limiter_duration_seconds_sum"
    assert value(metrics, waited, verb="PATCH", host=host) == pytest.approx(0.2)


def test_an_accepted_watch_is_no_slow_request(metrics: Metrics) -> None:
    metrics.called(Call("WATCH", "Role", 200, 0, 0))
    host = "10.0.0.1:443"
    assert value(metrics, "rest_client_requests_total", code="200", method="WATCH", host=host) == 1
    assert (
        value(metrics, "rest_client_request_duration_seconds_count", verb="WATCH", host=host)
        is None
    )


def test_repairs_readiness_and_leadership_are_shown(metrics: Metrics) -> None:
    metrics.repaired("NetworkPolicy")
    metrics.ready(2.0)
    assert value(metrics, "wardkeeper_drift_repaired_total", kind="NetworkPolicy") == 1
    assert value(metrics, "wardkeeper_ready_seconds_sum") == 2
    assert value(metrics, "leader_election_master_status", name="wardkeeper") == 1
    assert value(metrics, "workqueue_longest_running_processor_seconds", **QUEUE) == 3
