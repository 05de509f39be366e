# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The step of a pass that supplies a workflow with its secrets, and the one that takes them back.

Nothing to do costs nothing: no request to Vault, no write. If something must be done, Vault is
read first and what it holds is believed: a version whose delivery got lost is delivered, not made
again. Only then is one written, with compare-and-set, and delivered in one write.

Vault being away deletes nothing: what is delivered stays, and the outcome says what waits for it.
No value may leave this step but in the Secret that is published.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from wardkeeper.engine.secret_case import (
    NO_VAULT_REMEDY,
    WAIT_REFUSED,
    case_of,
    delivered,
    failed,
    kept,
    wait_after,
    without_vault,
)
from wardkeeper.engine.secret_job import SecretOutcome, Supplied, Withdrawn
from wardkeeper.render.secret import render_secret
from wardkeeper.rotation.decide import Action, deadline_of, decide
from wardkeeper.rotation.record import annotations_of
from wardkeeper.rotation.request import read_requests
from wardkeeper.rotation.version import Version, draw_version, read_version
from wardkeeper.vault.errors import Kind, VaultError

if TYPE_CHECKING:
    from datetime import datetime

    from wardkeeper.engine.secret_case import Case
    from wardkeeper.engine.secret_job import Job, SecretServices
    from wardkeeper.vault.kv import KvEntry, OwnPath
    from wardkeeper.vault.workflows import WorkflowVault

_ROLES = "auth roles"
_NO_IDENTITY = "its ServiceAccount is gone, so nobody can log in as it; an admin removes it"
_WRITES = 3
"""Writes that may lose against somebody else's before the pass gives up and another one starts."""


@dataclass(slots=True)
class _Ledger:
    """What a pass has achieved so far, and what of it is still to do."""

    outcomes: dict[str, SecretOutcome]
    to_do: dict[str, Case]
    to_remove: list[str]
    removed: list[str] = field(default_factory=list)
    unfinished: dict[str, str] = field(default_factory=dict)

    def look_again(self, now: datetime) -> None:
        """Decide what is left to do for another time; deadlines are on Vault's clock."""
        for name, case in list(self.to_do.items()):
            self.to_do[name] = case.at(now)
            if not self.to_do[name].must_act:
                self.outcomes[name] = kept(self.to_do.pop(name), now)

    def give_up(self, error: VaultError | None, now: datetime) -> None:
        """Report everything that is left to do as stuck; None when no Vault is configured."""
        for name, case in self.to_do.items():
            self.outcomes[name] = failed(case, error, now) if error else without_vault(case, now)
        words = str(error) if error else f"no Vault is configured; {NO_VAULT_REMEDY}"
        self.unfinished.update(dict.fromkeys(self.to_remove, words))


async def supply(job: Job, services: SecretServices) -> Supplied:
    """Bring every secret of the workflow to where it should be.

    Raises:
        wardkeeper.kube.errors.ApiError: the API server refused a token or the Secret; the next
            call finds the version in Vault and delivers it.
    """
    names = [each.name for each in job.secrets]
    asked = read_requests(job.rotate_now, names)
    handled = read_requests(job.handled_rotate_now, names)
    skew = services.vault.skew if services.vault else timedelta()
    now = services.clock() + max(skew, timedelta())  # due by either clock: Vault's is then asked
    cases = [case_of(job, each, asked, handled, now) for each in job.secrets]
    ledger = _Ledger(
        outcomes={case.wish.name: kept(case, now) for case in cases},
        to_do={case.wish.name: case for case in cases if case.must_act},
        to_remove=list(job.dropped),
    )
    if ledger.to_do or ledger.to_remove:
        await _work(job, services, ledger, now)
    answered = all(ledger.outcomes[name].reason is None for name in asked.by_secret)
    return Supplied(
        secrets=tuple(ledger.outcomes[name] for name in names),
        removed=tuple(ledger.removed),
        unfinished=ledger.unfinished,
        unknown_requests=asked.unknown,
        handled_rotate_now=job.rotate_now if job.rotate_now and answered else None,
    )


async def _work(job: Job, services: SecretServices, ledger: _Ledger, now: datetime) -> None:
    """Do what needs Vault; an error of Vault ends up in the outcomes of what was left to do."""
    if services.vault is None:
        ledger.give_up(None, now)
        return
    try:
        now = await services.vault.now()
        ledger.look_again(now)
        if ledger.to_do or ledger.to_remove:
            await _in_session(job, services, services.vault, ledger, now)
    except VaultError as error:
        ledger.give_up(error, now)


async def _in_session(
    job: Job, services: SecretServices, vault: WorkflowVault, ledger: _Ledger, now: datetime
) -> None:
    """Log in as the workflow and do it, one secret after the other; one may fail alone.

    Raises:
        VaultError: the login failed, or what comes before it.
    """
    await vault.ensure_roles(job.namespace, job.workflow)
    jwt = await services.workflow_jwt(job.namespace, job.workflow)
    async with vault.session(job.namespace, job.workflow, jwt) as own:
        for name, case in list(ledger.to_do.items()):
            try:
                ledger.outcomes[name] = await _bring(job, services, own, case, now)
            except VaultError as error:
                ledger.outcomes[name] = failed(case, error, now)
            del ledger.to_do[name]
        for name in list(ledger.to_remove):
            try:
                await own.remove(name)
                ledger.removed.append(name)
            except VaultError as error:
                ledger.unfinished[name] = str(error)
            ledger.to_remove.remove(name)


async def _bring(
    job: Job, services: SecretServices, own: OwnPath, case: Case, now: datetime
) -> SecretOutcome:
    """Deliver the version that Vault holds if it will do, else a new one.

    Raises:
        VaultError: it could not be read or written.
    """
    name, wish = case.wish.name, case.wish
    for _ in range(_WRITES):
        entry = await own.read(name)
        held = _version(entry, job.uid)
        decision = decide(wish, held.record if held else None, now=now, intact=False)
        if held and decision.action is Action.RESTORE:
            await _publish(job, services, case, held)
            return delivered(case, held.record, now, action=Action.RESTORE, rotated=False)
        drawn = draw_version(
            wish, case.fields, before=held, last_known=case.record, random=services.random
        )
        try:
            entry = await own.write(name, drawn, entry.version if entry else 0)
        except VaultError as error:
            if error.kind is not Kind.CAS:
                raise
            continue
        made = _version(entry, job.uid)
        if made is not None:
            await _publish(job, services, case, made)
            first = case.record is None and made.record.version == 1
            action = Action.CREATE if first else Action.ROTATE
            return delivered(case, made.record, now, action=action, rotated=True)
    raise VaultError(Kind.CAS, f"write a new version of secret {name}")


async def _publish(job: Job, services: SecretServices, case: Case, version: Version) -> None:
    """Deliver a version: one write of the whole Secret."""
    await services.publish(
        render_secret(
            namespace=job.namespace,
            workflow=job.workflow,
            secret=case.wish.name,
            data=version.data,
            labels=job.labels,
            annotations=annotations_of(version.record, deadline_of(case.wish, version.record)),
            owner=job.owner,
        )
    )


def _version(entry: KvEntry | None, uid: str) -> Version | None:
    """The version that Vault holds, if it was made for this workflow."""
    if entry is None:
        return None
    return read_version(entry.data, number=entry.version, created=entry.created, uid=uid)


async def withdraw(job: Job, services: SecretServices, *, has_identity: bool) -> Withdrawn:
    """Remove what a deleted workflow has in Vault: its KV entries, then its two auth roles.

    May be called again and again until it is done.

    Args:
        job: the workflow; its declared, known, delivered and dropped secrets are removed.
        services: what may be touched.
        has_identity: its ServiceAccount still exists, so that a login as the workflow is possible.

    Raises:
        wardkeeper.kube.errors.ApiError: the API server refused a token.
    """
    vault = services.vault
    names = sorted({each.name for each in job.secrets} | {*job.known, *job.delivered, *job.dropped})
    if vault is None:
        words = f"no Vault is configured; {NO_VAULT_REMEDY}"
        return Withdrawn(dict.fromkeys(_entries(names), words), next_look=WAIT_REFUSED)
    stuck: dict[str, VaultError] = {}
    if names and has_identity:
        stuck = await _remove_entries(job, services, vault, names)
    away = next((error for error in stuck.values() if error.unavailable), None)
    if away is None:
        stuck |= await _delete_roles(job, vault)
    else:
        stuck[_ROLES] = away  # without them nobody could come back for the entries
    left = {what: str(error) for what, error in stuck.items()}
    if names and not has_identity:
        left |= dict.fromkeys(_entries(names), _NO_IDENTITY)
    return Withdrawn(
        left,
        unavailable=any(error.unavailable for error in stuck.values()),
        next_look=min(map(wait_after, stuck.values()), default=WAIT_REFUSED) if left else None,
    )


async def _remove_entries(
    job: Job, services: SecretServices, vault: WorkflowVault, names: list[str]
) -> dict[str, VaultError]:
    """Remove KV entries as the workflow; what is left, with the reason."""
    stuck: dict[str, VaultError] = {}
    try:
        await vault.ensure_roles(job.namespace, job.workflow)
        jwt = await services.workflow_jwt(job.namespace, job.workflow)
        async with vault.session(job.namespace, job.workflow, jwt) as own:
            for name, entry in zip(names, _entries(names), strict=True):
                try:
                    await own.remove(name)
                except VaultError as error:
                    stuck[entry] = error
    except VaultError as error:
        return dict.fromkeys(_entries(names), error)
    return stuck


async def _delete_roles(job: Job, vault: WorkflowVault) -> dict[str, VaultError]:
    """Delete the roles of the workflow; what is left, with the reason."""
    try:
        await vault.delete_roles(job.namespace, job.workflow)
    except VaultError as error:
        return {_ROLES: error}
    return {}


def _entries(names: list[str]) -> list[str]:
    return [f"KV entry {name}" for name in names]
