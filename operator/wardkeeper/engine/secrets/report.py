# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Where one secret stands, in words for people. Pure; never a value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wardkeeper.api.credential import Engine
from wardkeeper.api.reasons import Reason
from wardkeeper.engine.secrets.advice import advice
from wardkeeper.engine.secrets.job import SecretOutcome
from wardkeeper.engine.secrets.wish import GIVE_UP_BEFORE
from wardkeeper.rotation.facts import Cause, Phase, Step
from wardkeeper.rotation.record import write_time
from wardkeeper.vault.errors import Kind, VaultError

if TYPE_CHECKING:
    from typing import Self

    from wardkeeper.api.secrets import SecretSpec
    from wardkeeper.rotation.credential import Credential
    from wardkeeper.rotation.facts import Decision, Facts, Wish

WAIT_UNAVAILABLE = 5.0
"""Seconds to the next try when Vault is away and says nothing about waiting."""

WAIT_REFUSED = 60.0
"""Seconds to the next try when Vault refuses: a person has to act first."""

DELETED = (
    "somebody deleted its source in Vault; write it anew, or take the secret out of the workflow"
)
_KINDS = frozenset(map(str, Kind))
NO_VAULT_REMEDY = "set vault.address in the operator's settings"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a secret is not where it should be.

    Attributes:
        phase: Degraded (Vault is away) or Failed.
        reason: for the condition.
        message: for people, with the remedy.
        wait: seconds to the next try.
    """

    phase: Phase
    reason: Reason
    message: str
    wait: float

    @classmethod
    def of(cls, error: VaultError) -> Self:
        """What Vault could not or would not do."""
        phase = Phase.DEGRADED if error.unavailable else Phase.FAILED
        return cls(phase, error.reason, str(error), wait_after(error))

    @classmethod
    def unproven(cls, message: str) -> Self:
        """Nobody could tell whether a new credential works."""
        message = f"a new credential cannot be proven: {message}"
        return cls(Phase.FAILED, Reason.DATABASE_REFUSED, message, WAIT_REFUSED)

    @classmethod
    def empty(cls, message: str, reason: Reason = Reason.SECRET_EMPTY) -> Self:
        """The source holds nothing that could be delivered."""
        return cls(Phase.FAILED, reason, message, WAIT_REFUSED)


def without_vault(secret: str) -> Trouble:
    """No Vault is configured, and one is needed."""
    message = f"cannot make secret {secret}: no Vault is configured; {NO_VAULT_REMEDY}"
    return Trouble(Phase.FAILED, Reason.VAULT_NOT_CONFIGURED, message, WAIT_REFUSED)


def wait_after(error: VaultError) -> float:
    """Seconds until another try makes sense."""
    return error.retry_after or (WAIT_UNAVAILABLE if error.unavailable else WAIT_REFUSED)


def report(
    wish: Wish,
    spec: SecretSpec,
    facts: Facts,
    decision: Decision,
    trouble: Trouble | None,
    *,
    restored: Cause | None,
    rotated: bool,
) -> SecretOutcome:
    """The outcome of a pass over one secret."""
    shown = _shown(facts, decision)
    overdue = decision.deadline is not None and facts.now >= decision.deadline
    found = trouble or _standing(spec, facts, decision, overdue=overdue)
    record = facts.delivered
    if wish.delivers:
        version = str(record.version) if record else None
    else:
        version = decision.current.handle.marker if decision.current else None
    return SecretOutcome(
        name=spec.name,
        engine=wish.engine,
        delivers=wish.delivers,
        phase=found.phase if found else decision.phase,
        cause=decision.cause,
        version=version,
        rotated_at=shown.issued_at if shown else None,
        due_at=decision.due_at,
        deadline=decision.deadline,
        expires_at=shown.expires_at if shown else None,
        content_mac=record.content_mac if record and wish.delivers else None,
        restored=restored,
        rotated=rotated,
        reason=found.reason if found else None,
        message=_closing(found, version, decision, overdue=overdue) if found else "",
        advice=advice(wish, decision.current),
        waits_for=_waits_for(wish, decision, facts),
        overdue=overdue,
        request=shown.request if shown else "",
        next_look=_next_look(facts, decision, found),
    )


def _shown(facts: Facts, decision: Decision) -> Credential | None:
    """The entry that is delivered, else the one in use."""
    if facts.delivered is not None:
        for entry in facts.entries:
            if entry.rotation_id == facts.delivered.rotation_id:
                return entry
    return decision.current


def _standing(
    spec: SecretSpec, facts: Facts, decision: Decision, *, overdue: bool
) -> Trouble | None:
    """A trouble that no request met in this pass, but that stands."""
    current, next_look = decision.current, WAIT_REFUSED
    if facts.source is not None and facts.source.deleted:
        return Trouble(Phase.FAILED, Reason.SOURCE_DELETED, DELETED, next_look)
    if facts.source is not None and facts.source.empty:
        message = "its source in Vault is empty, and nothing empty is delivered; write its values"
        return Trouble(Phase.FAILED, Reason.SECRET_EMPTY, message, next_look)
    intents = (e for e in facts.entries if e.issued_at is None and e.rejected_at is None)
    waiting = next((one for one in intents if one.failures), None)
    if waiting is not None:
        return _refused(spec, waiting, facts)
    unproven = next((one for one in facts.entries if _is_unproven(one)), None)
    if unproven is not None:
        return _unproven(spec, unproven, facts)
    if current is not None and current.failures and decision.cause is not Cause.CURRENT:
        at = f"; tried again at {write_time(current.retry_at)}" if current.retry_at else ""
        message = f"a new one did not work: {current.last_error}{at}"
        return Trouble(Phase.FAILED, Reason.ROTATION_FAILED, message, next_look)
    if overdue:
        older = f"older than {spec.rotation.max_age}" if spec.rotation.max_age else "past its time"
        reason = (
            Reason.SECRET_TOO_OLD if spec.engine is Engine.KV_SYNCED else Reason.ROTATION_OVERDUE
        )
        remedy = (
            "whoever writes its source in Vault has to write a new version"
            if spec.engine is Engine.KV_SYNCED
            else "see the events of the workflow for why it was not replaced"
        )
        return Trouble(decision.phase, reason, f"it is {older}; {remedy}", next_look)
    return None


def _is_unproven(one: Credential) -> bool:
    """Whether a new credential waits for somebody who can tell whether it works."""
    ended = one.proven_at or one.rejected_at or one.revoke_after
    return one.issued_at is not None and ended is None and one.failures > 0


def _refused(spec: SecretSpec, intent: Credential, facts: Facts) -> Trouble:
    """What Vault said when it was last asked for an intended credential.

    The ledger may say it in a word of another release, or of somebody who edited it.
    """
    if intent.last_error not in _KINDS:
        why = intent.last_error or "nobody noted why"
        message = f"cannot make secret {spec.name}: {why}"
        return Trouble(Phase.FAILED, Reason.ROTATION_FAILED, message, _wait(intent, facts))
    error = VaultError(Kind(intent.last_error), f"make secret {spec.name}")
    return Trouble(Phase.FAILED, error.reason, str(error), _wait(intent, facts))


def _unproven(spec: SecretSpec, made: Credential, facts: Facts) -> Trouble:
    """What stood in the way when a new credential was last to be proven or delivered."""
    if made.last_error in _KINDS:
        error = VaultError(Kind(made.last_error), f"prove and deliver secret {spec.name}")
        return Trouble(Phase.FAILED, error.reason, str(error), _wait(made, facts))
    return replace(Trouble.unproven(made.last_error), wait=_wait(made, facts))


def _wait(one: Credential, facts: Facts) -> float:
    """Seconds until it is tried again."""
    wait = (one.retry_at - facts.now).total_seconds() if one.retry_at else WAIT_REFUSED
    return max(1.0, wait)


def _closing(found: Trouble, version: str | None, decision: Decision, *, overdue: bool) -> str:
    """What has gone wrong, and what that means; without Vault no Secret is looked at."""
    message = found.message
    if version is None and found.reason is Reason.VAULT_NOT_CONFIGURED:
        return f"{message}; what was delivered before, if anything was, stays as it is"
    if version is None:
        return f"{message}; nothing is delivered yet"
    if overdue and decision.deadline:
        return f"{message}; what is delivered is overdue since {write_time(decision.deadline)}"
    return f"{message}; what is delivered stays in use"


def _waits_for(wish: Wish, decision: Decision, facts: Facts) -> str:
    """What a secret waits for, in a few words; empty when for its time alone."""
    at = f" until {write_time(decision.next_look)}" if decision.next_look else ""
    if decision.frozen:
        return f"the end of a freeze window{at}"
    if decision.step is Step.ROLL:
        return "the restart of the workload"
    if decision.phase is Phase.ROLLING_OUT:
        return "the roll-out of the workload"
    if decision.phase is Phase.VERIFYING:
        return f"the workload to stay ready{at}"
    if decision.phase is Phase.OVERLAP:
        ends = [one.revoke_after for one in facts.entries if one.revoke_after]
        return f"the end of the overlap at {write_time(min(ends))}" if ends else ""
    return _another_approval(wish, decision)


def _another_approval(wish: Wish, decision: Decision) -> str:
    """What is wrong with an approval that gives up nothing; empty when none is."""
    current = decision.current
    if wish.engine is not Engine.TRANSIT or not wish.approved or current is None:
        return ""
    newest = current.handle.marker
    if str(wish.approved) == newest:
        return ""
    return (
        f"{GIVE_UP_BEFORE}={wish.name}={newest}, which names the newest version; "
        f"={wish.approved} gives up nothing"
    )


def _next_look(facts: Facts, decision: Decision, trouble: Trouble | None) -> float | None:
    """Seconds to the next look: for the trouble, or for what goes on beside it."""
    waits = []
    if trouble is not None and trouble.phase in (Phase.DEGRADED, Phase.FAILED):
        waits.append(trouble.wait)
    if decision.next_look is not None:
        waits.append(max(1.0, (decision.next_look - facts.now).total_seconds()))
    return min(waits, default=None)
