# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Quantities: the stored form, held against the Kubernetes client's own arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from kubernetes.utils.quantity import parse_quantity

from tests.unit.render.workflows import CPU, MEMORY
from wardkeeper.render import quantity

if TYPE_CHECKING:
    from decimal import Decimal


def _value(text: str) -> Decimal:
    value: Decimal = parse_quantity(text)  # type: ignore[no-untyped-call]
    return value


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("1", "1"),
        ("1000m", "1"),
        ("2000m", "2"),
        ("1500m", "1500m"),
        ("0.5", "500m"),
        ("0.001", "1m"),
        ("1.5", "1500m"),
        ("1.000", "1"),
        ("1.250", "1250m"),
        ("250m", "250m"),
    ],
)
def test_processor_time_is_written_as_the_server_stores_it(written: str, stored: str) -> None:
    assert quantity.cpu(written) == stored


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("128Mi", "128Mi"),
        ("1024Mi", "1Gi"),
        ("1536Mi", "1536Mi"),
        ("1Ki", "1Ki"),
        ("1048576Ki", "1Gi"),
        ("2048Gi", "2Ti"),
        ("1000", "1k"),
        ("1024", "1024"),
        ("1000k", "1M"),
        ("1500M", "1500M"),
        ("1000G", "1T"),
        ("134217728", "134217728"),
    ],
)
def test_memory_is_written_as_the_server_stores_it(written: str, stored: str) -> None:
    assert quantity.memory(written) == stored


@given(CPU)
def test_processor_time_keeps_its_value(written: str) -> None:
    assert _value(quantity.cpu(written)) == _value(written)


@given(MEMORY)
def test_memory_keeps_its_value_and_its_family(written: str) -> None:
    stored = quantity.memory(written)
    assert _value(stored) == _value(written)
    assert stored.endswith("i") == written.endswith("i")


@given(MEMORY)
def test_no_larger_suffix_would_do(written: str) -> None:
    stored = quantity.memory(written)
    number = int(stored.rstrip("kKMGTPEi"))
    assert number % (1024 if stored.endswith("i") else 1000)


@pytest.mark.parametrize("written", ["", "1.5.5", "x", "-1", "1e3", "0x1"])
def test_what_is_no_quantity_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="write"):
        quantity.cpu(written)
    with pytest.raises(ValueError, match="write"):
        quantity.memory(written)
