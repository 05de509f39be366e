# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What a run has found: rows of checks, each a number held against its target. Pure."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.bench.figures import significant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_HOLDS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    "==": operator.eq,
}
_SHOWN = {"<=": "at most", "<": "under", ">=": "at least", "==": "exactly"}


@dataclass(frozen=True, slots=True)
class Check:
    """One number, and the bound it must keep.

    Attributes:
        name: what was measured, in a few words.
        value: the number; it is compared as it was measured and shown rounded.
        unit: such as `ms`; empty for counts and ratios.
        bound: `<=`, `<`, `>=` or `==`; empty when there is no target.
        limit: the target.
    """

    name: str
    value: float
    unit: str = ""
    bound: str = ""
    limit: float = 0.0

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None when there is none."""
        return _HOLDS[self.bound](self.value, self.limit) if self.bound else None

    @property
    def measured(self) -> str:
        """The number for people."""
        return f"{self.name} {_number(self.value, self.unit)}"

    @property
    def target(self) -> str:
        """The target for people; empty when there is none."""
        if not self.bound:
            return ""
        return f"{self.name} {_SHOWN[self.bound]} {_number(self.limit, self.unit)}"

    def document(self) -> dict[str, Any]:
        """As JSON."""
        told: dict[str, Any] = {
            "name": self.name,
            "value": significant(self.value, 5),
            "unit": self.unit,
        }
        if self.bound:
            told |= {"bound": self.bound, "limit": self.limit, "met": self.met}
        return told


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        id: `B1`.
        what: the question, for people.
        checks: what was measured.
        facts: what else is worth keeping, as JSON.
        problem: why it could not be measured; empty when it was.
    """

    id: str
    what: str
    checks: tuple[Check, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""

    @property
    def verdict(self) -> str:
        """`met`, `MISSED`, `not measured`, or `-` when nothing is asked of it."""
        if self.problem:
            return "not measured"
        verdicts = [check.met for check in self.checks if check.met is not None]
        if not verdicts:
            return "-"
        return "met" if all(verdicts) else "MISSED"

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id,
            "what": self.what,
            "verdict": self.verdict,
            "measured": self.problem or "; ".join(one.measured for one in self.checks),
            "target": "; ".join(one.target for one in self.checks if one.target),
            "checks": [one.document() for one in self.checks],
            "facts": dict(self.facts),
        }


def _number(value: float, unit: str) -> str:
    shown = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
    return f"{shown} {unit}".rstrip()
