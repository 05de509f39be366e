# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Which metrics a PromQL expression asks for, and which the operator exports."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import promql_parser

from wardkeeper.shell.metrics_page import specimen

if TYPE_CHECKING:
    from collections.abc import Iterator

OF_THE_SCRAPE = {"instance", "job", "namespace", "pod"}
"""Labels that Prometheus adds to every sample."""

_INNER = ("lhs", "rhs", "expr", "vector_selector", "param")


class Asked(NamedTuple):
    """One metric that an expression selects, and the labels it selects by."""

    metric: str
    labels: frozenset[str]


def asked(expression: str) -> list[Asked]:
    """What an expression selects.

    Raises:
        ValueError: it is not PromQL, or selects without a name.
    """
    # Grafana puts a duration in place of its variable.
    return list(_selected(promql_parser.parse(expression.replace("$__rate_interval", "5m"))))


def _selected(node: object) -> Iterator[Asked]:
    if isinstance(node, promql_parser.VectorSelector):
        if not node.name:
            raise ValueError("a selector without the name of a metric")
        yield Asked(node.name, frozenset(one.name for one in node.matchers.matchers))
        return
    inner = [getattr(node, name) for name in _INNER if hasattr(node, name)]
    for each in (*inner, *getattr(node, "args", ())):
        yield from _selected(each)


def exported() -> dict[str, set[str]]:
    """Every name that a sample of the metrics page can have, with its labels."""
    found: dict[str, set[str]] = {}
    ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    for family in specimen().registry.collect():
        labels = {label for sample in family.samples for label in sample.labels}
        for end in ends.get(family.type, ("",)):
            found[f"{family.name}{end}"] = labels
    return found
