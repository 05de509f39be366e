# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers for Prometheus, under the names that dashboards of Go operators know.

The names and labels of controller-runtime, client-go's work queue, REST client and leader
election, and a few of our own. Their number is bounded by kinds, methods and codes; only those of
single secrets, which can be switched off, grow with the workflows.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from wardkeeper import __version__
from wardkeeper.engine.enforcement import Enforced
from wardkeeper.shell.secret_metrics import SecretMetrics
from wardkeeper.shell.workflow_metrics import WorkflowMetrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from wardkeeper.engine.enforcement import Enforcement
    from wardkeeper.kube.client import Call

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
CONTROLLER = "healthcareworkflow"

_PASS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_QUEUE = (1e-4, 1e-3, 1e-2, 0.1, 1, 10, 60, 300, 1000)
_REQUEST = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60)
_ENFORCED = {Enforced.YES: 1.0, Enforced.NO: 0.0}
_READY = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)


class Metrics:
    """All numbers of one process; hand its methods to those who know.

    It is the `Meter` of the queue and the `PassMeter` of the workers; `called` is the client's
    observer, `ready` and `repaired` are for passes.

    Attributes:
        secrets: the numbers about secrets and Vault.
        workflows: how many there are, and what their conditions say.

    Args:
        host: of the API server, as a label.
        workers: how many passes may run at once.
        clock: the monotonic seconds that the queue goes by.
        per_secret: whether there are series for each secret.
    """

    def __init__(
        self,
        *,
        host: str,
        workers: int,
        clock: Callable[[], float] = time.monotonic,
        per_secret: bool = True,
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._host = host
        self._clock = clock
        self._active = 0
        self._starts = 0.0
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._gauge(
            "wardkeeper_build_info", "1, labelled with the version.", version=__version__
        ).set(1)
        self._of_passes(workers)
        self._of_queue()
        self._of_requests()
        self.secrets = SecretMetrics(self.registry, per_secret=per_secret)
        self.workflows = WorkflowMetrics(self.registry)
        self._repaired = Counter(
            "wardkeeper_drift_repaired_total",
            "Children that somebody changed and that were put back.",
            ["kind"],
            registry=self.registry,
        )
        self._ready = Histogram(
            "wardkeeper_ready_seconds",
            "From the first pass over a spec until its workflow was ready.",
            buckets=_READY,
            registry=self.registry,
        )

    def follow_canary(self, answer: Callable[[], Enforcement]) -> None:
        """Tell what the canary found; of a standby, which asks nobody, that it is not known."""
        gauge = Gauge(
            "wardkeeper_network_policies_enforced",
            "1 when the canary found that policies are enforced, 0 when not, NaN when unknown.",
            registry=self.registry,
        )
        gauge.set_function(lambda: _ENFORCED.get(answer().enforced, float("nan")))

    def page(self) -> bytes:
        """Everything, in the text format of Prometheus."""
        return generate_latest(self.registry)

    def follow(self, *, leading: Callable[[], bool], longest_running: Callable[[], float]) -> None:
        """Read these whenever the page is made.

        Args:
            leading: whether this process holds the Lease.
            longest_running: seconds that the oldest running pass has run.
        """
        self._gauge(
            "leader_election_master_status", "1 while this process leads.", name="wardkeeper"
        ).set_function(lambda: float(leading()))
        self._gauge(
            "workqueue_longest_running_processor_seconds",
            "Age of the oldest running pass.",
            **_NAMED,
        ).set_function(longest_running)

    def added(self, depth: int) -> None:
        """A key became due."""
        self._adds.inc()
        self._depth.set(depth)

    def started(self, depth: int, waited: float) -> None:
        """A pass began after its key had waited so many seconds."""
        self._depth.set(depth)
        self._waited.observe(waited)
        self._active += 1
        self._starts += self._clock()

    def finished(self, worked: float) -> None:
        """A pass ended after so many seconds."""
        self._worked.observe(worked)
        self._active -= 1
        self._starts = self._starts - (self._clock() - worked) if self._active else 0.0

    def retried(self) -> None:
        """A key was put off because its pass failed."""
        self._retries.inc()

    def passed(self, result: str, seconds: float) -> None:
        """A pass ended: `success`, `requeue_after`, `requeue`, `error` or `terminal`."""
        failed = result in ("error", "terminal")
        self._passes.labels(controller=CONTROLLER, result="error" if failed else result).inc()
        if failed:
            self._errors.inc()
        if result == "terminal":
            self._terminal.inc()
        self._pass_time.observe(seconds)

    def called(self, call: Call) -> None:
        """A request to the API server was answered or failed."""
        code = str(call.code) if call.code else "<error>"
        self._requests.labels(code=code, method=call.method, host=self._host).inc()
        if call.method != "WATCH":
            self._request_time.labels(verb=call.method, host=self._host).observe(call.seconds)
            self._request_wait.labels(verb=call.method, host=self._host).observe(call.waited)

    def ready(self, seconds: float) -> None:
        """A workflow became ready so many seconds after the first pass over its spec."""
        self._ready.observe(seconds)

    def repaired(self, kind: str) -> None:
        """A child of this kind was put back."""
        self._repaired.labels(kind=kind).inc()

    def _of_passes(self, workers: int) -> None:
        registry = self.registry
        self._passes = Counter(
            "controller_runtime_reconcile_total",
            "Passes by how they ended.",
            ["controller", "result"],
            registry=registry,
        )
        for result in ("success", "requeue_after", "requeue", "error"):
            self._passes.labels(controller=CONTROLLER, result=result)
        self._errors = self._counter("controller_runtime_reconcile_errors_total", "Failed passes.")
        self._terminal = self._counter(
            "controller_runtime_terminal_reconcile_errors_total",
            "Passes over a spec that cannot be carried out.",
        )
        self._pass_time = self._histogram(
            "controller_runtime_reconcile_time_seconds", "Length of passes.", _PASS
        )
        self._gauge(
            "controller_runtime_max_concurrent_reconciles",
            "Passes that may run at once.",
            controller=CONTROLLER,
        ).set(workers)
        self._gauge(
            "controller_runtime_active_workers", "Passes that run.", controller=CONTROLLER
        ).set_function(lambda: self._active)

    def _of_queue(self) -> None:
        self._depth = self._gauge("workqueue_depth", "Keys that are due.", **_NAMED)
        self._adds = self._counter("workqueue_adds_total", "Keys that became due.", **_NAMED)
        self._retries = self._counter("workqueue_retries_total", "Keys put off.", **_NAMED)
        self._waited = self._histogram(
            "workqueue_queue_duration_seconds", "Time in the queue.", _QUEUE, **_NAMED
        )
        self._worked = self._histogram(
            "workqueue_work_duration_seconds", "Time of a pass.", _QUEUE, **_NAMED
        )
        self._gauge(
            "workqueue_unfinished_work_seconds", "Sum of the ages of running passes.", **_NAMED
        ).set_function(lambda: max(0.0, self._active * self._clock() - self._starts))

    def _of_requests(self) -> None:
        registry = self.registry
        self._requests = Counter(
            "rest_client_requests_total",
            "Requests to the API server.",
            ["code", "method", "host"],
            registry=registry,
        )
        self._request_time = Histogram(
            "rest_client_request_duration_seconds",
            "Time until the answer.",
            ["verb", "host"],
            buckets=_REQUEST,
            registry=registry,
        )
        self._request_wait = Histogram(
            "rest_client_rate_limiter_duration_seconds",
            "Time before a request was sent.",
            ["verb", "host"],
            buckets=_REQUEST,
            registry=registry,
        )

    def _counter(self, metric: str, words: str, /, **labels: str) -> Counter:
        labels = labels or {"controller": CONTROLLER}
        return Counter(metric, words, list(labels), registry=self.registry).labels(**labels)

    def _gauge(self, metric: str, words: str, /, **labels: str) -> Gauge:
        return Gauge(metric, words, list(labels), registry=self.registry).labels(**labels)

    def _histogram(
        self, metric: str, words: str, buckets: tuple[float, ...], /, **labels: str
    ) -> Histogram:
        labels = labels or {"controller": CONTROLLER}
        return Histogram(
            metric, words, list(labels), buckets=buckets, registry=self.registry
        ).labels(**labels)


_NAMED = {"name": CONTROLLER, "controller": CONTROLLER}
