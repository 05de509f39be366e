# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""One secret in one pass: the facts about it, what was decided, and how that is reported. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from wardkeeper.api.duration import seconds
from wardkeeper.api.reasons import Reason
from wardkeeper.engine.secret_job import Phase, SecretOutcome
from wardkeeper.rotation.decide import Action, Decision, Wish, deadline_of, decide, due_at
from wardkeeper.rotation.record import Record, record_of, write_time
from wardkeeper.rotation.version import fingerprint_of

if TYPE_CHECKING:
    from datetime import datetime

    from wardkeeper.api.secrets import GeneratedField, SecretSpec
    from wardkeeper.engine.secret_job import Job
    from wardkeeper.rotation.request import Requests
    from wardkeeper.vault.errors import VaultError

WAIT_UNAVAILABLE = 5.0
"""Seconds to the next try when Vault is away and says nothing about waiting."""

WAIT_REFUSED = 60.0
"""Seconds to the next try when Vault refuses: a person has to act first."""

LONGEST_LOOK = 3600.0
"""Seconds that nobody looks at a secret at most: clocks jump, and timers do not see it."""

OVERDUE_FACTOR = 1.5
"""Age that counts as overdue, in multiples of `every`, when the spec names none."""


@dataclass(frozen=True, slots=True)
class Case:
    """A secret, what is known of its delivery without asking Vault, and what that leads to.

    Attributes:
        wish: what is wanted.
        fields: the declared fields.
        record: what the delivered Secret says; None when there is none or it says nothing.
        intact: nobody else changed the delivered Secret.
        known: there has been a version before.
        decision: what to do by these facts.
    """

    wish: Wish
    fields: tuple[GeneratedField, ...]
    record: Record | None
    intact: bool
    known: bool
    decision: Decision

    @property
    def must_act(self) -> bool:
        """Vault has to be asked."""
        return self.decision.action is not Action.KEEP

    def at(self, now: datetime) -> Case:
        """The same facts, decided for another time."""
        decision = decide(self.wish, self.record, now=now, intact=self.intact, known=self.known)
        return replace(self, decision=decision)


def case_of(job: Job, spec: SecretSpec, asked: Requests, handled: Requests, now: datetime) -> Case:
    """Gather what is known of one secret and decide.

    Raises:
        ValueError: the secret's source is none that this operator makes.
    """
    if spec.source.kv_generated is None:
        raise ValueError(f"secret {spec.name} has no source; set source.kvGenerated")
    fields = spec.source.kv_generated.fields
    every = seconds(spec.rotation.every)
    max_age = spec.rotation.max_age
    wish = Wish(
        uid=job.uid,
        name=spec.name,
        source=fingerprint_of(fields),
        every=timedelta(seconds=every),
        max_age=timedelta(seconds=seconds(max_age) if max_age else int(every * OVERDUE_FACTOR)),
        request=asked.of(spec.name),
        handled=handled.of(spec.name),
    )
    live = job.delivered.get(spec.name)
    annotations = live.metadata.get("metadata", {}).get("annotations") or {} if live else {}
    record = record_of(annotations)
    intact = live is not None and not live.foreign_edit
    known = live is not None or spec.name in job.known
    decision = decide(wish, record, now=now, intact=intact, known=known)
    return Case(wish, fields, record, intact, known, decision)


def kept(case: Case, now: datetime) -> SecretOutcome:
    """Nothing to do; also the outcome to start from while something is to be done."""
    outcome = SecretOutcome(name=case.wish.name, cause=case.decision.cause)
    if case.record is None:
        return outcome
    outcome = _with_record(outcome, case.wish, case.record, now)
    return outcome if case.intact else replace(outcome, content_mac=None)


def delivered(
    case: Case, record: Record, now: datetime, *, action: Action, rotated: bool
) -> SecretOutcome:
    """This version was published just now."""
    outcome = SecretOutcome(
        name=case.wish.name,
        action=action,
        cause=case.decision.cause,
        published=True,
        rotated=rotated,
    )
    return _with_record(outcome, case.wish, record, now)


def failed(case: Case, error: VaultError, now: datetime) -> SecretOutcome:
    """Vault could not or would not; what is delivered stays and keeps its record."""
    return _stuck(
        case,
        now,
        phase=Phase.WAITING if error.unavailable else Phase.FAILED,
        reason=error.reason,
        message=str(error),
        wait=wait_after(error),
    )


def wait_after(error: VaultError) -> float:
    """Seconds until another try makes sense."""
    return error.retry_after or (WAIT_UNAVAILABLE if error.unavailable else WAIT_REFUSED)


def without_vault(case: Case, now: datetime) -> SecretOutcome:
    """No Vault is configured, and one is needed."""
    message = f"cannot make secret {case.wish.name}: no Vault is configured; {NO_VAULT_REMEDY}"
    return _stuck(
        case,
        now,
        phase=Phase.FAILED,
        reason=Reason.VAULT_NOT_CONFIGURED,
        message=message,
        wait=WAIT_REFUSED,
    )


NO_VAULT_REMEDY = "set vault.address in the operator's settings"


def _stuck(
    case: Case, now: datetime, *, phase: Phase, reason: Reason, message: str, wait: float
) -> SecretOutcome:
    outcome = kept(case, now)
    if case.record is None:
        message += "; nothing is delivered yet"
    elif outcome.overdue and outcome.deadline:
        message += f"; what is delivered is overdue since {write_time(outcome.deadline)}"
    else:
        message += "; what is delivered stays in use"
    return replace(
        outcome,
        action=case.decision.action,
        phase=phase,
        reason=reason,
        message=message,
        next_look=wait,
    )


def _with_record(
    outcome: SecretOutcome, wish: Wish, record: Record, now: datetime
) -> SecretOutcome:
    due, deadline = due_at(wish, record), deadline_of(wish, record)
    return replace(
        outcome,
        version=str(record.version),
        rotated_at=record.rotated_at,
        due_at=due,
        deadline=deadline,
        content_mac=record.content_mac,
        overdue=now >= deadline,
        next_look=min(LONGEST_LOOK, max(1.0, (due - now).total_seconds())),
    )
