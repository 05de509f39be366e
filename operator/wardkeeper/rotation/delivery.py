# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the live Secret is what it should be, and what is delivered again if not. Pure.

What has come to its end is never delivered again, and nothing is ever taken away here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.credential import Engine
from wardkeeper.rotation.facts import Cause, Decision, Phase, Step
from wardkeeper.rotation.standing import can_go_back, has_ended
from wardkeeper.rotation.times import deadline_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wardkeeper.rotation.credential import Credential
    from wardkeeper.rotation.facts import Facts, Wish


def redelivered(
    wish: Wish, facts: Facts, current: Credential, old: Iterable[Credential], cause: Cause
) -> Decision | None:
    """The delivery of what is in use, when the live Secret is not it; None when it is.

    Args:
        wish: what is wanted.
        facts: what is known.
        current: what is in use.
        old: entries that are to be ended, those that did not work among them.
        cause: why it is being replaced; kept when a successor did not work.
    """
    nothing = not wish.delivers or current.engine is Engine.TRANSIT
    if nothing or has_ended(current, facts.now):
        return None
    record = facts.delivered
    if record is None:
        return Decision(Step.PUBLISH, Phase.PUBLISHING, Cause.MISSING, current)
    if record.rotation_id != current.rotation_id:
        failed = (one.rotation_id for one in old if one.rejected_at is not None)
        if record.rotation_id not in failed:
            return Decision(Step.PUBLISH, Phase.PUBLISHING, Cause.EDITED, current)
        if can_go_back(wish, current, facts.now):
            return Decision(Step.PUBLISH, Phase.ROLLING_BACK, cause, current)
        return None
    if not facts.intact:
        return Decision(Step.PUBLISH, Phase.PUBLISHING, Cause.EDITED, current)
    if record.not_after != deadline_of(wish, current):
        return Decision(Step.PUBLISH, Phase.PUBLISHING, Cause.DATES_CHANGED, current)
    return None
