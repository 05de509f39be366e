# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Memory and time are read from the kernel's own text."""

from __future__ import annotations

import os

import pytest

from tests.bench.procfs import (
    busy_seconds,
    processor_seconds,
    read_processor_seconds,
    read_resident,
    resident,
)


def test_resident_memory_is_told_in_bytes() -> None:
    assert resident("Name:\tpython\nVmHWM:\t  99 kB\nVmRSS:\t   80 kB\n") == 81920


def test_a_process_that_has_ended_has_no_memory() -> None:
    with pytest.raises(ValueError, match="ended"):
        resident("Name:\tpython\nState:\tZ (zombie)\n")


def test_user_and_system_time_are_added_whatever_the_process_is_called() -> None:
    stat = "17 (a) b (c) S 1 17 17 0 -1 4194560 9 0 0 0 250 50 0 0 20 0 1 0 100 0 0"
    assert processor_seconds(stat, tick=0.01) == pytest.approx(3.0)


def test_the_machine_is_busy_with_everything_but_waiting() -> None:
    stat = "cpu  100 20 30 999 999 4 6 0 0 0\ncpu0 1 1 1 1 1 1 1 0 0 0\n"
    assert busy_seconds(stat, tick=0.01) == pytest.approx(1.6)


def test_this_very_process_can_be_read() -> None:
    assert read_resident(os.getpid()) > 1_000_000
    assert read_processor_seconds(os.getpid()) > 0
