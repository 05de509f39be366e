# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Carries out one change of a plan at a time, so that a stranger's object is never touched.

A creation is a server-side apply that carries a resourceVersion which no object can have: the
server creates what is missing and answers 409 for whatever is there already. A repair carries the
uid of the object that was looked at, and so does what an apply cannot do. So whatever happens
between looking and writing, nothing of somebody else is changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wardkeeper.api.reasons import Reason
from wardkeeper.api.workflow import KIND
from wardkeeper.engine.beyond_apply import begin_record, give_up, meant, name_of, take_out
from wardkeeper.engine.compare import compare
from wardkeeper.engine.gather import read_live
from wardkeeper.engine.outcome import Outcome, Terminal, Transient
from wardkeeper.engine.ownership import setters
from wardkeeper.engine.plan import Action, Change, Live, fingerprint, must_be_replaced
from wardkeeper.engine.refusal import outcome_of
from wardkeeper.engine.seen import controller_of, key_of, see_child
from wardkeeper.kube.client import Lane
from wardkeeper.kube.errors import ApiError, Conflict, Invalid, NotFound
from wardkeeper.kube.resource import Ref, ref_of, resource_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wardkeeper.engine.world import World
    from wardkeeper.kube.client import Client
    from wardkeeper.render.metadata import Obj

NO_SUCH_VERSION = "1"
"""No object has it: revision 1 of the store is the store itself, before its first object."""


class Writer:
    """Writes children and tells the world about them."""

    def __init__(self, client: Client, world: World) -> None:
        self._client = client
        self._world = world

    async def carry_out(self, change: Change, lane: Lane) -> None:
        """Do one thing of a plan.

        Raises:
            Outcome: it cannot be done, or not now.
        """
        try:
            if change.action is Action.CREATE and change.desired:
                await self._create(change.desired, lane)
            elif change.action is Action.REPAIR and change.desired and change.live:
                await self._repair(change, change.desired, change.live, lane)
            elif change.action is Action.REPLACE and change.desired and change.live:
                if change.live.leaving:
                    raise going(change.ref)
                await self.delete(change.ref, change.live.uid)
                await self._create(change.desired, lane)
            elif change.action is Action.DELETE and change.live:
                await self.delete(change.ref, change.live.uid)
        except ApiError as error:
            raise outcome_of(error, change.ref) from error

    async def delete(self, ref: Ref, uid: str, *, propagation: str = "Background") -> None:
        """Delete exactly this child."""
        self._world.leaving(uid)
        await self._client.delete(
            resource_of(ref.kind), ref.namespace, ref.name, uid=uid, propagation=propagation
        )

    async def blank(self, ref: Ref, uid: str) -> None:
        """Empty a Secret in place; one that is locked goes, for nobody can empty it.

        Raises:
            Outcome: it cannot be done, or not now.
        """
        ops: list[dict[str, Any]] = [
            {"op": "test", "path": "/metadata/uid", "value": uid},
            {"op": "add", "path": "/data", "value": {}},
        ]
        try:
            try:
                stored = await self._client.json_patch(
                    resource_of(ref.kind), ref.namespace, ref.name, ops
                )
            except Invalid:
                await self.delete(ref, uid)
                return
            self._world.wrote(stored, 0)
        except NotFound:
            return
        except ApiError as error:
            raise outcome_of(error, ref) from error

    async def publish(self, secret: Obj) -> Obj:
        """Make a Secret so, all keys in one write; what the server stored of its metadata.

        Raises:
            Outcome: it cannot be done, or not now.
        """
        try:
            return await self._publish(secret)
        except ApiError as error:
            raise outcome_of(error, ref_of(secret)) from error

    async def _publish(self, secret: Obj) -> Obj:
        """Put the keys back before anything is taken out: pods may read every version."""
        ref = ref_of(secret)
        key = key_of(secret)
        known = self._world.children(key).get(ref) if key else None
        live = await read_live(self._client, ref) if known else None
        if known is None or live is None:
            return await self._create(secret)
        owner = live.owner or (known.owner if known.uid == live.uid else "")
        if owner != controller_of(secret):
            raise taken(secret, live)
        body = dict(live.body or {})
        try:
            if compare(secret, body).recorded:
                body = await self._client.apply(meant(secret, live.uid))
            else:
                body = await begin_record(self._client, secret, live.uid)
            foreign = compare(secret, body).foreign
            if foreign:
                body = await take_out(self._client, ref, foreign, body)
        except Invalid:
            if not _is_locked(body):
                raise
            await self.delete(ref, live.uid)
            return await self._create(secret)
        self._believe(secret, body)
        return body

    async def _create(self, desired: Obj, lane: Lane = Lane.LIVE) -> Obj:
        metadata = {**desired["metadata"], "resourceVersion": NO_SUCH_VERSION}
        try:
            return await self._send({**desired, "metadata": metadata}, desired, lane)
        except Conflict as busy:
            ref = ref_of(desired)
            live = await read_live(self._client, ref)
            if live is None:
                raise Transient(
                    Reason.API_UNAVAILABLE, f"{name_of(ref)} came and went; it is tried again"
                ) from busy
            if live.owner != controller_of(desired):
                raise taken(desired, live) from None
            body = live.body or {}
            if not must_be_replaced(ref, compare(desired, body)):
                return await self._apply(desired, live.uid, lane)
            if live.leaving:
                raise going(ref) from None
            stands = see_child(body).rollout
            if stands and stands.running:
                raise runs(ref) from None
            await self.delete(ref, live.uid)
            return await self._send({**desired, "metadata": metadata}, desired, lane)

    async def _repair(self, change: Change, desired: Obj, live: Live, lane: Lane) -> None:
        body = dict(live.body or {})
        comparison = compare(desired, body)
        if not comparison.recorded:
            body = await begin_record(self._client, desired, live.uid, lane)
            comparison = compare(desired, body)
        if comparison.given_up:
            body = await give_up(self._client, change.ref, comparison.given_up, body, lane)
            comparison = compare(desired, body)
        if comparison.foreign:
            body = await take_out(self._client, change.ref, comparison.foreign, body, lane)
        if comparison.apply:
            await self._apply(desired, live.uid, lane)
        else:
            self._believe(desired, body)

    async def _apply(self, desired: Obj, uid: str, lane: Lane = Lane.LIVE) -> Obj:
        return await self._send(meant(desired, uid), desired, lane)

    async def _send(self, body: Obj, desired: Obj, lane: Lane = Lane.LIVE) -> Obj:
        stored = await self._client.apply(body, lane=lane)
        self._believe(desired, stored)
        return stored

    def _believe(self, desired: Obj, stored: Obj) -> None:
        """Remember what the server made of a write, which need not be what was asked for.

        Raises:
            Transient: it is not as wanted.
        """
        left = () if desired["kind"] == "Secret" else compare(desired, stored).differences
        self._world.wrote(stored, 0 if left else fingerprint(desired))
        if left:
            raise Transient(
                Reason.WRITE_REFUSED,
                f"{name_of(ref_of(desired))}: {left[0].path} is changed at once, by a webhook or "
                "policy; exempt objects labelled app.kubernetes.io/managed-by=wardkeeper from it",
            )


def taken(desired: Obj, live: Live) -> Outcome:
    """The outcome when the name of a wanted child belongs to an object that is not ours.

    One that belongs to a workflow of the same name is left of a predecessor and goes by itself.
    """
    ref = ref_of(desired)
    ours, theirs = _workflow_of(desired), _workflow_of(live.body or {})
    if ours and ours == theirs:
        return going(ref)
    return Terminal(
        Reason.NAME_TAKEN,
        f"{name_of(ref)} exists and does not belong to this workflow; it was left as it is: "
        "rename the workflow, or delete that object if nobody needs it",
    )


def runs(ref: Ref) -> Transient:
    """The outcome when a run must be replaced that has not ended."""
    return Transient(
        Reason.ROLLOUT_IN_PROGRESS,
        f"{ref.kind} {ref.name} runs; the change waits until it has ended",
    )


def going(ref: Ref) -> Transient:
    """The outcome when a child must be made whose name is not free yet."""
    return Transient(
        Reason.DELETING, f"{name_of(ref)} is being deleted; it is made anew when that has been done"
    )


def _is_locked(secret: Mapping[str, Any]) -> bool:
    """Whether somebody made a Secret immutable, which nobody can undo, or of another type."""
    _, others = setters(secret)
    return any(key in one.fields for one in others for key in ("f:immutable", "f:type"))


def _workflow_of(obj: Mapping[str, Any]) -> str:
    """Name of the workflow that controls an object; empty when none does."""
    for one in obj.get("metadata", {}).get("ownerReferences", ()):
        if one.get("controller") and one.get("kind") == KIND:
            return str(one["name"])
    return ""
