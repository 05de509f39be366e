# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What of a spec cannot be kept to the letter though nothing is wrong. Pure; never a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.credential import Engine
from wardkeeper.api.duration import text_of
from wardkeeper.rotation.times import LONG_ENOUGH, ends_at, shortened

if TYPE_CHECKING:
    from wardkeeper.rotation.credential import Credential
    from wardkeeper.rotation.facts import Wish


def advice(wish: Wish, current: Credential | None) -> str:
    """What Vault's role does not let be kept of `rotation.every`; empty when it lets it."""
    if current is None or current.engine is not Engine.DATABASE_DYNAMIC:
        return ""
    planned, end = shortened(wish, current), ends_at(current)
    if planned is None or current.issued_at is None or end is None:
        return ""
    every, life = wish.every.total_seconds(), (end - current.issued_at).total_seconds()
    return (
        f"rotation.every is {text_of(every)}, but database role {current.role} in Vault lets a "
        f"login live {text_of(life)} at most, so it is replaced every "
        f"{text_of(planned.total_seconds())}; let an administrator raise the role's max_ttl to "
        f"{text_of(every * LONG_ENOUGH)}, or lower rotation.every"
    )
