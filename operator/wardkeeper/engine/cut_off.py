# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Cuts a workflow off that may be compromised: in the cluster, which needs no Vault, then in Vault.

A policy that denies isolates nothing beside one that allows, so what allows is taken away: network,
rights, identity, Service, the values in Secrets. Pods, workload and disruption budget stay as they
are, for they are evidence; without its ServiceAccount the workload starts no other pod. When the
annotation goes, the next pass makes everything anew, with another identity.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson

from wardkeeper.api.asked import RECONCILE_AT, asked
from wardkeeper.api.reasons import ConditionType, Reason
from wardkeeper.engine.carrier import Carrier, all_of
from wardkeeper.engine.gather import read_live
from wardkeeper.engine.ownership import sets_values
from wardkeeper.engine.plan import Action, Change, Live
from wardkeeper.engine.rollout import Progress, Rollout
from wardkeeper.engine.secrets.job import SecretOutcome, Supplied
from wardkeeper.engine.secrets.ledger import Owner
from wardkeeper.engine.secrets.quarantine import isolate
from wardkeeper.engine.seen import WORKLOADS
from wardkeeper.kube.client import Lane
from wardkeeper.kube.resource import Ref, ref_of
from wardkeeper.render.networkpolicy import render_deny
from wardkeeper.render.secret import delivered_secrets, secret_name
from wardkeeper.rotation.facts import Phase

if TYPE_CHECKING:
    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.engine.findings import Findings
    from wardkeeper.engine.seen import Child, Key, Observed
    from wardkeeper.engine.tools import Tools

KEPT = (*WORKLOADS, "PodDisruptionBudget", "Secret")
"""Kinds of children that stay; of a Secret its metadata does."""


async def cut_off(
    tools: Tools, key: Key, seen: Observed, workflow: HealthcareWorkflow | None, found: Findings
) -> float | None:
    """Cut a workflow off; seconds until another look, None when everything is done.

    Args:
        tools: what a pass works with.
        key: which workflow.
        seen: the workflow as it was last seen.
        workflow: what was last carried out, or could be; None when nothing ever was.
        found: gains what is learnt.

    Raises:
        Outcome: something in the cluster is in the way; Vault's side has not begun.
        ApiError: the API server refused an entry of the ledger.
    """
    deny = render_deny(workflow, tools.surroundings()) if workflow else None
    if workflow and deny:
        await _close(tools, key, seen, deny, found)
    await _take_away(tools, key, seen, ref_of(deny) if deny else None)
    await _take_away_hidden(tools, key, seen, workflow)
    found.guards_in_place = deny is not None
    if workflow:
        found.supplied = Supplied(tuple(_blanked(workflow)))
        found.rollout = _rollout(tools, key, workflow)
    found.reconcile_at = asked(seen.annotations, RECONCILE_AT)
    found.isolated = await isolate(Owner(*key, seen.uid), tools.secrets)
    return found.isolated.next_look


async def _close(
    tools: Tools, key: Key, seen: Observed, deny: dict[str, Any], found: Findings
) -> None:
    """See to it that the policy that closes the network is there, which a stranger may remove."""
    carrier = Carrier(tools, key, seen, found.repaired, stood=found.running is not None)
    wanted = asked(seen.annotations, RECONCILE_AT)
    fresh = wanted is not None and wanted != found.reconcile_at
    todo = await carrier.plan((deny,), None, fresh=fresh)
    await carrier.carry_out(todo.guards)
    stays = {one for one in carrier.children if one.kind in KEPT}
    tools.world.settle(key, {ref_of(deny), *stays})


async def _take_away(tools: Tools, key: Key, seen: Observed, deny: Ref | None) -> None:
    """Remove every child that allows something, and the values of those that must stay."""
    mine = {r: one for r, one in tools.world.children(key).items() if one.owner == seen.uid}
    goes = (
        tools.writer.carry_out(_removal(ref, one), Lane.LIVE)
        for ref, one in mine.items()
        if ref.kind not in KEPT and ref != deny and not one.leaving
    )
    blanks = (
        tools.writer.blank(ref, one.uid)
        for ref, one in mine.items()
        if ref.kind == "Secret" and _holds_values(one)
    )
    await all_of((*goes, *blanks))


async def _take_away_hidden(
    tools: Tools, key: Key, seen: Observed, workflow: HealthcareWorkflow | None
) -> None:
    """The same for children that nobody sees, for somebody took off the label they are watched by.

    NetworkPolicies are watched whatever their labels. Without Vault there is no right on Secrets.
    """
    secrets = delivered_secrets(workflow) if workflow and tools.secrets.vault else ()
    named = [Ref(kind, *key) for kind in ("Service", "RoleBinding", "Role", "ServiceAccount")]
    named += [Ref("Secret", key.namespace, secret_name(key.name, one.name)) for one in secrets]
    hidden = [ref for ref in named if ref not in tools.world.children(key)]
    found = await asyncio.gather(*(read_live(tools.client, ref) for ref in hidden))
    steps = []
    for ref, live in zip(hidden, found, strict=True):
        if live is None or live.owner != seen.uid or live.leaving:
            continue
        if ref.kind != "Secret":
            steps.append(tools.writer.carry_out(Change(Action.DELETE, ref, live=live), Lane.LIVE))
        elif sets_values(live.body or {}):
            steps.append(tools.writer.blank(ref, live.uid))
    await all_of(steps)


def _removal(ref: Ref, child: Child) -> Change:
    return Change(Action.DELETE, ref, live=Live(child.uid, child.owner, child.version, None))


def _holds_values(secret: Child) -> bool:
    """Whether it may hold a value; one whose metadata nobody looked at may."""
    return secret.unread is None or sets_values(orjson.loads(secret.unread))


def _rollout(tools: Tools, key: Key, workflow: HealthcareWorkflow) -> Rollout | None:
    """Where the workload stands; a run that has completed stays so, or it would be run again."""
    told = {one.type: one for one in workflow.status.conditions}
    before = told.get(ConditionType.WORKLOAD_AVAILABLE)
    child = tools.world.children(key).get(Ref(workflow.spec.workload.kind, *key))
    if child is None and before is not None and before.reason == Reason.COMPLETED:
        return Rollout(Progress.READY, Reason.COMPLETED, before.message)
    return child.rollout if child else None


def _blanked(workflow: HealthcareWorkflow) -> list[SecretOutcome]:
    return [
        SecretOutcome(one.name, engine=one.engine, phase=Phase.QUARANTINING)
        for one in workflow.spec.secrets
    ]
