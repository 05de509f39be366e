# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Wishes, entries and facts that a test changes in one respect."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from wardkeeper.api.credential import Engine
from wardkeeper.rotation.credential import Credential, Handle
from wardkeeper.rotation.facts import Facts, Rolling, Wish
from wardkeeper.rotation.identity import rotation_id
from wardkeeper.rotation.record import Record, record_for
from wardkeeper.rotation.times import deadline_of

UID = "uid-1"
NAME = "db"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIRST_ID = rotation_id(UID, NAME)
SECOND_ID = rotation_id(UID, NAME, FIRST_ID)

WISH = Wish(
    uid=UID,
    name=NAME,
    engine=Engine.KV_GENERATED,
    source="asked",
    every=240 * HOUR,
    overlap=HOUR,
    max_age=360 * HOUR,
)


def wish(**changes: Any) -> Wish:
    """What is wanted, but for the changes."""
    return replace(WISH, **changes)


def intended(rotation: str = SECOND_ID, **changes: Any) -> Credential:
    """An entry that says only what is intended."""
    known: dict[str, Any] = {
        "name": rotation[:12],
        "secret": NAME,
        "engine": Engine.KV_GENERATED,
        "rotation_id": rotation,
        "source": "asked",
        "intended_at": NOW,
    }
    return Credential(**{**known, **changes})


def issued(rotation: str = SECOND_ID, **changes: Any) -> Credential:
    """An entry of a credential that was made just now and not proven yet."""
    return intended(rotation, **{"issued_at": NOW, "handle": Handle(kv_version=2), **changes})


def in_use(rotation: str = FIRST_ID, **changes: Any) -> Credential:
    """An entry of a credential that has been in use for an hour."""
    made = NOW - HOUR
    known = {"intended_at": made, "issued_at": made, "proven_at": made}
    return intended(rotation, **{**known, "handle": Handle(kv_version=1), **changes})


def record_of(one: Credential, wished: Wish = WISH) -> Record:
    """What the Secret says that delivers this credential."""
    deadline = deadline_of(wished, one)
    assert deadline is not None
    return record_for(one, f"mac-{one.rotation_id}", deadline)


def facts(*entries: Credential, shown: Credential | None = None, **changes: Any) -> Facts:
    """What is known; `shown` is what the live Secret delivers."""
    wished = changes.pop("wished", WISH)
    known: dict[str, Any] = {
        "entries": entries,
        "delivered": record_of(shown, wished) if shown else None,
        "intact": shown is not None,
        "rolling": Rolling(),
        "now": NOW,
    }
    return Facts(**{**known, **changes})
