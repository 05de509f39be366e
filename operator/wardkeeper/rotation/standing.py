# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What the ledger's entries of one secret are: in use, under way, or to be ended. Pure.

Nothing here may call an entry old that is the only one a workload could work with.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from wardkeeper.api.credential import Engine
from wardkeeper.rotation.identity import rotation_id
from wardkeeper.rotation.times import ends_at

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from wardkeeper.rotation.credential import Credential
    from wardkeeper.rotation.facts import Facts, Wish

GOING_BACK = timedelta(minutes=5)
"""What is left at least of a credential that a workload goes back to: that takes a roll-out."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The entries of one secret by what they are.

    Attributes:
        current: the newest that was proven and not replaced; None without one.
        coming: the newest that is neither proven nor rejected; None without one.
        old: all others, oldest first, which are to be ended.
    """

    current: Credential | None
    coming: Credential | None
    old: tuple[Credential, ...]


def standing(entries: Iterable[Credential]) -> Standing:
    """Tell the entries of one secret apart."""
    by_age = sorted(entries, key=_age)
    live = [one for one in by_age if one.rejected_at is None and one.revoke_after is None]
    current = next((one for one in reversed(live) if one.proven_at is not None), None)
    coming = next((one for one in reversed(live) if one.proven_at is None), None)
    kept = {one.rotation_id for one in (current, coming) if one is not None}
    return Standing(current, coming, tuple(e for e in by_age if e.rotation_id not in kept))


def next_id(wish: Wish, stand: Standing) -> str:
    """The id of the credential to make: it follows the one in use, or the last that there was.

    It is never the id of an entry that is still there: one that did not work is not made again.
    """
    taken = {one.rotation_id for one in stand.old}
    before, attempt = "", 0
    if stand.current is not None:
        before, attempt = stand.current.rotation_id, stand.current.failures
    elif stand.old:
        before = stand.old[-1].rotation_id
    while (found := rotation_id(wish.uid, wish.name, before, attempt)) in taken:
        attempt += 1
    return found


def retires_at(wish: Wish, facts: Facts, stand: Standing, old: Credential) -> datetime | None:
    """When an old credential may be ended; None: not before something else happens.

    What a process left unfinished when it died, a replaced one without a time to end it, ends
    when the one that replaced it says so.
    """
    current, record = stand.current, facts.delivered
    if record is not None and record.rotation_id == old.rotation_id:
        return None
    if old.engine is Engine.DATABASE_ALTERNATING and current is None:
        return None  # the one under way may be the same user
    if old.rejected_at is not None:
        return old.rejected_at if current or stand.coming else None
    if _needs_approval(wish, old, current):
        return None
    if old.revoke_after is not None:
        return old.revoke_after
    if current is not None and current.proven_at is not None:
        return current.proven_at + wish.overlap
    return None


def is_delivered(wish: Wish, facts: Facts, one: Credential) -> bool:
    """Whether the live Secret is this credential, as it was published."""
    if one.engine is Engine.TRANSIT:
        return True
    record = facts.delivered
    return (
        wish.delivers
        and facts.intact
        and record is not None
        and record.rotation_id == one.rotation_id
    )


def has_ended(one: Credential, now: datetime) -> bool:
    """Whether it has come to its end."""
    return one.expires_at is not None and one.expires_at <= now


def can_go_back(wish: Wish, current: Credential | None, now: datetime) -> bool:
    """Whether a workload could go back to it: of a static user the old password is dead."""
    if current is None or has_ended(current, now):
        return False
    if wish.engine is current.engine is Engine.DATABASE_STATIC:
        return False
    end = ends_at(current)
    return end is None or end > now + GOING_BACK


def _needs_approval(wish: Wish, old: Credential, current: Credential | None) -> bool:
    """Whether a person has to approve first: of just what is in use, for the key in use."""
    if not wish.engine is old.engine is Engine.TRANSIT:
        return False
    if current is None:
        return True
    approved = wish.approved > 0 and current.handle.marker == str(wish.approved)
    same = (current.engine, current.role) == (old.engine, old.role)
    return same and not approved


def _age(one: Credential) -> tuple[float, float, str]:
    """The order in which they were made: the API server tells times in whole seconds only.

    Within one, versions in KV tell; what was not made yet is the newest.
    """
    at = one.intended_at or one.issued_at
    made = float(one.handle.kv_version) if one.issued_at else float("inf")
    return (at.timestamp() if at else float("inf")), made, one.rotation_id
