# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A world in memory in which the steps of the state machine are carried out.

It has a Vault that makes and ends credentials, a ledger, a Secret and a workload, and a process
that may die after any write and lose any answer. What must hold in it is checked after each write.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tests.unit.rotation.samples import NOW, record_of
from wardkeeper.api.credential import Engine
from wardkeeper.rotation.credential import Credential, Handle
from wardkeeper.rotation.facts import POLLED, Facts, Roll, Rolling, Source, Step, Wish
from wardkeeper.rotation.machine import decide
from wardkeeper.rotation.standing import standing
from wardkeeper.rotation.times import backoff

if TYPE_CHECKING:
    from collections.abc import Callable

    from wardkeeper.rotation.facts import Decision
    from wardkeeper.rotation.record import Record

RESTING = (Step.NOTHING, Step.WAIT, Step.ROLL)
MOST_STEPS = 40
ROLLS_FOR = timedelta(seconds=30)


class Died(Exception):
    """The process died here."""


class Workload:
    """A workload that takes a while to take up what is delivered."""

    def __init__(self) -> None:
        self.there = False
        self.stamp = ""
        self.since = NOW
        self.restarts: list[str] = []
        self.broken_by: set[str] = set()

    def rolling(self, delivered: str, now: datetime) -> Rolling:
        """Where it stands with what is delivered."""
        if not self.there:
            return Rolling(Roll.NONE)
        if self.stamp != delivered:
            return Rolling(Roll.DUE)
        if now < self.since + ROLLS_FOR:
            return Rolling(Roll.MOVING)
        if self.stamp in self.broken_by:
            return Rolling(Roll.STUCK)
        return Rolling(Roll.READY, self.since + ROLLS_FOR)

    def roll(self, delivered: str, now: datetime) -> None:
        """Start it, or start it anew."""
        if self.there:
            self.restarts.append(delivered)
        self.there, self.stamp, self.since = True, delivered, now


class World:
    """One secret of one workflow and everything around it.

    Args:
        wished: what is wanted of the secret.
        dies: asked before and after each write; raises `Died` when the process dies there.
        term: for how long a lease is granted; None without leases.
        ends: the longest life of a lease.
    """

    def __init__(
        self,
        wished: Wish,
        dies: Callable[[str], None] = lambda where: None,
        *,
        term: timedelta | None = None,
        ends: timedelta | None = None,
    ) -> None:
        self.wish = wished
        self.now = NOW
        self.dies = dies
        self.term = term
        self.ends = ends
        self.entries: dict[str, Credential] = {}
        self.kept: dict[str, Credential] = {}
        self.alive: dict[str, datetime | None] = {}
        self.made: list[str] = []
        self.record: Record | None = None
        self.intact = False
        self.workload = Workload()
        self.unprovable: set[str] = set()
        self.source_version = 1
        self.vault_up = True
        self._proven: set[str] = set()
        self._source: Source | None = None

    @property
    def current(self) -> Credential:
        """The one credential in use."""
        current = standing(self.entries.values()).current
        assert current is not None
        return current

    @property
    def workload_moves(self) -> bool:
        """Whether the workload has not taken up what is delivered yet."""
        roll = self.workload.rolling(self._content(), self.now).roll
        return roll in (Roll.DUE, Roll.MOVING)

    def run_pass(self) -> Decision:
        """Carry out all steps until there is nothing to do; the last decision."""
        self._proven, self._source = set(), None
        for _ in range(MOST_STEPS):
            decision = decide(self.wish, self.facts())
            if decision.step in RESTING:
                self._stamp(decision)
                return decision
            if not self.vault_up:
                return decision
            self._carry_out(decision)
            self.check()
        raise AssertionError(f"no rest in {MOST_STEPS} steps: {decision}")

    def facts(self) -> Facts:
        """What a pass knows now."""
        return Facts(
            entries=tuple(self.entries.values()),
            delivered=self.record,
            intact=self.intact,
            rolling=self.workload.rolling(self._content(), self.now),
            now=self.now,
            source=self._source,
            proven=frozenset(self._proven),
        )

    def live(self) -> set[str]:
        """Ids of the credentials that work now."""
        return {one for one, end in self.alive.items() if end is None or end > self.now}

    def check(self) -> None:
        """What must hold whatever happens."""
        restarts = self.workload.restarts
        assert all(a != b for a, b in pairwise(restarts))
        assert len(self.made) == len(set(self.made)), "one rotation made two credentials"

    def _content(self) -> str:
        return self.record.rotation_id if self.record else ""

    def _stamp(self, decision: Decision) -> None:
        if not self.wish.restarts or not self.wish.delivers or self.record is None:
            return
        if decision.current is None and not self.workload.there:
            return
        if self.workload.stamp != self._content():
            self.workload.roll(self._content(), self.now)

    def _carry_out(self, decision: Decision) -> None:
        step, subject = decision.step, decision.subject
        if step is Step.LOOK:
            self._source = Source(str(self.source_version))
        elif step is Step.INTEND:
            self._write(f"{step}", lambda: self._intend(decision))
        elif subject is None:
            raise AssertionError(f"{step} needs an entry")
        elif step is Step.ISSUE:
            if subject.rotation_id not in self.kept:
                self._write("make", lambda: self._make(subject))
            made = self.kept[subject.rotation_id]
            self._note(
                subject,
                handle=made.handle,
                issued_at=made.issued_at,
                term=made.term,
                expires_at=made.expires_at,
                ends_at=made.ends_at,
                failures=0,
            )
        elif step is Step.PROVE:
            self._prove(decision, subject)
        elif step is Step.PUBLISH:
            self._write(f"{step}", lambda: self._publish(subject))
        elif step is Step.ACCEPT:
            self._note(subject, proven_at=self.now, failures=0, retry_at=None)
            for one in list(self.entries.values()):
                ended = one.revoke_after or one.rejected_at
                if ended is None and one.rotation_id != subject.rotation_id:
                    self._note(one, revoke_after=decision.revoke_after, failures=0, retry_at=None)
        elif step is Step.REJECT:
            self._reject(decision, subject)
        elif step is Step.RENEW:
            self._write(f"{step}", lambda: self._renew(subject))
        elif step is Step.RETIRE:
            self._write("end", lambda: self._end(subject))
            self._write("close", lambda: self.entries.pop(subject.rotation_id, None))

    def _write(self, what: str, write: Callable[[], Any]) -> None:
        self.dies(f"before {what}")
        write()
        self.dies(f"after {what}")

    def _note(self, one: Credential, **changes: Any) -> None:
        def note() -> None:
            known = self.entries[one.rotation_id]
            self.entries[one.rotation_id] = replace(known, **changes)

        self._write("note", note)

    def _intend(self, decision: Decision) -> None:
        before = decision.current
        slot = "b" if before and before.handle.slot == "a" else "a"
        self.entries.setdefault(
            decision.rotation_id,
            Credential(
                name=decision.rotation_id[:12],
                secret=self.wish.name,
                engine=self.wish.engine,
                rotation_id=decision.rotation_id,
                role=slot if self.wish.engine is Engine.DATABASE_ALTERNATING else "role",
                source=self.wish.source,
                request=self.wish.request or (before.request if before else ""),
                intended_at=self.now,
            ),
        )

    def _make(self, subject: Credential) -> None:
        self.made.append(subject.rotation_id)
        engine = self.wish.engine
        if engine is Engine.DATABASE_ALTERNATING:
            for other in [one for one, made in self.kept.items() if made.role == subject.role]:
                self.alive.pop(other, None)
        if engine is Engine.DATABASE_STATIC:
            self.alive.clear()
            self.source_version += 1
        end = self.now + self.term if self.term else None
        self.alive[subject.rotation_id] = end
        self.kept[subject.rotation_id] = replace(
            subject,
            handle=Handle(
                kv_version=len(self.made),
                slot=subject.role if engine is Engine.DATABASE_ALTERNATING else "",
                marker=str(self.source_version) if engine in POLLED else str(len(self.made)),
            ),
            issued_at=self.now,
            expires_at=end,
            term=self.term,
            ends_at=self.now + self.ends if self.ends else None,
        )

    def _prove(self, decision: Decision, subject: Credential) -> None:
        works = subject.rotation_id in self.live()
        if subject.rotation_id in self.unprovable or not works:
            self._reject(decision, subject)
        else:
            self._proven.add(subject.rotation_id)

    def _reject(self, decision: Decision, subject: Credential) -> None:
        current = decision.current
        self._note(subject, rejected_at=self.now)
        if current is not None and current.rotation_id != subject.rotation_id:
            failures = current.failures + 1
            self._note(current, failures=failures, retry_at=self.now + backoff(failures))

    def _publish(self, subject: Credential) -> None:
        assert subject.rotation_id in self.live(), "what is delivered must work"
        self.record, self.intact = record_of(subject, self.wish), True

    def _renew(self, subject: Credential) -> None:
        assert self.term is not None
        end = self.now + self.term
        at_most = subject.ends_at
        if at_most is not None:
            end = min(end, at_most)
        self.alive[subject.rotation_id] = end
        known = self.entries[subject.rotation_id]
        self.entries[subject.rotation_id] = replace(known, expires_at=end)

    def _end(self, subject: Credential) -> None:
        newer = [one for one in self.entries.values() if one.proven_at or one.issued_at]
        assert any(one.rotation_id != subject.rotation_id for one in newer) or not self.made
        delivered = self._content()
        assert delivered != subject.rotation_id, "what is delivered must not be ended"
        if subject.rejected_at is None:
            assert self.current.rotation_id != subject.rotation_id
        self.alive.pop(subject.rotation_id, None)
