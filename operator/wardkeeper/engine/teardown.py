# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Takes a workflow down that is being deleted: the workload first, then what is in Vault.

Only what lies outside the cluster needs us, and only then is there a finalizer. Guards stay until
the workload is gone; then they go in reverse. A workflow that nobody holds up is gone at once, and
Kubernetes collects its children; one that somebody else's finalizer keeps is taken down all the
same, for nobody looks after its pods any more.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING

from wardkeeper.api.reasons import Reason
from wardkeeper.api.workflow import KIND
from wardkeeper.engine.carrier import all_of
from wardkeeper.engine.finalizer import FINALIZER, has_finalizer, remove_finalizer
from wardkeeper.engine.refusal import outcome_of
from wardkeeper.engine.secrets.ledger import Owner
from wardkeeper.engine.secrets.withdraw import keeps_of, withdraw
from wardkeeper.engine.seen import WORKLOADS, is_audited
from wardkeeper.kube.errors import ApiError, NotFound
from wardkeeper.kube.resource import Ref

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from wardkeeper.engine.seen import Child, Key, Observed
    from wardkeeper.engine.tools import Tools

_log = logging.getLogger(__name__)

WORKLOAD_LOOK = 10.0
"""Seconds after which the going of a workload is looked at, though an event should tell."""


async def teardown(
    tools: Tools,
    key: Key,
    seen: Observed,
    regarding: dict[str, Any],
    hold: Callable[[], Awaitable[None]],
) -> float | None:
    """One step of taking a workflow down; seconds until the next, None when nothing is left to do.

    Args:
        tools: what a pass works with.
        key: which workflow.
        seen: the workflow as it was last seen.
        regarding: what events refer to.
        hold: puts guards back that somebody changed; while there is a workload.

    Raises:
        Transient: something is in the way.
    """
    finalized = has_finalizer(seen)
    if not finalized and (seen.orphaning or is_audited(seen)):
        return None
    try:
        if _workloads(tools, key, seen):
            await all_of((_end_workload(tools, key, seen), hold()))
        if _workloads(tools, key, seen):
            return WORKLOAD_LOOK
        later = await _withdraw(tools, key, seen, regarding) if finalized else None
        if later is not None:
            return later
        await _delete_guards(tools, key, seen)
        if finalized:
            await _let_go(tools, key, seen)
    except ApiError as error:
        raise outcome_of(error, Ref(KIND, key.namespace, key.name)) from error
    return None


async def _let_go(tools: Tools, key: Key, seen: Observed) -> None:
    """Remove the finalizer of a workflow that may be gone already.

    With the last finalizer the workflow is gone, whatever the answer still shows; its own event
    may come after those of its children.
    """
    last = seen.finalizers == (FINALIZER,)
    try:
        stored = await remove_finalizer(tools.client, key, seen)
    except NotFound:
        return
    tools.observed("DELETED" if last else "MODIFIED", stored)


async def _end_workload(tools: Tools, key: Key, seen: Observed) -> None:
    """Delete the workload with its pods."""
    for ref, child in _workloads(tools, key, seen):
        if not child.leaving:
            await tools.writer.delete(ref, child.uid, propagation="Foreground")


def _workloads(tools: Tools, key: Key, seen: Observed) -> list[tuple[Ref, Child]]:
    return [
        (ref, child)
        for ref, child in tools.world.children(key).items()
        if ref.kind in WORKLOADS and child.owner == seen.uid
    ]


async def _delete_guards(tools: Tools, key: Key, seen: Observed) -> None:
    """Delete what was applied before the workload, in reverse; the identity goes last."""
    mine = [
        ref
        for ref, one in tools.world.children(key).items()
        if one.owner == seen.uid and not one.leaving
    ]
    for kinds in (("NetworkPolicy", "ServiceAccount"), ("ServiceAccount",), ()):
        for_now = [ref for ref in mine if ref.kind not in kinds]
        mine = [ref for ref in mine if ref.kind in kinds]
        children = tools.world.children(key)
        await all_of(
            tools.writer.delete(ref, children[ref].uid) for ref in for_now if ref in children
        )


async def _withdraw(
    tools: Tools, key: Key, seen: Observed, regarding: dict[str, Any]
) -> float | None:
    """Take back what is in Vault; seconds to wait when Vault is away."""
    identity = Ref("ServiceAccount", key.namespace, key.name) in tools.world.children(key)
    owner = Owner(key.namespace, key.name, seen.uid)
    gone = await withdraw(owner, tools.secrets, has_identity=identity, keeps=keeps_of(seen))
    if gone.done:
        return None
    asked = datetime.fromisoformat(seen.deleting)
    patience = tools.deletion_timeout - (tools.clock() - asked).total_seconds()
    if gone.unavailable and patience > 0:
        return min(gone.next_look or WORKLOAD_LOOK, patience)
    left = "; ".join(f"{what}: {why}" for what, why in gone.left.items())
    _log.warning("the workflow goes, and something of it stays in Vault", extra={"left": left})
    tools.tell(
        regarding,
        warning=True,
        reason=Reason.CLEANUP_INCOMPLETE,
        action="Delete",
        note=f"left in Vault; the ledger keeps it, and it is removed when that is possible: {left}",
    )
    return None
