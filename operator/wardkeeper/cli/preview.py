# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What the next pass over a workflow would do, by the engine's own steps and without a write.

The children are read once and put into the same world that the operator keeps, so that what is
found is found by the same code. The client is made so that it cannot write.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wardkeeper.api.workflow import KIND
from wardkeeper.engine.gather import gather, read_live
from wardkeeper.engine.plan import Action, Change, Live, Plan, plan
from wardkeeper.engine.seen import CHILD_KINDS, Key
from wardkeeper.engine.stamp import known_macs, with_stamp
from wardkeeper.engine.world import World
from wardkeeper.kube.client import Lane
from wardkeeper.kube.errors import Forbidden, NotFound
from wardkeeper.kube.resource import Ref, ref_of, resource_of
from wardkeeper.policy.judge import judge
from wardkeeper.render.children import render
from wardkeeper.render.metadata import MANAGED_BY, OPERATOR, WORKFLOW
from wardkeeper.render.secret import delivered_secrets, secret_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.engine.seen import Child
    from wardkeeper.kube.client import Client
    from wardkeeper.policy.verdict import Verdict
    from wardkeeper.render.children import Rendered
    from wardkeeper.render.surroundings import Surroundings

NOT_THERE_YET = "(the workflow is not in the cluster yet)"
"""Stands for the uid of such a workflow: nothing can belong to it."""


@dataclass(slots=True)
class Preview:
    """What the next pass over one workflow would do.

    Attributes:
        namespace: of the workflow.
        name: of the workflow.
        changes: everything that would be done, in that order, refusals first.
        notes: what could not be looked at, and what was assumed for it.
    """

    namespace: str
    name: str
    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


async def preview(
    client: Client,
    workflow: HealthcareWorkflow,
    surroundings: Surroundings,
    given: frozenset[Key],
) -> Preview:
    """Look at the cluster and say what a pass would do.

    Args:
        client: reads.
        workflow: as a file has it, without problems.
        surroundings: the cluster as the operator sees it.
        given: workflows that would exist as well.

    Raises:
        ApiError: the cluster cannot be read.
    """
    metadata = workflow.metadata
    made = Preview(metadata.namespace, metadata.name)
    uid = await _uid(client, Key(metadata.namespace, metadata.name)) or NOT_THERE_YET
    workflow = workflow.model_copy(update={"metadata": metadata.model_copy(update={"uid": uid})})
    children = await _children(client, workflow, made.notes)
    verdict = await _verdict(client, workflow, given)
    macs = known_macs(workflow, children)
    rendered = render(workflow, verdict, surroundings, macs=macs)
    todo = await _plan(client, children, rendered, uid)
    if len(macs) < len(delivered_secrets(workflow)):
        child = children.get(ref_of(rendered.workload))
        stamped = with_stamp(rendered.workload, child.stamp if child else "")
        todo = await _plan(client, children, type(rendered)(rendered.guards, stamped), uid)
    made.changes = _in_order(todo, _secrets(workflow, children, made.notes))
    return made


async def _uid(client: Client, key: Key) -> str | None:
    """The uid of a workflow in the cluster; None when it is not there, or is going."""
    try:
        found = await client.get(resource_of(KIND), key.namespace, key.name, metadata_only=True)
    except NotFound:
        return None
    going = "deletionTimestamp" in found["metadata"]
    return None if going else str(found["metadata"]["uid"])


async def _children(
    client: Client, workflow: HealthcareWorkflow, notes: list[str]
) -> Mapping[Ref, Child]:
    """The children as an operator would have observed them."""
    world = World()
    namespace, name = workflow.metadata.namespace, workflow.metadata.name
    selector = f"{MANAGED_BY}={OPERATOR},{WORKFLOW}={name}"
    for kind in CHILD_KINDS:
        try:
            async for page in client.pages(
                resource_of(kind),
                namespace,
                label_selector=selector,
                metadata_only=kind == "Secret",
                lane=Lane.LIVE,
            ):
                for raw in page.items:
                    world.observe_child(raw)
        except Forbidden:
            if kind != "Secret":
                raise
            notes.append("you may not list Secrets: nothing is said about them")
    return world.children(Key(namespace, name))


async def _verdict(client: Client, workflow: HealthcareWorkflow, given: frozenset[Key]) -> Verdict:
    """The judgement, with each peer that is named looked for."""
    named = judge(workflow, lambda *_: False).missing_peers
    known = set(given)
    for peer in named:
        key = Key(*peer.split("/", 1))
        if key not in known and await _uid(client, key):
            known.add(key)
    return judge(workflow, lambda namespace, name: Key(namespace, name) in known)


async def _plan(
    client: Client, children: Mapping[Ref, Child], rendered: Rendered, uid: str
) -> Plan:
    live = await gather(client, children, rendered.children, fresh=False)
    for desired in rendered.children:
        ref = ref_of(desired)
        stranger = await read_live(client, ref) if ref not in live else None
        if stranger is not None:
            live[ref] = stranger
    return plan(rendered.guards, rendered.workload, live, owner=uid)


def _secrets(
    workflow: HealthcareWorkflow, children: Mapping[Ref, Child], notes: list[str]
) -> list[Change]:
    """Secrets that would be made or deleted; their content is nobody's to see."""
    if notes:
        return []
    namespace, name, uid = (
        workflow.metadata.namespace,
        workflow.metadata.name,
        workflow.metadata.uid,
    )
    wanted = {
        Ref("Secret", namespace, secret_name(name, one.name)) for one in delivered_secrets(workflow)
    }
    there = {ref: one for ref, one in children.items() if ref.kind == "Secret" and one.owner == uid}
    made = [Change(Action.CREATE, ref) for ref in sorted(wanted - set(there))]
    gone = [
        Change(Action.DELETE, ref, live=Live(one.uid, one.owner, one.version, None))
        for ref, one in sorted(there.items(), key=lambda each: each[0])
        if ref not in wanted
    ]
    return [*made, *gone]


def _in_order(todo: Plan, secrets: list[Change]) -> list[Change]:
    """As a pass goes about it: a name that is taken keeps everything after the guards from it."""
    before = [*todo.refused, *todo.guards]
    if todo.refused:
        return before
    workload = [todo.workload] if todo.workload else []
    return [*before, *secrets, *workload, *todo.obsolete]
