# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The state machine of one secret: facts in, the next step out. Pure, and without memory.

Where a secret stands follows from the ledger, the delivered Secret and the workload, so a process
that dies between two steps is followed by one that takes the next. The new credential first: no
old one is given up before the new one has proven itself, and none is made while one is under way.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from wardkeeper.api.credential import Engine
from wardkeeper.rotation.beside import beside, next_look
from wardkeeper.rotation.coming import under_way
from wardkeeper.rotation.delivery import redelivered
from wardkeeper.rotation.facts import POLLED, Cause, Decision, Phase, Step
from wardkeeper.rotation.standing import next_id, retires_at, standing
from wardkeeper.rotation.times import deadline_of, due_at
from wardkeeper.rotation.why import cause_of, is_urgent
from wardkeeper.rotation.windows import frozen, thaws_at

if TYPE_CHECKING:
    from datetime import datetime

    from wardkeeper.rotation.credential import Credential
    from wardkeeper.rotation.facts import Facts, Wish
    from wardkeeper.rotation.record import Record
    from wardkeeper.rotation.standing import Standing

REJECTED_PAUSE = timedelta(seconds=60)
"""Between two first credentials of a secret, when the one before did not work."""

_RESTING = (Step.NOTHING, Step.WAIT, Step.ROLL)
_ROTATION_ID = re.compile(r"[0-9a-f]{64}")


def decide(wish: Wish, facts: Facts) -> Decision:
    """The next step of one secret.

    Args:
        wish: what is wanted of it.
        facts: what is known of it.
    """
    stand = standing(facts.entries)
    if stand.coming is not None:
        decision = under_way(wish, facts, stand, stand.coming)
    elif stand.current is not None:
        decision = _in_use(wish, facts, stand, stand.current)
    else:
        decision = _first(wish, facts, stand)
    if decision.step in _RESTING:
        decision = beside(wish, facts, stand, decision)
    decision = _dated(wish, stand.current, decision)
    if decision.step in _RESTING:
        decision = replace(decision, next_look=next_look(wish, facts, stand, decision))
    return decision


def _dated(wish: Wish, current: Credential | None, decision: Decision) -> Decision:
    if current is None:
        return decision
    due, deadline = due_at(wish, current), deadline_of(wish, current)
    return replace(decision, current=current, due_at=due, deadline=deadline)


def _first(wish: Wish, facts: Facts, stand: Standing) -> Decision:
    """What to do when nothing is in use: the first credential, or one that the ledger lost."""
    again = _after_rejection(stand, wish)
    if again is not None and again > facts.now:
        return Decision(Step.WAIT, Phase.FAILED, Cause.FIRST, next_look=again)
    record = facts.delivered
    if not facts.entries and record is not None and _may_be_adopted(wish, record):
        known = record.rotation_id
        return Decision(Step.INTEND, Phase.INTENT, Cause.ADOPTED, rotation_id=known)
    return Decision(Step.INTEND, Phase.INTENT, Cause.FIRST, rotation_id=next_id(wish, stand))


def _may_be_adopted(wish: Wish, record: Record) -> bool:
    """Whether what is delivered is what is wanted, with an id that can be one of ours."""
    is_ours = _ROTATION_ID.fullmatch(record.rotation_id) is not None
    return is_ours and record.source == wish.source


def _after_rejection(stand: Standing, wish: Wish) -> datetime | None:
    """When the first credential of a secret is tried again after one that did not work."""
    last = stand.old[-1] if stand.old else None
    if last is None or last.rejected_at is None or last.source != wish.source:
        return None
    return last.rejected_at + REJECTED_PAUSE


def _in_use(wish: Wish, facts: Facts, stand: Standing, current: Credential) -> Decision:
    """What to do when a credential is in use and none is under way."""
    cause = cause_of(wish, facts, current)
    again = redelivered(wish, facts, current, stand.old, cause)
    if again is not None and again.phase is Phase.ROLLING_BACK:
        return again
    refused = None
    if cause is not Cause.CURRENT:
        refused = _not_now(wish, facts, stand, current, cause)
        if refused is None:
            new = next_id(wish, stand)
            return Decision(Step.INTEND, Phase.INTENT, cause, rotation_id=new)
    if again is not None:
        return again
    if wish.engine in POLLED and facts.source is None:
        return Decision(Step.LOOK, Phase.IDLE, cause)
    return refused or Decision(Step.NOTHING, Phase.IDLE)


def _not_now(
    wish: Wish, facts: Facts, stand: Standing, current: Credential, cause: Cause
) -> Decision | None:
    """Why a rotation that has a cause is not begun; None when it is."""
    source = facts.source
    gone = source is not None and (source.deleted or source.empty)
    if gone and cause is not Cause.SOURCE_CHANGED:
        return Decision(Step.NOTHING, Phase.IDLE)
    if current.retry_at is not None and current.retry_at > facts.now:
        return Decision(Step.WAIT, Phase.IDLE, cause, current, next_look=current.retry_at)
    if not is_urgent(wish, facts, current, cause) and frozen(wish.windows, facts.now):
        thaw = thaws_at(wish.windows, facts.now)
        return Decision(Step.WAIT, Phase.IDLE, cause, current, frozen=True, next_look=thaw)
    users = [one for one in stand.old if one.engine is Engine.DATABASE_ALTERNATING]
    if wish.engine is Engine.DATABASE_ALTERNATING and users:
        ends = [retires_at(wish, facts, stand, one) for one in users]
        first = min((end for end in ends if end is not None), default=None)
        return Decision(Step.WAIT, Phase.OVERLAP, cause, current, next_look=first)
    return None
