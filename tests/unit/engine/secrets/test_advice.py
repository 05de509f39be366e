# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What of a spec cannot be kept to the letter is told with the remedy, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from wardkeeper.api.credential import Engine
from wardkeeper.engine.secrets.advice import advice
from wardkeeper.rotation.credential import Credential
from wardkeeper.rotation.facts import Wish
from wardkeeper.rotation.times import LONG_ENOUGH, due_at

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DYNAMIC = Engine.DATABASE_DYNAMIC
ROLE = "hw.radiology.router.claims"


def wish(every: timedelta, engine: Engine = DYNAMIC) -> Wish:
    return Wish("uid-1", "db", engine, "s", every, HOUR, every * 1.5)


def lease(longest: timedelta | None, engine: Engine = DYNAMIC, rotation: str = "r") -> Credential:
    return Credential(
        "c",
        "db",
        engine,
        rotation,
        role=ROLE,
        issued_at=NOW,
        expires_at=NOW + timedelta(minutes=15),
        ends_at=NOW + longest if longest else None,
    )


def test_a_login_that_ends_before_it_is_to_be_replaced_is_told_of_with_the_remedy() -> None:
    told = advice(wish(24 * HOUR), lease(HOUR))
    assert told.startswith(
        f"rotation.every is 24h, but database role {ROLE} in Vault lets a login live 1h at most, "
        "so it is replaced every 3"
    )
    assert told.endswith("raise the role's max_ttl to 38h24m, or lower rotation.every")


@pytest.mark.parametrize("number", range(20))
def test_the_remedy_that_is_told_is_enough(number: int) -> None:
    enough = lease(24 * HOUR * LONG_ENOUGH, rotation=f"r{number}")
    assert advice(wish(24 * HOUR), enough) == ""
    assert due_at(wish(24 * HOUR), enough) == due_at(
        wish(24 * HOUR), lease(None, rotation=f"r{number}")
    )


def test_it_is_replaced_in_time_though_renewals_went_well() -> None:
    due = due_at(wish(24 * HOUR), lease(HOUR))
    assert due is not None
    assert NOW + HOUR / 2 < due < NOW + HOUR


@pytest.mark.parametrize(
    "current",
    [None, lease(None), lease(HOUR, Engine.PKI), lease(timedelta(hours=768))],
    ids=["nothing in use", "no end is told", "a certificate", "a long life"],
)
def test_what_is_kept_is_not_told_of(current: Credential | None) -> None:
    assert advice(wish(24 * HOUR), current) == ""
