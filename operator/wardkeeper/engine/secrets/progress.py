# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Carries one secret from step to step, until the state machine says that it has to wait.

What a step could not do is noted where it matters for the next pass; what Vault could not do for
one secret holds up no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.engine.secrets.issue import NothingMade
from wardkeeper.engine.secrets.report import Trouble, report, without_vault
from wardkeeper.engine.secrets.steps import carry_out, put_off, reject
from wardkeeper.proof.errors import Cause as NotProvenCause
from wardkeeper.proof.errors import NotProven
from wardkeeper.rotation.facts import Step
from wardkeeper.rotation.machine import decide
from wardkeeper.rotation.times import backoff
from wardkeeper.vault.errors import Kind, VaultError

if TYPE_CHECKING:
    from wardkeeper.engine.secrets.job import SecretOutcome
    from wardkeeper.engine.secrets.work import Work
    from wardkeeper.rotation.credential import Credential
    from wardkeeper.rotation.facts import Decision

RESTING = frozenset({Step.NOTHING, Step.WAIT, Step.ROLL})
"""Steps in which nothing is done for the secret itself."""

MOST_STEPS = 40
"""Steps of one secret in one pass: a rotation needs about ten, and a loop must not go unseen."""

_LOST = frozenset({Kind.LEASE_GONE})
_UNDER_WAY = frozenset({Step.ISSUE, Step.PROVE, Step.PUBLISH})


class NoRest(Exception):
    """A secret goes from step to step without end: a defect, told by name."""


class Progress:
    """One secret in one pass."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._measured = False
        self._doubted = False

    async def run(self) -> SecretOutcome:
        """All steps that can be done now; where the secret stands then.

        Raises:
            ApiError: the API server refused.
            Outcome: the Secret or an entry of the ledger could not be written.
            NoRest: there is no end to it.
        """
        work = self._work
        for _ in range(MOST_STEPS):
            decision = decide(work.wish, work.facts())
            if decision.step in RESTING:
                return self._report(decision, None)
            vault = work.services.vault
            if vault is None:
                return self._report(decision, without_vault(work.spec.name))
            try:
                if not self._measured:
                    work.now, self._measured = await vault.now(), True
                    continue
                await carry_out(work, decision, vault)
            except VaultError as error:
                trouble = await self._failed(decision, error)
                if trouble is not None:
                    return self._report(decision, trouble)
            except NotProven as refuted:
                await self._not_proven(decision, refuted)
            except NothingMade as nothing:
                return self._report(decision, Trouble.empty(str(nothing), nothing.reason))
        raise NoRest(
            f"secret {work.spec.name} of workflow {work.job.namespace}/{work.job.workflow} came "
            f"to no rest in {MOST_STEPS} steps"
        )

    async def _not_proven(self, decision: Decision, refuted: NotProven) -> None:
        if refuted.cause is NotProvenCause.UNREACHABLE and decision.subject is not None:
            await put_off(self._work, decision.subject, str(refuted))
        else:
            await reject(self._work, decision, str(refuted))

    async def _failed(self, decision: Decision, error: VaultError) -> Trouble | None:
        """Take in what Vault would not do; None when the pass goes on all the same."""
        work, subject, step = self._work, decision.subject, decision.step
        if step is Step.RENEW and error.kind in _LOST and subject:
            await work.note(subject, expires_at=work.now, ends_at=work.now)
            return None
        if error.kind is Kind.DENIED and not self._doubted:
            self._doubted = True
            try:
                if await work.tokens.doubt(work.owner):
                    return None
            except VaultError as untold:  # Vault went away meanwhile, which says more
                error = untold
        if error.unavailable or subject is None or not _is_noted(step, subject):
            return Trouble.of(error)
        failures = subject.failures + 1
        await work.note(
            subject,
            failures=failures,
            retry_at=work.now + backoff(failures),
            last_error=str(error.kind),
        )
        return None

    def _report(self, decision: Decision, trouble: Trouble | None) -> SecretOutcome:
        work = self._work
        return report(
            work.wish,
            work.spec,
            work.facts(),
            decision,
            trouble,
            restored=work.restored,
            rotated=work.rotated,
        )


def _is_noted(step: Step, subject: Credential) -> bool:
    """Whether the entry says when it is tried again, so that the pass can do what else there is."""
    return step is Step.RETIRE or (step in _UNDER_WAY and subject.proven_at is None)
