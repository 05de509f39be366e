# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""When a workflow's token is of use, and when it is renewed. Pure; times are Vault's."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from wardkeeper.rotation.identity import spread

if TYPE_CHECKING:
    from datetime import datetime

    from wardkeeper.rotation.credential import Credential

CHAIN = ""
"""What the chain of rotation ids of tokens is called; no secret can be called so."""

MARGIN = timedelta(seconds=30)
"""What is left of a token's life at least for it to be used, if that is long enough for it."""


def lives(token: Credential, now: datetime) -> bool:
    """Whether its time is not over; Vault may refuse it all the same."""
    return bool(token.handle.lease) and token.expires_at is not None and token.expires_at > now


def serves(token: Credential, now: datetime) -> bool:
    """Whether it may be used: it has time left, and Vault has not refused it."""
    margin = min(MARGIN, (token.term or MARGIN) / 10)
    return token.rejected_at is None and lives(token, now + margin)


def renews_at(uid: str, token: Credential) -> datetime | None:
    """When it is renewed: between a third and half of its period, each workflow's at its own.

    None when it has no period.
    """
    if token.expires_at is None or token.term is None:
        return None
    share = 2 / 3 - spread(uid, CHAIN, token.rotation_id) / 6
    return token.expires_at - timedelta(seconds=int(token.term.total_seconds() * share))
