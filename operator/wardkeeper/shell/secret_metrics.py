# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers about secrets, their rotation and Vault, for Prometheus. Never a value.

The only series that exist once per secret are its age, the time it is due and its deadline; they
can be switched off and are forgotten with their workflow. They are made when the page is made, from
a small record per secret, so that age needs no timer. All other labels come from fixed lists.
"""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from wardkeeper.api.credential import CredentialPhase, Engine
from wardkeeper.vault.errors import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from prometheus_client import CollectorRegistry, Metric

ROTATED = "rotated"
FAILED = "failed"
ROLLED_BACK = "rolled_back"
ADOPTED = "adopted"
OUTCOMES = (ROTATED, FAILED, ROLLED_BACK, ADOPTED)
"""How a rotation may end: accepted, not made or not proven, taken back after delivery, or found
delivered and taken over."""

OTHER = "other"
"""Stands for every label that is not one of a short list."""

MOST_OPERATIONS = 64
"""Distinct kinds of requests to Vault that are told apart, as well as outcomes of them."""

_ROTATION = (1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
_REQUEST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)
_KIND = re.compile(r"[A-Za-z][A-Za-z_]{0,39}")
_AWAY = frozenset({Kind.UNREACHABLE, Kind.SEALED, Kind.UNINITIALISED, Kind.NOT_VAULT})
_ENGINES = tuple(one.value for one in Engine if one is not Engine.TOKEN)
_LABELS = ("namespace", "workflow", "secret", "engine")
_Kept = TypeVar("_Kept")


class Standing(Protocol):
    """What is counted of one secret; an outcome of a pass has it all."""

    @property
    def name(self) -> str:
        """Name of the secret in the workflow."""

    @property
    def engine(self) -> Engine:
        """What makes it."""

    @property
    def rotated_at(self) -> datetime | None:
        """When the delivered version was made; None when none is delivered."""

    @property
    def due_at(self) -> datetime | None:
        """When it is replaced; None when that is not known."""

    @property
    def deadline(self) -> datetime | None:
        """When it counts as overdue; None when it never does."""

    @property
    def overdue(self) -> bool:
        """Whether it is past its deadline."""


class _Mark(NamedTuple):
    """One secret, as small as it can be kept; times in Unix seconds."""

    secret: str
    engine: str
    rotated: float | None
    due: float | None
    deadline: float | None


class SecretMetrics(Collector):
    """The numbers of one process; `seen` is for passes.

    Args:
        registry: where they are shown.
        per_secret: whether there are series for each secret.
        now: Unix seconds, on Vault's clock as well as it is known.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        per_secret: bool = True,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._now = now
        self._per_secret = per_secret
        self._marks: dict[tuple[str, str], tuple[_Mark, ...]] = {}
        self._overdue: dict[tuple[str, str], int] = {}
        self._up: bool | None = None
        self._entries: Callable[[], Mapping[CredentialPhase, int]] | None = None
        self._operations: set[str] = set()
        self._results: set[str] = set()
        self._rotations = Counter(
            "wardkeeper_rotation_total",
            "Rotations by how they ended.",
            ["engine", "outcome"],
            registry=registry,
        )
        self._rotation_time = Histogram(
            "wardkeeper_rotation_seconds",
            "From the intent of a new credential until it was accepted.",
            ["engine"],
            buckets=_ROTATION,
            registry=registry,
        )
        self._requests = Histogram(
            "wardkeeper_vault_request_seconds",
            "Requests to Vault, by what they do and how they ended.",
            ["operation", "outcome"],
            buckets=_REQUEST,
            registry=registry,
        )
        self._restarts = Counter(
            "wardkeeper_restarts_total",
            "Workloads that were restarted because their secrets changed.",
            registry=registry,
        )
        for engine in _ENGINES:
            for outcome in OUTCOMES:
                self._rotations.labels(engine=engine, outcome=outcome)
        registry.register(self)

    def seen(self, key: tuple[str, str], secrets: Iterable[Standing]) -> None:
        """A pass found the secrets of a workflow so.

        Args:
            key: namespace and name of the workflow.
            secrets: all that it declares; none when it is gone, and its series with it.
        """
        found = tuple(secrets)
        _keep(self._overdue, key, sum(one.overdue for one in found))
        if self._per_secret:
            _keep(self._marks, key, tuple(map(_mark, found)))

    def rotated(self, engine: Engine, outcome: str, seconds: float | None = None) -> None:
        """A rotation ended.

        Args:
            engine: what made the credential.
            outcome: one of `OUTCOMES`; anything else counts as `other`.
            seconds: from intent to acceptance; None when it was not accepted.
        """
        known = outcome if outcome in OUTCOMES else OTHER
        self._rotations.labels(engine=engine.value, outcome=known).inc()
        if seconds is not None:
            self._rotation_time.labels(engine=engine.value).observe(max(0.0, seconds))

    def vault_request(self, operation: str, outcome: str, seconds: float) -> None:
        """A request to Vault was answered, or was not; says whether Vault is up as well.

        Nothing is shown of that before it was ever asked.

        Args:
            operation: what kind it was, one word such as `kv_write`; names of objects have no
                place in it, and what looks like one counts as `other`.
            outcome: `ok`, or the kind of the error.
            seconds: until the answer.
        """
        self._requests.labels(
            operation=_bounded(operation, self._operations),
            outcome=_bounded(outcome, self._results),
        ).observe(seconds)
        self._up = outcome not in _AWAY

    def restarted(self) -> None:
        """A workload is restarted because its secrets changed."""
        self._restarts.inc()

    def follow_ledger(self, entries: Callable[[], Mapping[CredentialPhase, int]]) -> None:
        """Read the number of entries of the ledger by phase whenever the page is made."""
        self._entries = entries

    def describe(self) -> Iterator[Metric]:
        """The names alone, so that registering makes no page."""
        yield GaugeMetricFamily("wardkeeper_rotation_overdue", "")

    def collect(self) -> Iterator[Metric]:
        """What is computed when the page is made."""
        yield GaugeMetricFamily(
            "wardkeeper_rotation_overdue",
            "Secrets past their deadline.",
            value=sum(self._overdue.values()),
        )
        if self._up is not None:
            yield GaugeMetricFamily(
                "wardkeeper_vault_up", "1 if Vault served when it was last asked.", value=self._up
            )
        if self._entries is not None:
            yield self._ledger(self._entries())
        if self._per_secret:
            yield from self._secrets()

    def _ledger(self, entries: Mapping[CredentialPhase, int]) -> Metric:
        family = GaugeMetricFamily(
            "wardkeeper_ledger_entries", "Credentials in the ledger.", labels=("phase",)
        )
        for phase in CredentialPhase:
            family.add_metric((phase.value,), entries.get(phase, 0))
        return family

    def _secrets(self) -> Iterator[Metric]:
        age = GaugeMetricFamily(
            "wardkeeper_secret_age_seconds", "Age of what is delivered.", labels=_LABELS
        )
        due = GaugeMetricFamily(
            "wardkeeper_secret_due_timestamp_seconds",
            "When a secret is replaced next, in Unix time.",
            labels=_LABELS,
        )
        end = GaugeMetricFamily(
            "wardkeeper_secret_deadline_timestamp_seconds",
            "When what is delivered counts as overdue, in Unix time.",
            labels=_LABELS,
        )
        now = self._now()
        for (namespace, workflow), marks in self._marks.items():
            for secret, engine, rotated, due_at, deadline in marks:
                labels = (namespace, workflow, secret, engine)
                if rotated is not None:
                    age.add_metric(labels, max(0.0, now - rotated))
                if due_at is not None:
                    due.add_metric(labels, due_at)
                if deadline is not None:
                    end.add_metric(labels, deadline)
        yield age
        yield due
        yield end


def _keep(kept: dict[tuple[str, str], _Kept], key: tuple[str, str], what: _Kept) -> None:
    """Keep it if there is anything to it."""
    if what:
        kept[key] = what
    else:
        kept.pop(key, None)


def _mark(one: Standing) -> _Mark:
    return _Mark(
        sys.intern(one.name),
        one.engine.value,
        one.rotated_at.timestamp() if one.rotated_at else None,
        one.due_at.timestamp() if one.due_at else None,
        one.deadline.timestamp() if one.deadline else None,
    )


def _bounded(label: str, known: set[str]) -> str:
    """The label itself while it is one word of a short list."""
    if label in known:
        return label
    if len(known) >= MOST_OPERATIONS or not _KIND.fullmatch(label):
        return OTHER
    known.add(label)
    return label
