# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What is done while the main question has to wait: leases renewed, old credentials ended. Pure.

It never holds up a rotation, and says when a secret has to be looked at again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wardkeeper.rotation.facts import Decision, Phase, Step
from wardkeeper.rotation.standing import retires_at
from wardkeeper.rotation.times import look_after, renew_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from wardkeeper.rotation.credential import Credential
    from wardkeeper.rotation.facts import Facts, Wish
    from wardkeeper.rotation.standing import Standing


def beside(wish: Wish, facts: Facts, stand: Standing, decision: Decision) -> Decision:
    """What can be done besides; the decision itself when nothing can."""
    for one, renewal in _renewals(wish, stand):
        if renewal <= facts.now:
            return replace(decision, step=Step.RENEW, subject=one)
    ends = [(one, retires_at(wish, facts, stand, one)) for one in stand.old]
    for one, end in ends:
        if end is not None and end <= facts.now and not _waits(one, facts):
            return replace(decision, step=Step.RETIRE, phase=Phase.RETIRING, subject=one)
    if decision.step is Step.NOTHING and any(end is not None for _, end in ends):
        return replace(decision, phase=Phase.OVERLAP)
    return decision


def next_look(wish: Wish, facts: Facts, stand: Standing, decision: Decision) -> datetime | None:
    """The next time at which something may have changed by itself; None: never."""
    times = _times(wish, facts, stand, decision)
    return min((one for one in times if one is not None and one > facts.now), default=None)


def _times(
    wish: Wish, facts: Facts, stand: Standing, decision: Decision
) -> Iterator[datetime | None]:
    yield decision.next_look
    for old in stand.old:
        end = retires_at(wish, facts, stand, old)
        yield max(end, old.retry_at) if end and old.retry_at else end
    for _, renewal in _renewals(wish, stand):
        yield renewal
    for live in (stand.current, stand.coming):
        if live is not None:
            yield facts.now + look_after(wish, live)
            yield live.expires_at
    if decision.step is Step.NOTHING:
        yield decision.due_at
    yield decision.deadline


def _renewals(wish: Wish, stand: Standing) -> Iterator[tuple[Credential, datetime]]:
    """Leases and when they are renewed; one that was replaced, only up to the overlap's end.

    It is nothing to them when another proof or another rotation is tried.
    """
    for live in (stand.current, stand.coming):
        renewal = renew_at(wish, live) if live is not None else None
        if live is not None and renewal is not None:
            yield live, renewal
    for old in stand.old:
        if old.revoke_after is not None and old.expires_at is not None:
            renewal = renew_at(wish, old)
            if renewal is not None and old.expires_at < old.revoke_after:
                yield old, renewal


def _waits(one: Credential, facts: Facts) -> bool:
    return one.retry_at is not None and one.retry_at > facts.now
