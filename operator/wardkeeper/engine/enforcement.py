# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the network plug-in enforces policies, going by what a canary could reach. Pure.

One look decides nothing against the plug-in: a policy takes a moment to reach the node, and packets
get lost. What is told holds no times, so a status changes only when the answer does.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

BAD_LOOKS = 2
"""Looks in succession that must find an open network before that is told."""
MISSES = 3
"""Looks in succession that must fail before what was found earlier counts no more."""


class Enforced(StrEnum):
    """The answer; while the first one is pending, what was told before goes on."""

    NOT_PROBED = "NotProbed"
    PENDING = "Pending"
    YES = "Yes"
    NO = "No"
    UNKNOWN = "Unknown"


class Enforcement(NamedTuple):
    """Whether policies are enforced, and what that was seen by."""

    enforced: Enforced = Enforced.NOT_PROBED
    why: str = ""


class Look(NamedTuple):
    """What one look found.

    Attributes:
        leaks: what was reached and must not have been, in words.
        missing: why nothing can be said; empty when something can.
    """

    leaks: tuple[str, ...] = ()
    missing: str = ""


class EnforcementJudge:
    """Makes an answer of look after look."""

    def __init__(self) -> None:
        self.answer = Enforcement(Enforced.PENDING, "the canary has not been asked yet")
        self._bad = 0
        self._missed = 0

    def take(self, look: Look) -> bool:
        """Take in one look; whether the answer has changed."""
        before = self.answer
        self._bad = self._bad + 1 if look.leaks else 0
        self._missed = self._missed + 1 if look.missing and not look.leaks else 0
        if look.leaks:
            if self._bad >= BAD_LOOKS:
                self.answer = Enforcement(Enforced.NO, "; ".join(look.leaks))
        elif look.missing:
            if self._missed >= MISSES:
                self.answer = Enforcement(Enforced.UNKNOWN, look.missing)
        else:
            self.answer = Enforcement(Enforced.YES)
        return self.answer != before
