# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What looks of the canary add up to."""

from __future__ import annotations

import pytest

from wardkeeper.engine.enforcement import Enforced, EnforcementJudge, Look

GOOD = Look()
OPEN = Look(leaks=("a port was reached",))
MISSED = Look(missing="the canary does not answer")


@pytest.mark.parametrize(
    ("looks", "answer"),
    [
        ([], Enforced.PENDING),
        ([GOOD], Enforced.YES),
        ([OPEN], Enforced.PENDING),
        ([OPEN, OPEN], Enforced.NO),
        ([GOOD, OPEN], Enforced.YES),
        ([GOOD, OPEN, GOOD, OPEN], Enforced.YES),
        ([GOOD, OPEN, OPEN], Enforced.NO),
        ([OPEN, OPEN, GOOD], Enforced.YES),
        ([MISSED, MISSED], Enforced.PENDING),
        ([MISSED] * 3, Enforced.UNKNOWN),
        ([GOOD, MISSED, MISSED], Enforced.YES),
        ([GOOD, MISSED, MISSED, MISSED], Enforced.UNKNOWN),
        ([GOOD, MISSED, MISSED, GOOD, MISSED], Enforced.YES),
        ([OPEN, OPEN, MISSED, MISSED], Enforced.NO),
        ([OPEN, MISSED, OPEN], Enforced.PENDING),
    ],
)
def test_one_look_alone_decides_nothing_against_what_was_known(
    looks: list[Look], answer: Enforced
) -> None:
    judge = EnforcementJudge()
    for look in looks:
        judge.take(look)
    assert judge.answer.enforced is answer


def test_only_another_answer_counts_as_a_change() -> None:
    judge = EnforcementJudge()
    assert [judge.take(look) for look in (GOOD, GOOD, OPEN, OPEN, OPEN, GOOD)] == [
        True,
        False,
        False,
        True,
        False,
        True,
    ]


def test_the_answer_says_what_was_reached() -> None:
    judge = EnforcementJudge()
    judge.take(OPEN)
    judge.take(OPEN)
    assert judge.answer.why == "a port was reached"
