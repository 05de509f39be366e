# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers out of many measurements: middle, tail, extremes. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all values does not exceed (nearest rank).

    Nothing is interpolated: what is returned has been measured. With fewer than a hundred values
    the 0.99 quantile is the largest.

    Raises:
        ValueError: there are no values, or the share is not in (0, 1].
    """
    if not values or not 0 < share <= 1:
        raise ValueError(f"no {share} quantile of {len(values)} values")
    return sorted(values)[math.ceil(share * len(values)) - 1]


@dataclass(frozen=True, slots=True)
class Spread:
    """Several measurements of the same thing.

    Attributes:
        count: how many.
        least: the smallest.
        p50: the median (nearest rank).
        p99: what 99 in 100 do not exceed.
        most: the largest.
    """

    count: int
    least: float
    p50: float
    p99: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least one value."""
        return cls(
            len(values),
            min(values),
            quantile(values, 0.5),
            quantile(values, 0.99),
            max(values),
        )

    def facts(self, digits: int = 4) -> dict[str, float]:
        """For the results, rounded to significant digits."""
        return {
            "count": self.count,
            **{
                name: significant(getattr(self, name), digits)
                for name in ("least", "p50", "p99", "most")
            },
        }


def significant(value: float, digits: int) -> float:
    """A number rounded to so many significant digits."""
    return float(f"{value:.{digits}g}")
