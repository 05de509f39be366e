# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Why a credential has to be replaced, and whether that may wait for a window. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from wardkeeper.api.credential import Engine
from wardkeeper.rotation.facts import POLLED, Cause
from wardkeeper.rotation.times import deadline_of, due_at
from wardkeeper.rotation.windows import thaws_at

if TYPE_CHECKING:
    from wardkeeper.rotation.credential import Credential
    from wardkeeper.rotation.facts import Facts, Wish

CLOCK_TOLERANCE = timedelta(minutes=5)
"""A version made further in the future than this was made under a clock that was wrong."""

_URGENT = frozenset(
    {Cause.FIRST, Cause.ADOPTED, Cause.REQUESTED, Cause.REVOKED, Cause.SOURCE_CHANGED, Cause.ENDED}
)


def cause_of(wish: Wish, facts: Facts, current: Credential | None) -> Cause:
    """Why the credential in use must be replaced; CURRENT when it need not."""
    if current is None:
        return Cause.FIRST
    if current.source != wish.source:
        return Cause.SOURCE_CHANGED
    if wish.request and wish.request not in (current.request, wish.handled):
        return Cause.REQUESTED
    if current.doomed:
        return Cause.REVOKED
    if current.expires_at is not None and current.expires_at <= facts.now:
        return Cause.ENDED
    if _source_moved(wish, facts, current):
        return Cause.SOURCE_MOVED
    if wish.engine is Engine.KV_SYNCED:
        return Cause.CURRENT  # whoever writes its source replaces it
    if current.issued_at is not None and current.issued_at > facts.now + CLOCK_TOLERANCE:
        return Cause.MADE_IN_THE_FUTURE
    due = due_at(wish, current)
    return Cause.DUE if due is not None and facts.now >= due else Cause.CURRENT


def is_urgent(wish: Wish, facts: Facts, current: Credential, cause: Cause) -> bool:
    """Whether a rotation goes ahead in a freeze window: asked for, or too late when that ends."""
    if cause in _URGENT:
        return True
    if cause is Cause.SOURCE_MOVED and wish.engine is Engine.DATABASE_STATIC:
        return True  # the password that is delivered is dead already
    deadline = deadline_of(wish, current)
    return deadline is not None and thaws_at(wish.windows, facts.now) >= deadline


def _source_moved(wish: Wish, facts: Facts, current: Credential) -> bool:
    source = facts.source
    if wish.engine not in POLLED or source is None or source.deleted or source.empty:
        return False
    return source.marker != current.handle.marker
