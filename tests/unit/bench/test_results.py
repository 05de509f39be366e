# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A number that misses its target is said to miss it."""

from __future__ import annotations

import pytest

from tests.bench.__main__ import table
from tests.bench.results import Check, Row
from tests.bench.suite import in_short


@pytest.mark.parametrize(
    ("bound", "limit", "met"),
    [
        ("<=", 5, True),
        ("<=", 4.9, False),
        ("<", 5, False),
        (">=", 5, True),
        (">=", 5.1, False),
        ("==", 5, True),
        ("==", 6, False),
        ("", 0, None),
    ],
)
def test_a_check_is_met_within_its_bound(bound: str, limit: float, met: bool | None) -> None:
    assert Check("p50", 5, "ms", bound, limit).met is met


def test_the_number_is_compared_as_it_was_measured_not_as_it_is_shown() -> None:
    check = Check("share", 0.84999, "", ">=", 0.85)
    assert (check.measured, check.met) == ("share 0.85", False)


@pytest.mark.parametrize(
    ("checks", "verdict"),
    [
        ((Check("a", 1, "", "==", 1), Check("b", 1)), "met"),
        ((Check("a", 1, "", "==", 1), Check("b", 2, "", "==", 1)), "MISSED"),
        ((Check("b", 1),), "-"),
        ((), "-"),
    ],
)
def test_a_row_is_met_when_all_its_checks_are(checks: tuple[Check, ...], verdict: str) -> None:
    assert Row("B1", "converge", checks).verdict == verdict


def test_what_could_not_be_measured_is_never_met() -> None:
    row = Row("B1", "converge", (Check("a", 1, "", "==", 1),), problem="the cluster is gone")
    assert row.verdict == "not measured"
    assert row.document()["measured"] == "the cluster is gone"


def test_a_failure_is_published_without_the_log_behind_it() -> None:
    assert in_short("ProcessDiedError: ended with code 1\nTraceback: /home/me/x.py") == (
        "ProcessDiedError: ended with code 1"
    )
    assert len(in_short("x" * 1000)) < 200


def test_a_miss_stands_in_the_table_with_what_was_wanted() -> None:
    lines = table([Row("B4", "idle", (Check("writes", 2, "", "==", 0),))])
    assert "MISSED" in lines[0]
    assert "writes 2" in lines[0]
    assert lines[1].endswith("wanted: writes exactly 0")
