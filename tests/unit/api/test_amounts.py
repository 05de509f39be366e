# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Amounts and durations are read without rounding, and nothing else is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardkeeper.api.duration import seconds
from wardkeeper.api.quantity import CPU, MEMORY, millicores, octets
from wardkeeper.api.scalars import DURATION

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("text", "thousandths"), [("250m", 250), ("2", 2000), ("0.5", 500), ("1.25", 1250)]
)
def test_processor_time_is_counted_in_thousandths(text: str, thousandths: int) -> None:
    assert millicores(text) == thousandths


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1", 1), ("1k", 1000), ("1Ki", 1024), ("3Mi", 3 * 2**20), ("2G", 2 * 10**9)],
)
def test_memory_is_counted_in_bytes(text: str, amount: int) -> None:
    assert octets(text) == amount


@pytest.mark.parametrize(
    ("text", "amount"), [("90s", 90), ("1h30m", 5400), ("720h", 2592000), ("1h1m1s", 3661)]
)
def test_a_duration_is_counted_in_seconds(text: str, amount: int) -> None:
    assert seconds(text) == amount


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (millicores, "1.5m"),
        (millicores, "100u"),
        (millicores, ""),
        (octets, "1.5Gi"),
        (octets, "1mb"),
        (octets, "100m"),
        (seconds, "30d"),
        (seconds, ""),
        (seconds, "1h 30m"),
        (seconds, "1"),
    ],
)
def test_anything_else_is_refused_with_what_was_found(
    read: Callable[[str], int], text: str
) -> None:
    with pytest.raises(ValueError, match="write") as refusal:
        read(text)
    assert repr(text) in str(refusal.value)


@given(st.from_regex(CPU, fullmatch=True, alphabet=st.characters(codec="ascii")))
def test_every_amount_of_processor_time_that_the_schema_accepts_is_above_0(text: str) -> None:
    assert millicores(text) > 0


@given(st.from_regex(MEMORY, fullmatch=True, alphabet=st.characters(codec="ascii")))
def test_every_amount_of_memory_that_the_schema_accepts_fits_the_server(text: str) -> None:
    assert 0 < octets(text) < 2**63


@given(st.from_regex(DURATION, fullmatch=True, alphabet=st.characters(codec="ascii")))
def test_every_duration_that_the_schema_accepts_can_be_counted(text: str) -> None:
    assert not text or seconds(text) >= 0
