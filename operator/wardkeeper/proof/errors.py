# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""How a proof fails. No message may hold a password or a key."""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """What stood in the way, as kinds that call for different things."""

    REFUSED = "Refused"
    """The other side looked at the credential and would not have it."""
    UNREACHABLE = "Unreachable"
    """Nobody could be asked; it says nothing about the credential."""
    TLS = "Tls"
    """Somebody answered, but not as who they should be, or not over TLS."""
    UNFIT = "Unfit"
    """The credential is not what was asked for."""


class NotProven(Exception):
    """A credential was not shown to work; the message is for people and holds no secret value.

    Attributes:
        cause: what stood in the way.
    """

    def __init__(self, message: str, cause: Cause = Cause.UNFIT) -> None:
        self.cause = cause
        super().__init__(message)
