# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a label selector of Kubernetes selects the pods of a workflow. Pure.

Kubernetes adds labels to pods that nobody knows beforehand. Where the answer depends on one of them
it is yes: who asks wants to hear of too much, and never of too little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class PodLabels(NamedTuple):
    """The labels of some pods.

    Attributes:
        written: those whose value is known.
        added: those that Kubernetes adds to each of the pods: what their value begins with.
        perhaps: those that a pod may have or not, with any value.
    """

    written: Mapping[str, str]
    added: Mapping[str, str]
    perhaps: frozenset[str]


class Requirement(NamedTuple):
    """What a selector asks of one label; `operator` as `matchExpressions` writes it."""

    key: str
    operator: str
    values: tuple[str, ...]


class Selector(NamedTuple):
    """A label selector; one without requirements selects everything."""

    requirements: tuple[Requirement, ...]

    def may_select(self, labels: PodLabels) -> bool:
        """Whether pods with these labels are selected, or cannot be told not to be."""
        return all(_may_hold(one, labels) for one in self.requirements)

    def values_of(self, key: str) -> frozenset[str] | None:
        """The values that a label must have one of; None when nothing like that is asked."""
        asked = [set(one.values) for one in self.requirements if one[:2] == (key, "In")]
        return frozenset(set.intersection(*asked)) if asked else None


def read_selector(raw: Mapping[str, Any] | None) -> Selector:
    """A selector as the API server serves it; `{}` and nothing at all select everything."""
    return Selector(tuple(_requirements(raw or {})))


def _requirements(raw: Mapping[str, Any]) -> Iterator[Requirement]:
    for key, value in (raw.get("matchLabels") or {}).items():
        yield Requirement(key, "In", (value,))
    for one in raw.get("matchExpressions") or ():
        yield Requirement(one["key"], one["operator"], tuple(one.get("values") or ()))


def _may_hold(asked: Requirement, labels: PodLabels) -> bool:
    if asked.key in labels.perhaps:
        return True
    begins = labels.added.get(asked.key)
    value = labels.written.get(asked.key)
    match asked.operator:
        case "Exists":
            return begins is not None or value is not None
        case "DoesNotExist":
            return begins is None and value is None
        case "In" if begins is not None:
            return any(one.startswith(begins) for one in asked.values)
        case "In":
            return value in asked.values
        case "NotIn":
            return value not in asked.values
    return True
