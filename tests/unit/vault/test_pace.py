# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pytest

from wardkeeper.vault.errors import Kind, VaultError
from wardkeeper.vault.pace import RECOVERY_SECONDS, Pace


class Time:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def pace(time: Time) -> Pace:
    return Pace(5, clock=time, sleep=time.sleep)


async def test_a_hundred_requests_take_the_seconds_that_they_should(pace: Pace, time: Time) -> None:
    for _ in range(100):
        await pace.take()
    assert time.now == pytest.approx(120, abs=1)


async def test_a_rate_limit_halves_the_pace_until_nobody_complains(pace: Pace, time: Time) -> None:
    pace.note(VaultError(Kind.RATE_LIMITED, "write"))
    assert pace.per_second == 2.5
    time.now += RECOVERY_SECONDS
    assert pace.per_second == 5


async def test_after_an_outage_it_starts_at_a_tenth_and_doubles(pace: Pace, time: Time) -> None:
    pace.note(VaultError(Kind.SEALED, "write"))
    seen = []
    for _ in range(5):
        seen.append(pace.per_second)
        time.now += RECOVERY_SECONDS
    assert seen == pytest.approx([0.5, 1, 2, 4, 5])


async def test_however_long_an_outage_was_it_starts_slowly_when_vault_is_back(
    pace: Pace, time: Time
) -> None:
    pace.note(VaultError(Kind.SEALED, "write"))
    time.now += 3600
    pace.note(None)
    assert pace.per_second == pytest.approx(0.5)
    time.now += RECOVERY_SECONDS
    pace.note(None)
    assert pace.per_second == pytest.approx(1)


async def test_it_never_stops_altogether(pace: Pace) -> None:
    for _ in range(50):
        pace.note(VaultError(Kind.RATE_LIMITED, "write"))
    assert pace.per_second > 0


@pytest.mark.parametrize("error", [None, VaultError(Kind.DATABASE, "x"), VaultError(Kind.CAS, "x")])
async def test_what_is_no_complaint_of_vault_slows_nothing(
    pace: Pace, error: VaultError | None
) -> None:
    pace.note(error)
    assert pace.per_second == 5
