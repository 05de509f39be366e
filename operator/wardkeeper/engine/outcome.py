# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""How a pass can end, other than well. Nothing else leaves a pass."""

from __future__ import annotations

from wardkeeper.api.reasons import Reason

RECHECK = 300.0


class Outcome(Exception):
    """Why a pass stopped, in words that go into status as they are.

    Attributes:
        reason: the stable word.
        message: what was found, what is wanted and what to do; never a value that may be secret.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


class Terminal(Outcome):
    """What is asked for cannot be done: no retry until something relevant changes.

    Attributes:
        next_look: seconds until what runs all the same wants another look; None when it does not.
    """

    def __init__(self, reason: Reason, message: str, *, next_look: float | None = None) -> None:
        super().__init__(reason, message)
        self.next_look = next_look

    @property
    def recheck(self) -> float | None:
        """Seconds after which to look whether somebody has mended unseen what stood in the way.

        Only the spec itself is watched; rights and objects of others are not.
        """
        looks = [] if self.reason is Reason.SPEC_INVALID else [RECHECK]
        return min((*looks, *filter(None, (self.next_look,))), default=None)


class Transient(Outcome):
    """Something is in the way that may go by itself: tried again with back-off."""
