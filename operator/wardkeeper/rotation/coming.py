# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What to do about a credential that is under way: from its intent until it is in use. Pure.

It is proven before anybody gets it, and the one before is not given up until the workload has
taken it up; what is delivered meanwhile is kept whole.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from wardkeeper.api.credential import Engine
from wardkeeper.rotation.delivery import redelivered
from wardkeeper.rotation.facts import Cause, Decision, Phase, Roll, Step
from wardkeeper.rotation.standing import can_go_back, has_ended, is_delivered
from wardkeeper.rotation.why import cause_of

if TYPE_CHECKING:
    from datetime import datetime

    from wardkeeper.rotation.credential import Credential
    from wardkeeper.rotation.facts import Facts, Wish
    from wardkeeper.rotation.standing import Standing

PROPAGATION = timedelta(seconds=90)
"""What kubelet may take until files that change in place have changed in every pod."""


def under_way(wish: Wish, facts: Facts, stand: Standing, coming: Credential) -> Decision:
    """The next step of a credential that is neither in use nor given up.

    Args:
        wish: what is wanted.
        facts: what is known.
        stand: the entries of the secret.
        coming: the one that is under way.
    """
    cause = cause_of(wish, facts, stand.current)
    issued = coming.issued_at is not None
    if issued and has_ended(coming, facts.now):
        return Decision(Step.REJECT, Phase.ROLLING_BACK, Cause.ENDED, coming)
    if coming.source != wish.source and not (wish.delivers and _was_delivered(facts, coming)):
        phase = Phase.ISSUED if issued else Phase.INTENT
        return Decision(Step.REJECT, phase, Cause.SOURCE_CHANGED, coming)
    if issued and is_delivered(wish, facts, coming):
        return _taken_up(wish, facts, stand.current, coming, cause)
    kept = _kept(wish, facts, stand, coming, cause)
    if kept is not None:
        return kept
    if _waits(coming, facts):
        phase = Phase.ISSUED if issued else Phase.INTENT
        return _wait(phase, cause, coming, coming.retry_at)
    if not issued:
        return Decision(Step.ISSUE, Phase.ISSUING, cause, coming)
    if _proves_first(coming) and _has_to_be_proven(wish, facts, coming):
        return Decision(Step.PROVE, Phase.ISSUED, cause, coming)
    return Decision(Step.PUBLISH, Phase.PUBLISHING, cause, coming)


def _was_delivered(facts: Facts, coming: Credential) -> bool:
    """Whether the live Secret says that it is this one, though somebody may have edited it."""
    record = facts.delivered
    return record is not None and record.rotation_id == coming.rotation_id


def _kept(
    wish: Wish, facts: Facts, stand: Standing, coming: Credential, cause: Cause
) -> Decision | None:
    """The delivery of what is in use, when the Secret got lost before there is a successor.

    Proving or making one may fail for hours, and pods start meanwhile.
    """
    current = stand.current
    if current is None or coming.rotation_id in facts.proven:
        return None
    if coming.issued_at is not None and not _proves_first(coming):
        return None
    if _was_delivered(facts, coming):
        return None
    again = redelivered(wish, facts, current, stand.old, cause)
    return again if again is not None and again.cause is not Cause.DATES_CHANGED else None


def _taken_up(
    wish: Wish, facts: Facts, current: Credential | None, coming: Credential, cause: Cause
) -> Decision:
    """What to do about a credential that is delivered and not accepted yet."""
    if current is not None and wish.delivers:
        waiting = _rolls(wish, facts, current, coming, cause)
        if waiting is not None:
            return waiting
    if not _proves_first(coming) and _has_to_be_proven(wish, facts, coming):
        if _waits(coming, facts):
            return _wait(Phase.VERIFYING, cause, coming, coming.retry_at)
        return Decision(Step.PROVE, Phase.VERIFYING, cause, coming)
    end = facts.now + wish.overlap
    return Decision(Step.ACCEPT, Phase.VERIFYING, cause, coming, revoke_after=end)


def _rolls(
    wish: Wish, facts: Facts, current: Credential, coming: Credential, cause: Cause
) -> Decision | None:
    """What the workload's taking up of a credential asks for; None when it has taken it up.

    A workload that is stuck while there is nothing to go back to is not waited for: what is
    delivered is the best there is, and must itself be replaced in time.
    """
    if not wish.restarts:
        seen = (coming.issued_at or facts.now) + PROPAGATION
        return _wait(Phase.VERIFYING, cause, coming, seen) if seen > facts.now else None
    rolling = facts.rolling
    if rolling.roll is Roll.DUE:
        return Decision(Step.ROLL, Phase.ROLLING_OUT, cause, coming)
    if rolling.roll is Roll.MOVING:
        return _wait(Phase.ROLLING_OUT, cause, coming, None)
    if rolling.roll is Roll.STUCK and can_go_back(wish, current, facts.now):
        return Decision(Step.REJECT, Phase.ROLLING_BACK, cause, coming)
    if rolling.roll is Roll.READY:
        seen = (rolling.since or facts.now) + wish.verify
        return _wait(Phase.VERIFYING, cause, coming, seen) if seen > facts.now else None
    return None


def _wait(phase: Phase, cause: Cause, coming: Credential, until: datetime | None) -> Decision:
    return Decision(Step.WAIT, phase, cause, coming, next_look=until)


def _proves_first(coming: Credential) -> bool:
    """Whether it is proven before it is delivered: of a static user the old one is dead by then.

    A transit key is not delivered at all.
    """
    return coming.engine not in (Engine.DATABASE_STATIC, Engine.TRANSIT)


def _has_to_be_proven(wish: Wish, facts: Facts, coming: Credential) -> bool:
    """Whether it is still to be proven; how to prove what nobody wants any more, no spec says."""
    return coming.source == wish.source and coming.rotation_id not in facts.proven


def _waits(one: Credential, facts: Facts) -> bool:
    return one.retry_at is not None and one.retry_at > facts.now
