# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What rotation decides by: what is wanted of a secret, and what is known of it. Never a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from wardkeeper.api.credential import Engine

if TYPE_CHECKING:
    from datetime import datetime

    from wardkeeper.rotation.credential import Credential
    from wardkeeper.rotation.record import Record
    from wardkeeper.rotation.windows import Window

POLLED = frozenset({Engine.KV_SYNCED, Engine.DATABASE_STATIC})
"""Engines whose source changes without us: it has to be looked at now and then."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of one secret.

    Attributes:
        uid: uid of the workflow.
        name: name of the secret in the workflow.
        engine: what makes it.
        source: fingerprint of what is asked for.
        every: replaced at the latest after this long.
        overlap: how long the one before lives on when the new one was proven.
        max_age: overdue after this long.
        windows: times in which nothing is replaced (frozen).
        restarts: a change rolls the workload out anew; else files change in place.
        verify: how long the workload must be ready on the new one before it counts as proven.
        request: the rotate-now request for it; empty when there is none.
        handled: the rotate-now request that status says was answered; empty when there is none.
        approved: version of a transit key before which all may be given up, once it is in use;
            0: none.
    """

    uid: str
    name: str
    engine: Engine
    source: str
    every: timedelta
    overlap: timedelta
    max_age: timedelta
    windows: tuple[Window, ...] = ()
    restarts: bool = True
    verify: timedelta = timedelta(seconds=10)
    request: str = ""
    handled: str = ""
    approved: int = 0

    @property
    def delivers(self) -> bool:
        """Something is delivered as a Secret; a transit key never leaves Vault."""
        return self.engine is not Engine.TRANSIT


@dataclass(frozen=True, slots=True)
class Source:
    """What the source of a polled engine says of itself.

    Attributes:
        marker: its version or the time of its last rotation; another one means another value.
        made_at: when that was made, on Vault's clock.
        deleted: somebody deleted it on purpose.
        empty: it holds nothing that could be delivered.
    """

    marker: str
    made_at: datetime | None = None
    deleted: bool = False
    empty: bool = False


class Roll(StrEnum):
    """Where the workload stands with what is delivered."""

    NONE = "None"
    """There is no workload that restarts: none yet, a Job, a CronJob, or nothing changed files."""
    DUE = "Due"
    """Its template does not carry the content that is delivered."""
    MOVING = "Moving"
    READY = "Ready"
    STUCK = "Stuck"


@dataclass(frozen=True, slots=True)
class Rolling:
    """How the workload takes up what is delivered; `since` is when it became ready on it."""

    roll: Roll = Roll.NONE
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one secret in one look.

    Attributes:
        entries: the ledger's entries of this secret, in any order; the token's are not among them.
        delivered: what the live Secret says of itself; None when there is none or it is illegible.
        intact: the live Secret is as it was published.
        rolling: where the workload stands with what is delivered.
        source: what the source says, for polled engines; None when it was not asked lately.
        proven: rotation ids that were proven directly since this process asked for them.
        now: the time, on Vault's clock as well as it is known.
    """

    entries: tuple[Credential, ...]
    delivered: Record | None
    intact: bool
    rolling: Rolling
    now: datetime
    source: Source | None = None
    proven: frozenset[str] = field(default_factory=frozenset)


class Step(StrEnum):
    """What is to be done next about one secret."""

    NOTHING = "Nothing"
    LOOK = "Look"
    """Ask the source what it says of itself (a read)."""
    INTEND = "Intend"
    """Record the intent of a new credential in the ledger, with `rotation_id`."""
    ISSUE = "Issue"
    """Ask for the intended credential `subject`, or adopt what a lost answer made; note it."""
    PROVE = "Prove"
    """Prove `subject` directly (a login, a handshake, a round trip)."""
    PUBLISH = "Publish"
    """Deliver `subject`: first time, again after an edit, or again after a failed successor."""
    ROLL = "Roll"
    """The workload has to be stamped; the engine does so when it may. A wait, for this secret."""
    WAIT = "Wait"
    """Wait until `next_look`: for a roll-out, a window, an overlap, a retry."""
    ACCEPT = "Accept"
    """Note that `subject` is proven, and when the ones before it are revoked."""
    REJECT = "Reject"
    """Note that `subject` does not work; the one before is published again."""
    RENEW = "Renew"
    """Renew the lease of `subject`."""
    RETIRE = "Retire"
    """End `subject`, then close its entry."""


class Phase(StrEnum):
    """Where one secret stands, for people (facts of the ledger, not stored anywhere)."""

    IDLE = "Idle"
    INTENT = "Intent"
    ISSUING = "Issuing"
    ISSUED = "Issued"
    PUBLISHING = "Publishing"
    PUBLISHED = "Published"
    ROLLING_OUT = "RollingOut"
    VERIFYING = "Verifying"
    OVERLAP = "Overlap"
    RETIRING = "Retiring"
    ROLLING_BACK = "RollingBack"
    DEGRADED = "Degraded"
    FAILED = "Failed"
    QUARANTINING = "Quarantining"
    DELETING = "Deleting"


class Cause(StrEnum):
    """Why a credential is replaced or delivered again."""

    CURRENT = "Current"
    FIRST = "First"
    ADOPTED = "Adopted"
    """It is delivered and the ledger does not know it."""
    MISSING = "Missing"
    EDITED = "Edited"
    DATES_CHANGED = "DatesChanged"
    SOURCE_CHANGED = "SourceChanged"
    """The spec asks for something else."""
    SOURCE_MOVED = "SourceMoved"
    """The source holds another value than the one that is delivered."""
    REQUESTED = "Requested"
    REVOKED = "Revoked"
    """Somebody deleted its entry in the ledger."""
    DUE = "Due"
    ENDED = "Ended"
    """It has come to its end already."""
    MADE_IN_THE_FUTURE = "MadeInTheFuture"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, and where the secret stands.

    Attributes:
        step: what to do.
        phase: where the secret stands.
        cause: why.
        subject: the entry that it is done to; None for NOTHING, LOOK, INTEND.
        rotation_id: of the new credential; for INTEND.
        current: the entry that is in use; None when none is.
        due_at: when the current one is replaced.
        deadline: when it counts as overdue.
        frozen: a rotation is due and waits for a window to end.
        revoke_after: for ACCEPT: when the older ones may be revoked.
        next_look: when to look again if nothing happens; None: nothing to wait for.
    """

    step: Step
    phase: Phase
    cause: Cause = Cause.CURRENT
    subject: Credential | None = None
    rotation_id: str = ""
    current: Credential | None = None
    due_at: datetime | None = None
    deadline: datetime | None = None
    frozen: bool = False
    revoke_after: datetime | None = None
    next_look: datetime | None = None
