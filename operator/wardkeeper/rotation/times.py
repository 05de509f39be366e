# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""When a credential is due, overdue and renewed. Pure; every time is on Vault's clock.

Deadlines are absolute, and spreading only ever makes something earlier. Whole seconds, so that a
time that was written equals the one that is computed again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from wardkeeper.api.credential import Engine
from wardkeeper.api.duration import seconds
from wardkeeper.rotation.identity import spread
from wardkeeper.rotation.windows import freezes_at, thaws_at

if TYPE_CHECKING:
    from datetime import datetime

    from wardkeeper.api.secrets import SecretSpec
    from wardkeeper.rotation.credential import Credential
    from wardkeeper.rotation.facts import Wish

SPREAD = 0.1
"""A rotation happens up to this share of a lifetime before its time, each secret at its own."""

DUE_SHARE = 2 / 3
"""What ends by itself is replaced after this share of its life."""

LONG_ENOUGH = 1.6
"""Times `every` that a life has to be for `every` to be kept, whatever the share of the spread."""

DEADLINE_SHARE = 0.9
MARGIN = timedelta(seconds=30)
"""What is left of a life at the deadline at least, if the life is long enough for that."""

LONGEST_LOOK = timedelta(minutes=10)
"""Nobody goes without a look at a secret for longer: clocks jump, and timers do not see it."""

HEAD_START = timedelta(hours=1)
"""How long before a freeze window a rotation begins that would be too late after it."""

SHORTEST_RENEWAL = timedelta(seconds=2)

FIRST_PAUSE = 5.0
LONGEST_PAUSE = 3600.0
DEFAULT_OVERLAP = timedelta(hours=1)
OVERDUE_FACTOR = 1.5

_EVERY = {
    Engine.KV_GENERATED: timedelta(hours=720),
    Engine.KV_SYNCED: timedelta(hours=2160),
    Engine.DATABASE_DYNAMIC: timedelta(hours=24),
    Engine.DATABASE_ALTERNATING: timedelta(hours=168),
    Engine.DATABASE_STATIC: timedelta(hours=168),
    Engine.TRANSIT: timedelta(hours=2160),
}


@dataclass(frozen=True, slots=True)
class Times:
    """The times of one secret, declared or the defaults of its engine."""

    every: timedelta
    overlap: timedelta
    max_age: timedelta


def times_of(spec: SecretSpec) -> Times:
    """What the spec says, and the defaults of the engine for what it leaves out."""
    told = spec.rotation
    every = _told(told.every)
    if every is None:
        pki = spec.source.pki
        every = timedelta(seconds=seconds(pki.ttl)) if pki else _EVERY[spec.engine]
    overlap = _told(told.overlap)
    if overlap is None:
        overlap = min(DEFAULT_OVERLAP, _whole(every / 4))
    max_age = _told(told.max_age)
    if max_age is None:
        max_age = _whole(every * OVERDUE_FACTOR)
    return Times(every, min(overlap, every), max_age)


def ends_at(credential: Credential) -> datetime | None:
    """When a credential ends for good; None when it does not by itself.

    A lease that is renewed counts with its last end, any other with the end it has.
    """
    if credential.ends_at is not None or is_renewable(credential):
        return credential.ends_at
    return credential.expires_at


def is_renewable(credential: Credential) -> bool:
    """Whether its end can be put off: a lease that is not at its longest."""
    leased = credential.engine is Engine.DATABASE_DYNAMIC and credential.expires_at is not None
    at_most = credential.ends_at
    return leased and (at_most is None or at_most > (credential.expires_at or at_most))


def due_at(wish: Wish, credential: Credential) -> datetime | None:
    """When it is replaced: never later than `every` after it was made; None while unmade.

    One that would reach its deadline in a freeze window is replaced before that begins.
    """
    start = credential.issued_at
    if start is None:
        return None
    due = _due(wish, credential, start)
    if wish.windows:
        begins = freezes_at(wish.windows, due)
        late = thaws_at(wish.windows, due) >= _deadline(wish, credential, start, due)
        if begins is not None and late and begins > start:
            due = min(due, begins - min(HEAD_START, (begins - start) / 2))
    return due.replace(microsecond=0)


def deadline_of(wish: Wish, credential: Credential) -> datetime | None:
    """When it counts as overdue; never before it is due. None while unmade."""
    start = credential.issued_at
    if start is None:
        return None
    return _deadline(wish, credential, start, _due(wish, credential, start))


def _due(wish: Wish, credential: Credential, start: datetime) -> datetime:
    share = spread(wish.uid, wish.name, credential.rotation_id) * SPREAD
    due = start + min(_whole(wish.every * (1 - share)), wish.max_age)
    end = ends_at(credential)
    if end is not None:
        due = min(due, start + _whole((end - start) * (DUE_SHARE - share)))
    return due.replace(microsecond=0)


def _deadline(wish: Wish, credential: Credential, start: datetime, due: datetime) -> datetime:
    deadline = start + wish.max_age
    end = ends_at(credential)
    if end is not None:
        life = end - start
        deadline = min(deadline, start + _whole(life * DEADLINE_SHARE) - min(MARGIN, life / 10))
    return max(due, deadline.replace(microsecond=0))


def shortened(wish: Wish, credential: Credential) -> timedelta | None:
    """After how long it is replaced because of its end; None when `every` comes first."""
    start = credential.issued_at
    if start is None or ends_at(credential) is None:
        return None
    planned = _due(wish, credential, start) - start
    asked = _due(wish, replace(credential, expires_at=None, ends_at=None), start) - start
    return planned if planned < asked else None


def renew_at(wish: Wish, credential: Credential) -> datetime | None:
    """When its lease is renewed: after two thirds of the present term; None: not any more.

    It goes on until nothing more is granted, even past the time to replace it: a rotation may
    have to wait for a window or for Vault. Right after a renewal there is never another one.
    """
    start, expires = credential.issued_at, credential.expires_at
    if start is None or expires is None or not is_renewable(credential):
        return None
    term = credential.term or (expires - start)
    return (expires - term + max(term * 2 / 3, SHORTEST_RENEWAL)).replace(microsecond=0)


def look_after(wish: Wish, credential: Credential) -> timedelta:
    """The longest time without a look."""
    end = ends_at(credential)
    life = end - credential.issued_at if end and credential.issued_at else wish.every
    return max(timedelta(seconds=1), min(LONGEST_LOOK, life / 10))


def backoff(failures: int) -> timedelta:
    """The pause after so many failures: 5 s, doubling, an hour at most."""
    return timedelta(seconds=min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures - 1, 16)))


def _told(duration: str | None) -> timedelta | None:
    return timedelta(seconds=seconds(duration)) if duration else None


def _whole(duration: timedelta) -> timedelta:
    return timedelta(seconds=int(duration.total_seconds()))
