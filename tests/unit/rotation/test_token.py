# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""When a workflow's token may be used and when it is renewed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from wardkeeper.api.credential import Engine
from wardkeeper.rotation.credential import Credential, Handle
from wardkeeper.rotation.token import lives, renews_at, serves

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def token(period: float = 86400, *, left: float | None = None) -> Credential:
    term = timedelta(seconds=period)
    end = NOW + (term if left is None else timedelta(seconds=left))
    return Credential(
        "t", "", Engine.TOKEN, "aa", handle=Handle(lease="x"), expires_at=end, term=term
    )


@pytest.mark.parametrize(
    ("period", "left", "used"),
    [(86400, 31, True), (86400, 30, False), (60, 7, True), (60, 6, False), (60, -1, False)],
)
def test_it_is_not_used_up_to_its_last_moment(period: float, left: float, used: bool) -> None:
    assert serves(token(period, left=left), NOW) is used


def test_one_that_vault_refused_may_live_and_does_not_serve() -> None:
    refused = replace(token(), rejected_at=NOW)
    assert lives(refused, NOW)
    assert not serves(refused, NOW)


def test_an_intent_neither_lives_nor_serves() -> None:
    intent = Credential("t", "", Engine.TOKEN, "aa")
    assert not lives(intent, NOW)
    assert not serves(intent, NOW)
    assert renews_at("uid", intent) is None


@given(some.integers(60, 10**7), some.text(), some.text())
def test_it_is_renewed_between_a_third_and_half_of_its_period(
    period: int, uid: str, rotation_id: str
) -> None:
    due = renews_at(uid, replace(token(period), rotation_id=rotation_id))
    assert due is not None
    assert period / 3 - 1 <= (due - NOW).total_seconds() <= period / 2 + 1
    assert serves(token(period), due)
