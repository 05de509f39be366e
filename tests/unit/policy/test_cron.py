# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Which lines of cron are taken, and what is said about the others."""

from __future__ import annotations

import pytest

from wardkeeper.policy.cron import check_schedule

TAKEN = (
    "* * * * *",
    "? ? ? ? ?",
    "0 0 1 1 0",
    "59 23 31 12 6",
    "*/15 6-20 * * MON-FRI",
    "0,30 */2 1-31/7 jan,Jun,DEC *",
    "5/10 8 * * sun",
    "  30  2\t* * *  ",
    "0 0 29 2 *",
    "0 0 30 * *",
    "0 0 31 2,3 *",
    "0 0 31 2 MON",
    "0 0 */31 2 *",
)

REFUSED = (
    ("", "0 fields"),
    ("* * * *", "4 fields"),
    ("0 30 2 * * *", "6 fields"),
    ("@daily", "1 fields"),
    ("TZ=Etc/UTC 30 2 * * *", "6 fields"),
    ("60 * * * *", "minute"),
    ("-1 * * * *", "minute"),
    ("* 24 * * *", "hour"),
    ("* * 0 * *", "day of month"),
    ("* * 32 * *", "day of month"),
    ("* * * 0 *", "month"),
    ("* * * 13 *", "month"),
    ("* * * foo *", "jan to dec"),
    ("* * * * 7", "day of week"),
    ("* * * * monday", "sun to sat"),
    ("mon * * * *", "minute"),
    ("20-10 * * * *", "upwards"),
    ("1-2-3 * * * *", "minute"),
    ("*-5 * * * *", "minute"),
    ("*/0 * * * *", "steps"),
    ("*/x * * * *", "steps"),
    ("1/2/3 * * * *", "steps"),
    ("1,,2 * * * *", "minute"),
    ("1. * * * *", "minute"),
    ("\u0663 * * * *", "minute"),
    ("L * * * *", "minute"),
    ("0 0 30 2 *", "never runs"),
    ("0 0 31 4,6,9,11 *", "never runs"),
    ("0 0 30,31 feb ?", "never runs"),
)


@pytest.mark.parametrize("schedule", TAKEN)
def test_a_schedule_that_kubernetes_runs_is_taken(schedule: str) -> None:
    check_schedule(schedule)


@pytest.mark.parametrize(("schedule", "said"), REFUSED)
def test_a_schedule_that_kubernetes_would_refuse_or_never_run_is_refused(
    schedule: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        check_schedule(schedule)
