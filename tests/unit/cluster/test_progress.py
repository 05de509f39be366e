# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What is said where there is no terminal."""

from __future__ import annotations

import io

import pytest

from tests.cluster.progress import Report


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still; its hand is the list's only element."""
    hand = [100.0]
    monkeypatch.setattr("tests.cluster.progress.time.monotonic", lambda: hand[0])
    return hand


def test_a_line_every_few_seconds_says_how_far_and_how_long(clock: list[float]) -> None:
    stream = io.StringIO()
    with Report(stream).task("kwok") as task:
        task.phase("compiling", 100)
        for _ in range(40):
            clock[0] += 0.3
            task.advance()
        task.phase("linking")
    assert [line.split("s  ", 1)[1] for line in stream.getvalue().splitlines()] == [
        "kwok: compiling",
        "kwok: compiling: 17 of 100, about 25 s left",
        "kwok: compiling: 34 of 100, about 20 s left",
        "kwok: linking",
        "kwok: done in 12.0 s",
    ]


def test_silence_of_the_tool_is_no_silence_of_ours(clock: list[float]) -> None:
    stream = io.StringIO()
    with Report(stream).task("kwok") as task:
        task.phase("linking")
        for _ in range(11):
            clock[0] += 1.0
            task.tick()
    assert stream.getvalue().count("kwok: linking") == 3


def test_a_failure_is_said(clock: list[float]) -> None:
    stream = io.StringIO()
    with pytest.raises(RuntimeError), Report(stream).task("kwok"):
        raise RuntimeError
    assert stream.getvalue().endswith("kwok: failed\n")
