# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The step of a pass that supplies a workflow with its secrets.

Nothing to do costs nothing: no request to Vault, no login, no write. Else one secret after the
other is carried from step to step, as `rotation.machine` decides, until it has to wait; one may
fail alone. Vault being away deletes nothing: what is delivered stays.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from wardkeeper.engine.secrets.job import Supplied
from wardkeeper.engine.secrets.ledger import Owner
from wardkeeper.engine.secrets.progress import Progress
from wardkeeper.engine.secrets.report import wait_after
from wardkeeper.engine.secrets.work import Work
from wardkeeper.rotation.request import read_requests
from wardkeeper.vault.errors import VaultError

if TYPE_CHECKING:
    from datetime import datetime

    from wardkeeper.engine.secrets.job import Job, SecretOutcome, SecretServices


async def supply(job: Job, services: SecretServices) -> Supplied:
    """Bring every secret of the workflow to where it should be.

    Raises:
        wardkeeper.kube.errors.ApiError: the API server refused a token, a ledger entry or the
            Secret; the next call goes on from where this one came to.
    """
    names = [each.name for each in job.secrets]
    asked = read_requests(job.rotate_now, names)
    handled = read_requests(job.handled_rotate_now, names)
    skew = services.vault.skew if services.vault else timedelta()
    now = services.clock() + max(skew, timedelta())  # due by either clock: Vault's is then asked
    again = await _tend(job, services)
    outcomes = []
    for spec in job.secrets:
        work = Work(job, spec, services, now, asked.of(spec.name), handled.of(spec.name))
        outcomes.append(await Progress(work).run())
    if len(services.ledger.tokens(job.uid)) > 1:
        again = await _tend(job, services)  # the last that hung on a replaced one may have ended
    outcomes = [_with_token(job, services, one, now, again) for one in outcomes]
    answered = all(
        one.reason is None and one.request == asked.of(one.name)
        for one in outcomes
        if asked.of(one.name) and asked.of(one.name) != handled.of(one.name)
    )
    return Supplied(
        secrets=tuple(outcomes),
        unknown_requests=asked.unknown,
        handled_rotate_now=job.rotate_now if job.rotate_now and answered else None,
    )


async def _tend(job: Job, services: SecretServices) -> float | None:
    """Renew the workflow's token when that is due; seconds to the next try when it failed."""
    if services.tokens is None:
        return None
    try:
        await services.tokens.tend(Owner(job.namespace, job.workflow, job.uid))
    except VaultError as error:
        return wait_after(error)
    return None


def _with_token(
    job: Job, services: SecretServices, outcome: SecretOutcome, now: datetime, again: float | None
) -> SecretOutcome:
    """Look again when the workflow's token wants to be tended, if nothing else comes first."""
    renews_at = services.tokens.renews_at(job.uid) if services.tokens else None
    if again is None and renews_at is None:
        return outcome
    due = (renews_at - now).total_seconds() if renews_at else 0.0
    seconds = again or max(1.0, due)
    sooner = seconds if outcome.next_look is None else min(seconds, outcome.next_look)
    return replace(outcome, next_look=sooner)
