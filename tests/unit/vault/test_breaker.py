# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from wardkeeper.vault.breaker import FIRST_WAIT, LONGEST_WAIT, Breaker
from wardkeeper.vault.errors import Kind, VaultError

if TYPE_CHECKING:
    from tests.unit.vault.conftest import Ticks


@pytest.fixture
def breaker(ticks: Ticks) -> Breaker:
    return Breaker(Random(1), clock=ticks)


def away(kind: Kind = Kind.SEALED, retry_after: float | None = None) -> VaultError:
    return VaultError(kind, "read", retry_after=retry_after)


def passes(breaker: Breaker) -> bool:
    refusal = None
    try:
        breaker.check("read")
    except VaultError as error:
        refusal = error
    assert refusal is None or (refusal.unavailable and (refusal.retry_after or 0) > 0)
    return refusal is None


def test_while_vault_is_away_nobody_asks(breaker: Breaker, ticks: Ticks) -> None:
    breaker.note(away())
    assert not passes(breaker)
    ticks.now += FIRST_WAIT
    assert passes(breaker)


def test_when_the_wait_is_over_one_request_finds_out_for_all(
    breaker: Breaker, ticks: Ticks
) -> None:
    breaker.note(away())
    ticks.now += FIRST_WAIT
    assert [passes(breaker) for _ in range(5)] == [True, False, False, False, False]
    breaker.note(None)
    assert all(passes(breaker) for _ in range(5))


def test_the_going_and_the_return_of_vault_are_told_once(ticks: Ticks) -> None:
    told: list[bool] = []
    breaker = Breaker(Random(1), clock=ticks, changed=told.append)
    breaker.note(None)
    assert told == []
    for _ in range(2):
        breaker.note(away())
    assert told == [True]
    breaker.note(away(Kind.DENIED))  # it answers, and that is all that counts
    breaker.note(None)
    assert told == [True, False]


def test_a_request_that_never_comes_back_does_not_close_the_way_for_ever(
    breaker: Breaker, ticks: Ticks
) -> None:
    breaker.note(away())
    ticks.now += FIRST_WAIT
    assert passes(breaker)
    ticks.now += breaker.probe_time
    assert passes(breaker)


def test_waits_grow_up_to_a_minute_and_never_end_in_giving_up(
    breaker: Breaker, ticks: Ticks
) -> None:
    waits = []
    for _ in range(12):
        breaker.note(away())
        start = ticks.now
        while not passes(breaker):
            ticks.now += 0.25
        waits.append(ticks.now - start)
    assert waits == sorted(waits[:6]) + waits[6:]
    assert max(waits) <= LONGEST_WAIT + 0.25
    assert min(waits[6:]) >= LONGEST_WAIT * 0.75


def test_requests_that_were_under_way_do_not_lengthen_the_wait(
    breaker: Breaker, ticks: Ticks
) -> None:
    for _ in range(50):
        breaker.note(away())
    ticks.now += FIRST_WAIT
    assert passes(breaker)


def test_vault_may_ask_for_a_longer_wait_but_not_for_ever(breaker: Breaker, ticks: Ticks) -> None:
    breaker.note(away(Kind.RATE_LIMITED, retry_after=30.0))
    ticks.now += 29.0
    assert not passes(breaker)
    ticks.now += 1.5
    assert passes(breaker)
    breaker.note(away(Kind.RATE_LIMITED, retry_after=1e9))
    ticks.now += LONGEST_WAIT
    assert passes(breaker)


@pytest.mark.parametrize("kind", [Kind.DENIED, Kind.CAS, Kind.FAILED])
def test_what_goes_wrong_with_one_request_is_no_outage(breaker: Breaker, kind: Kind) -> None:
    breaker.note(away(kind))
    assert passes(breaker)
