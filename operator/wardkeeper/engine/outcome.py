# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""How a pass can end, other than well. Nothing else leaves a pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wardkeeper.api.reasons import Reason


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
    """What is asked for cannot be done: no retry until something relevant changes."""


class Transient(Outcome):
    """Something is in the way that may go by itself: tried again with back-off."""
