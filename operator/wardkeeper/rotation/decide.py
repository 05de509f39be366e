# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What to do about one generated secret: keep, create, rotate or restore it.

The same question is asked twice, of different facts: first of what the Secret's annotations say,
which costs nothing; then, if something must be done, of what Vault holds, which is the truth. So
forged annotations cause no rotation, and a rotation whose result got lost on the way is found
and delivered instead of being done again.

A deadline is absolute and on Vault's clock; spreading only ever makes something earlier.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from wardkeeper.rotation.identity import spread

if TYPE_CHECKING:
    from wardkeeper.rotation.record import Record

SPREAD = 0.1
"""A rotation happens up to this share of `every` before its time, each secret at its own."""

CLOCK_TOLERANCE = timedelta(minutes=5)
"""A version made further in the future than this was made under a clock that was wrong."""


class Action(StrEnum):
    """What is to be done."""

    KEEP = "Keep"
    CREATE = "Create"
    ROTATE = "Rotate"
    RESTORE = "Restore"


class Cause(StrEnum):
    """Why."""

    CURRENT = "Current"
    FIRST = "First"
    MISSING = "Missing"
    EDITED = "Edited"
    DATES_CHANGED = "DatesChanged"
    SOURCE_CHANGED = "SourceChanged"
    REQUESTED = "Requested"
    DUE = "Due"
    MADE_IN_THE_FUTURE = "MadeInTheFuture"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of one secret.

    Attributes:
        uid: uid of the workflow.
        name: name of the secret in the workflow.
        source: fingerprint of the declared fields.
        every: replaced at the latest after this long.
        max_age: overdue after this long.
        request: the rotate-now request for it; empty when there is none.
        handled: the rotate-now request that status says was answered; empty when there is none.
    """

    uid: str
    name: str
    source: str
    every: timedelta
    max_age: timedelta
    request: str = ""
    handled: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, why, and the times of the version that was looked at (None without one)."""

    action: Action
    cause: Cause
    due_at: datetime | None = None
    deadline: datetime | None = None


def decide(
    wish: Wish, record: Record | None, *, now: datetime, intact: bool = True, known: bool = False
) -> Decision:
    """Decide about one secret.

    Args:
        wish: what is wanted.
        record: the version to look at: the delivered one, or the one that Vault holds.
        now: the time, on Vault's clock as well as it is known.
        intact: the delivered Secret is as it was published.
        known: there has been a version before, even if there is no record of it now.
    """
    if record is None:
        return Decision(Action.RESTORE, Cause.MISSING) if known else _FIRST
    due, deadline = due_at(wish, record), deadline_of(wish, record)
    if cause := _rotation_cause(wish, record, now, due):
        return Decision(Action.ROTATE, cause, due, deadline)
    if not intact:
        return Decision(Action.RESTORE, Cause.EDITED, due, deadline)
    if record.not_after is not None and record.not_after != deadline:
        return Decision(Action.RESTORE, Cause.DATES_CHANGED, due, deadline)
    return Decision(Action.KEEP, Cause.CURRENT, due, deadline)


def due_at(wish: Wish, record: Record) -> datetime:
    """When this version is replaced: at most `every` after it was made, never past its deadline."""
    share = 1 - SPREAD * spread(wish.uid, wish.name, record.rotation_id)
    due = record.rotated_at + timedelta(seconds=int(wish.every.total_seconds() * share))
    return min(due, deadline_of(wish, record))


def deadline_of(wish: Wish, record: Record) -> datetime:
    """When this version counts as overdue."""
    return record.rotated_at + wish.max_age


_FIRST = Decision(Action.CREATE, Cause.FIRST)


def _rotation_cause(wish: Wish, record: Record, now: datetime, due: datetime) -> Cause | None:
    """Why this version must be replaced, or None."""
    if record.source != wish.source:
        return Cause.SOURCE_CHANGED
    if wish.request and wish.request not in (record.request, wish.handled):
        return Cause.REQUESTED
    if record.rotated_at > now + CLOCK_TOLERANCE:
        return Cause.MADE_IN_THE_FUTURE
    if now >= due:
        return Cause.DUE
    return None
