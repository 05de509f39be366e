# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What is shown as a quantile has been measured."""

from __future__ import annotations

import pytest

from tests.bench.figures import Spread, quantile, significant


@pytest.mark.parametrize(("share", "wanted"), [(0.01, 1), (0.5, 50), (0.99, 99), (1, 100)])
def test_a_quantile_is_one_of_the_values(share: float, wanted: int) -> None:
    assert quantile(list(range(100, 0, -1)), share) == wanted


def test_the_tail_of_few_values_is_the_worst_of_them() -> None:
    assert quantile([3.0, 1.0, 2.0], 0.99) == 3.0


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 0), ([1.0], 1.1)])
def test_there_is_no_quantile_of_nothing(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="quantile"):
        quantile(values, share)


def test_a_spread_tells_middle_tail_and_extremes() -> None:
    facts = Spread.of([4.0, 1.0, 123456.0]).facts()
    assert facts == {"count": 3, "least": 1.0, "p50": 4.0, "p99": 123500.0, "most": 123500.0}


def test_digits_after_the_significant_ones_are_dropped() -> None:
    assert (significant(0.012345, 3), significant(98765, 2)) == (0.0123, 99000)
