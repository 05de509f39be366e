# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What a NetworkPolicy opens, and how it is told."""

from __future__ import annotations

from typing import Any

import pytest

from wardkeeper.policy.opening import Opener, describe_openers, read_opening

FROM: dict[str, Any] = {"ingress": [{"from": [{"podSelector": {}}]}]}
TO: dict[str, Any] = {"egress": [{}]}
MESSAGE = 1024
"""Characters that a condition's message may have."""


@pytest.mark.parametrize(
    ("spec", "opened"),
    [
        ({}, None),
        ({"ingress": [], "egress": []}, None),
        ({"ingress": None, "egress": None}, None),
        ({"policyTypes": ["Ingress", "Egress"]}, None),
        (FROM, (True, False)),
        ({"ingress": [{}]}, (True, False)),
        (TO, (False, True)),
        ({**FROM, **TO}, (True, True)),
        ({**FROM, "egress": []}, (True, False)),
        ({"policyTypes": [], **FROM, **TO}, (True, True)),
        ({"policyTypes": None, **TO}, (False, True)),
        ({"policyTypes": ["Ingress"], **FROM, **TO}, (True, False)),
        ({"policyTypes": ["Egress"], **FROM, **TO}, (False, True)),
        ({"policyTypes": ["Egress"], **FROM}, None),
        ({"policyTypes": ["Ingress"], **TO}, None),
        ({"policyTypes": ["Ingress", "Egress"], **FROM}, (True, False)),
    ],
)
def test_a_policy_opens_the_directions_that_it_is_about_and_has_a_rule_for(
    spec: dict[str, Any], opened: tuple[bool, bool] | None
) -> None:
    found = read_opening({"podSelector": {}, **spec})
    assert (found and (found.ingress, found.egress)) == opened


def test_who_opens_is_named_with_the_directions_and_what_to_do() -> None:
    told = describe_openers([Opener("allow-all", ingress=True, egress=True)])
    assert told.startswith("opened by NetworkPolicy of others: allow-all (ingress, egress); ")
    assert "{key: wardkeeper.io/workflow, operator: DoesNotExist}" in told
    assert "spec.network.ingress" in told
    assert "spec.endpoints" in told


def test_several_are_named_and_the_rest_is_counted() -> None:
    openers = [Opener(f"p{number}", ingress=False, egress=True) for number in range(7)]
    told = describe_openers(openers)
    assert "NetworkPolicies of others: p0 (egress), p1 (egress)" in told
    assert "p4 (egress) and 2 more; " in told
    assert "p5" not in told


@pytest.mark.parametrize("many", [1, 2, 3, 400])
def test_the_longest_names_leave_room_for_what_to_do(many: int) -> None:
    names = [f"{number:03}{'x' * 250}" for number in range(many)]
    openers = [Opener(name, ingress=True, egress=True) for name in names]
    told = describe_openers(openers)
    assert len(told) <= MESSAGE
    assert openers[0].name in told
    assert told.endswith("spec.network.ingress or spec.endpoints")
