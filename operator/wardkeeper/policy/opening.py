# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What a NetworkPolicy opens, and the words for those that others have opened a workflow by. Pure.

NetworkPolicies add up: a pod is closed in a direction when any policy selects it for that, and then
each rule of each of them lets something through. So one with a rule opens what the others close,
whoever wrote it. What it lets through is not compared with what a workflow declares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from wardkeeper.policy.selector import Selector, read_selector

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MOST_NAMED = 5
_MOST_CHARACTERS = 520
REMEDY = (
    "let them leave these pods out with podSelector.matchExpressions: "
    "[{key: wardkeeper.io/workflow, operator: DoesNotExist}], and declare the peers that are meant "
    "in spec.network.ingress or spec.endpoints"
)


class Opening(NamedTuple):
    """Which pods a policy opens, and in which directions; at least one of them."""

    selector: Selector
    ingress: bool
    egress: bool


class Opener(NamedTuple):
    """A policy that opens a workflow, by its name."""

    name: str
    ingress: bool
    egress: bool

    def __str__(self) -> str:
        """Its name, and the directions in the words of its spec."""
        ways = [way for way, opened in zip(("ingress", "egress"), self[1:], strict=True) if opened]
        return f"{self.name} ({', '.join(ways)})"


def read_opening(spec: Mapping[str, Any]) -> Opening | None:
    """What the policy of this spec opens; None when that is nothing.

    Without `policyTypes` a policy is about what comes in, and about what goes out when it has rules
    for that (defaulting of `networking.k8s.io/v1`). Rules of a direction that it is not about mean
    nothing; one that it is about without a rule is closed by it.
    """
    ingress, egress = spec.get("ingress"), spec.get("egress")
    types = spec.get("policyTypes") or ("Ingress", *(("Egress",) if egress else ()))
    opens_in = bool(ingress) and "Ingress" in types
    opens_out = bool(egress) and "Egress" in types
    if not (opens_in or opens_out):
        return None
    return Opening(read_selector(spec.get("podSelector")), opens_in, opens_out)


def describe_openers(openers: Sequence[Opener]) -> str:
    """What opens a workflow and what to do; names as many as there is room for in a message."""
    named: list[str] = []
    for one in openers[:_MOST_NAMED]:
        if named and sum(map(len, named)) + len(str(one)) > _MOST_CHARACTERS:
            break
        named.append(str(one))
    more = f" and {len(openers) - len(named)} more" if len(openers) > len(named) else ""
    policies = "NetworkPolicy" if len(openers) == 1 else "NetworkPolicies"
    return f"opened by {policies} of others: {', '.join(named)}{more}; {REMEDY}"
