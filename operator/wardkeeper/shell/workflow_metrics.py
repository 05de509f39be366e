# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""How many workflows there are and what their conditions say, for Prometheus.

Counted when the page is made, from what is observed anyway, so that there is one number for each
condition, status and reason, and none for each workflow. A status is read once for each version of
its workflow.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import orjson
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from wardkeeper.api.reasons import ConditionType, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import CollectorRegistry, Metric

    from wardkeeper.engine.seen import Key
    from wardkeeper.engine.world import World

OTHER = "Other"
"""Stands for a condition or reason that this version of the operator does not know."""

_STATUSES = frozenset(("True", "False", "Unknown"))
_TYPES = frozenset(ConditionType)
_REASONS = frozenset(Reason)


class Said(NamedTuple):
    """What one condition says; each of the three comes from a short list."""

    type: str
    status: str
    reason: str


class WorkflowMetrics(Collector):
    """The numbers of one process.

    Args:
        registry: where they are shown.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._world: World | None = None
        self._read: dict[Key, tuple[int, tuple[Said, ...]]] = {}
        registry.register(self)

    def follow(self, world: World) -> None:
        """Count what this world has observed whenever the page is made."""
        self._world = world

    def describe(self) -> Iterator[Metric]:
        """The names alone, so that registering makes no page."""
        yield GaugeMetricFamily("wardkeeper_workflows", "")

    def collect(self) -> Iterator[Metric]:
        """What is computed when the page is made."""
        said = self._look()
        yield GaugeMetricFamily("wardkeeper_workflows", "Workflows there are.", value=len(said))
        family = GaugeMetricFamily(
            "wardkeeper_workflow_conditions",
            "Workflows by what each of their conditions says.",
            labels=Said._fields,
        )
        for one, many in Counter(one for each in said for one in each).items():
            family.add_metric(one, many)
        yield family

    def _look(self) -> list[tuple[Said, ...]]:
        """The conditions of every workflow; what is gone is forgotten."""
        if self._world is None:
            return []
        found: dict[Key, tuple[int, tuple[Said, ...]]] = {}
        for key in self._world.workflows():
            seen = self._world.workflow(key)
            if seen is None:
                continue
            known = self._read.get(key)
            fresh = known is not None and known[0] == seen.version
            found[key] = known if known and fresh else (seen.version, _conditions(seen.status))
        self._read = found
        return [conditions for _, conditions in found.values()]


def _conditions(status: bytes) -> tuple[Said, ...]:
    return tuple(
        Said(
            one["type"] if one["type"] in _TYPES else OTHER,
            one["status"] if one["status"] in _STATUSES else OTHER,
            one["reason"] if one["reason"] in _REASONS else OTHER,
        )
        for one in orjson.loads(status or b"{}").get("conditions", ())
    )
