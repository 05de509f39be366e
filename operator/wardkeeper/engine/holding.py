# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Holds the guards of a workload that is going: while its pods may run, nothing is opened to them.

Guards that are there and were changed are put back. Of those that are not there only the policy
that closes the network is made anew, for the others open something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.reasons import Reason
from wardkeeper.engine.carrier import Carrier
from wardkeeper.engine.outcome import Transient
from wardkeeper.engine.plan import Action
from wardkeeper.kube.resource import ref_of
from wardkeeper.render.children import render
from wardkeeper.render.networkpolicy import render_deny

if TYPE_CHECKING:
    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.engine.findings import Findings
    from wardkeeper.engine.seen import Key, Observed
    from wardkeeper.engine.tools import Tools
    from wardkeeper.render.metadata import Obj

COLLECTING = "foregroundDeletion"
"""Kubernetes' finalizer on what was deleted so that all of its children go first, at once."""


async def hold_guards(
    tools: Tools, key: Key, seen: Observed, workflow: HealthcareWorkflow, found: Findings
) -> None:
    """Put back what somebody changed of the guards of a workflow that is being deleted.

    Args:
        tools: what a pass works with.
        key: which workflow.
        seen: the workflow as it was last seen.
        workflow: what its children were made of; `found` holds the verdict about it.
        found: gains what others did.

    Raises:
        Outcome: it cannot be done, or not now.
        ApiError: a guard could not be read.
    """
    carrier = Carrier(tools, key, seen, found.repaired, stood=True)
    deny = _deny(tools, seen, workflow)
    others = [one for one in _guards(tools, workflow, found) if ref_of(one) != ref_of(deny)]
    there = [one for one in others if ref_of(one) in carrier.children]
    todo = await carrier.plan((deny, *there), None, fresh=False)
    try:
        await carrier.carry_out(
            one for one in todo.guards if one.action is not Action.CREATE or one.ref == ref_of(deny)
        )
    except Transient as late:
        if late.reason is not Reason.DELETING:  # else it goes by itself, with its namespace
            raise


def _deny(tools: Tools, seen: Observed, workflow: HealthcareWorkflow) -> Obj:
    """The policy that closes the network.

    While Kubernetes collects the children of the workflow, it deletes again and again what blocks
    the workflow's end; so this one does not, and stays until the workload is gone.
    """
    deny = render_deny(workflow, tools.surroundings())
    if COLLECTING in seen.finalizers:
        (owner,) = deny["metadata"]["ownerReferences"]
        owner["blockOwnerDeletion"] = False
    return deny


def _guards(tools: Tools, workflow: HealthcareWorkflow, found: Findings) -> tuple[Obj, ...]:
    """What was made of the workflow; nothing is known of it when the verdict holds problems."""
    if found.verdict is None or found.verdict.problems:
        return ()
    return render(workflow, found.verdict, tools.surroundings(), macs={}).guards
