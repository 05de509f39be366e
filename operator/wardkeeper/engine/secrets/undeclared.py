# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Takes back secrets that a workflow no longer declares, once no pod uses them any more.

The Secret of one that comes from a key in Vault by now goes as well, for nothing is delivered.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from wardkeeper.engine.finalizer import has_finalizer, remove_finalizer
from wardkeeper.engine.secrets.ledger import Owner
from wardkeeper.engine.secrets.withdraw import drop, withdraw
from wardkeeper.kube.resource import Ref
from wardkeeper.render.secret import delivered_secrets, secret_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.engine.seen import Key, Observed
    from wardkeeper.engine.tools import Tools

_log = logging.getLogger(__name__)

DROP_LOOK = 10.0
"""Seconds to the next look while pods may still use one."""


async def drop_undeclared(
    tools: Tools,
    key: Key,
    seen: Observed,
    workflow: HealthcareWorkflow,
    rolled_out: Callable[[], bool],
) -> float | None:
    """Take them back, and the finalizer with the last secret; seconds to another try, if any.

    Args:
        tools: what a pass works with.
        key: which workflow.
        seen: the workflow as it was last seen.
        workflow: what is carried out.
        rolled_out: whether every pod is one of those that are wanted now.

    Raises:
        Outcome: an entry of the ledger changed meanwhile.
        ApiError: the API server refused.
    """
    declared = {one.name for one in workflow.spec.secrets}
    owner = Owner(*key, seen.uid)
    delivered = _delivered(tools, key, seen)
    dropped = (_entered(tools, seen) | delivered) - declared
    unwanted = delivered - {one.name for one in delivered_secrets(workflow)}
    if dropped or unwanted:
        if not rolled_out():
            return DROP_LOOK
        gone = await drop(owner, tools.secrets, dropped)
        if not gone.done:
            _log.warning("a dropped secret stays in Vault", extra={"left": dict(gone.left)})
            return gone.next_look
        for name in dropped | unwanted:
            await _delete(tools, key, seen, name)
    if declared or not has_finalizer(seen):
        return None
    gone = await withdraw(owner, tools.secrets, has_identity=True)
    if not gone.done:
        return gone.next_look
    stored = await remove_finalizer(tools.client, key, seen)
    tools.observed("MODIFIED", stored)
    return None


def _entered(tools: Tools, seen: Observed) -> set[str]:
    """Names of the secrets that have an entry in the ledger."""
    return {one.secret for one in tools.secrets.ledger.all_of(seen.uid) if one.secret}


def _delivered(tools: Tools, key: Key, seen: Observed) -> set[str]:
    """Names of the secrets that there is a Secret of."""
    prefix = f"{key.name}-"
    return {
        ref.name.removeprefix(prefix)
        for ref, child in tools.world.children(key).items()
        if ref.kind == "Secret" and child.owner == seen.uid
    }


async def _delete(tools: Tools, key: Key, seen: Observed, name: str) -> None:
    ref = Ref("Secret", key.namespace, secret_name(key.name, name))
    child = tools.world.children(key).get(ref)
    if child is not None and child.owner == seen.uid:
        await tools.writer.delete(ref, child.uid)
