# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Whom a label selector selects, as Kubernetes reads it, and what is said when nobody can know."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardkeeper.policy.selector import PodLabels, read_selector

LABELS = {"app": "router", "tier": "back"}
KNOWN = PodLabels(LABELS, {}, frozenset())
OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
KEYS = st.sampled_from(["app", "tier", "hash", "job", "zone", "other"])
VALUES = st.sampled_from(["router", "back", "export-1", "export", "x"])
CONCRETE = st.dictionaries(KEYS, VALUES)


def asked(key: str, operator: str, *values: str) -> dict[str, Any]:
    one: dict[str, Any] = {"key": key, "operator": operator}
    return {"matchExpressions": [{**one, "values": list(values)} if values else one]}


@st.composite
def selectors(draw: st.DrawFn) -> dict[str, Any]:
    """Selectors as the API server lets them in."""
    made: dict[str, Any] = {}
    if draw(st.booleans()):
        made["matchLabels"] = draw(st.dictionaries(KEYS, VALUES, max_size=2))
    if draw(st.booleans()):
        made["matchExpressions"] = [
            {"key": draw(KEYS), "operator": operator}
            | ({"values": draw(st.lists(VALUES, min_size=1))} if "In" in operator else {})
            for operator in draw(st.lists(st.sampled_from(OPERATORS), max_size=2))
        ]
    return made


def selects(raw: dict[str, Any], labels: dict[str, str]) -> bool:
    """What Kubernetes does, in the words of its documentation."""
    for key, value in raw.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for one in raw.get("matchExpressions", []):
        there, operator = one["key"] in labels, one["operator"]
        if operator == "Exists" and not there:
            return False
        if operator == "DoesNotExist" and there:
            return False
        if operator == "In" and not (there and labels[one["key"]] in one["values"]):
            return False
        if operator == "NotIn" and there and labels[one["key"]] in one["values"]:
            return False
    return True


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ({}, True),
        (None, True),
        ({"matchLabels": None, "matchExpressions": None}, True),
        ({"matchLabels": {"app": "router"}}, True),
        ({"matchLabels": {"app": "router", "tier": "front"}}, False),
        ({"matchLabels": {"app": ""}}, False),
        ({"matchLabels": {"team": "x"}}, False),
        (asked("app", "In", "other", "router"), True),
        (asked("app", "In", "other"), False),
        (asked("team", "In", "x"), False),
        (asked("app", "NotIn", "other"), True),
        (asked("app", "NotIn", "other", "router"), False),
        (asked("team", "NotIn", "x"), True),
        (asked("app", "Exists"), True),
        (asked("team", "Exists"), False),
        (asked("app", "DoesNotExist"), False),
        (asked("team", "DoesNotExist"), True),
        ({"matchLabels": {"app": "router"}, **asked("tier", "DoesNotExist")}, False),
        ({"matchLabels": {"app": "router"}, **asked("team", "DoesNotExist")}, True),
    ],
)
def test_a_selector_selects_as_kubernetes_says(
    selector: dict[str, Any] | None, selected: bool
) -> None:
    assert read_selector(selector).may_select(KNOWN) is selected


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        (asked("hash", "Exists"), True),
        (asked("hash", "DoesNotExist"), False),
        (asked("hash", "In", "5d4f"), True),
        (asked("hash", "NotIn", "5d4f"), True),
        (asked("job", "In", "export-29"), True),
        (asked("job", "In", "import-29"), False),
        (asked("job", "NotIn", "export-29"), True),
        (asked("zone", "Exists"), True),
        (asked("zone", "DoesNotExist"), True),
        (asked("zone", "In", "a"), True),
        (asked("zone", "NotIn", "a"), True),
        ({"matchLabels": {"app": "other"}, **asked("zone", "Exists")}, False),
        (asked("app", "Near", "router"), True),
    ],
)
def test_where_nobody_can_know_a_selector_is_taken_to_select(
    selector: dict[str, Any], selected: bool
) -> None:
    labels = PodLabels(LABELS, {"hash": "", "job": "export-"}, frozenset(["zone"]))
    assert read_selector(selector).may_select(labels) is selected


@given(selectors(), CONCRETE)
def test_with_all_labels_known_the_answer_is_that_of_kubernetes(
    raw: dict[str, Any], labels: dict[str, str]
) -> None:
    known = PodLabels(labels, {}, frozenset())
    assert read_selector(raw).may_select(known) is selects(raw, labels)


@given(selectors(), CONCRETE, st.sets(KEYS), st.sets(KEYS), st.integers(0, 8))
def test_less_known_of_labels_never_hides_a_selector_that_selects(
    raw: dict[str, Any], labels: dict[str, str], added: set[str], perhaps: set[str], cut: int
) -> None:
    known = PodLabels(
        {key: value for key, value in labels.items() if key not in added | perhaps},
        {key: labels[key][:cut] for key in added & set(labels)},
        frozenset(perhaps),
    )
    assert read_selector(raw).may_select(known) or not selects(raw, labels)


@pytest.mark.parametrize(
    ("selector", "values"),
    [
        ({}, None),
        (asked("app", "Exists"), None),
        (asked("app", "NotIn", "x"), None),
        (asked("tier", "In", "x"), None),
        ({"matchLabels": {"app": "a"}}, {"a"}),
        (asked("app", "In", "a", "b"), {"a", "b"}),
        ({"matchLabels": {"app": "a"}, **asked("app", "In", "a", "b")}, {"a"}),
        ({"matchLabels": {"app": "c"}, **asked("app", "In", "a", "b")}, set()),
    ],
)
def test_the_values_that_a_label_must_have_are_told(
    selector: dict[str, Any], values: set[str] | None
) -> None:
    assert read_selector(selector).values_of("app") == values
