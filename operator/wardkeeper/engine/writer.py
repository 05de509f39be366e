# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Carries out one change of a plan at a time, so that a stranger's object is never touched.

A creation is a server-side apply that carries a resourceVersion which no object can have: the
server creates what is missing and answers 409 for whatever is there already. A repair carries the
uid of the object that was looked at. A removal of what others added is a JSON patch that tests
the uid. So whatever happens between looking and writing, nothing of somebody else is changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wardkeeper.api.reasons import Reason
from wardkeeper.api.workflow import KIND
from wardkeeper.engine.compare import compare, has_older
from wardkeeper.engine.outcome import Outcome, Terminal, Transient
from wardkeeper.engine.ownership import setters
from wardkeeper.engine.plan import Action, Change, Live, fingerprint, must_be_replaced
from wardkeeper.engine.refusal import outcome_of
from wardkeeper.engine.removal import disowning, giving_up, removal
from wardkeeper.engine.seen import controller_of, key_of, see_child
from wardkeeper.kube.client import Lane
from wardkeeper.kube.errors import ApiError, Conflict, Invalid, NotFound
from wardkeeper.kube.resource import Ref, ref_of, resource_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wardkeeper.engine.compare import Comparison
    from wardkeeper.engine.ownership import Path
    from wardkeeper.engine.world import World
    from wardkeeper.kube.client import Client
    from wardkeeper.render.metadata import Obj

NO_SUCH_VERSION = "1"
"""No object has it: revision 1 of the store is the store itself, before its first object."""

RECORD_TRIES = 3


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
            body, comparison = await self._recorded(secret, live)
            if comparison.foreign:
                await self._take_out(ref, comparison.foreign, body)
            return await self._apply(secret, live.uid)
        except Invalid:
            if not _is_locked(body):
                raise
            await self.delete(ref, live.uid)
            return await self._create(secret)

    async def _create(self, desired: Obj, lane: Lane = Lane.LIVE) -> Obj:
        metadata = {**desired["metadata"], "resourceVersion": NO_SUCH_VERSION}
        try:
            return await self._send({**desired, "metadata": metadata}, desired, lane)
        except Conflict as busy:
            ref = ref_of(desired)
            live = await read_live(self._client, ref)
            if live is None:
                raise Transient(
                    Reason.API_UNAVAILABLE, f"{_name(ref)} came and went; it is tried again"
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
        body, comparison = await self._recorded(desired, live, lane)
        if comparison.given_up:
            body = await self._trim(change.ref, giving_up(comparison.given_up, body), lane)
            comparison = compare(desired, body)
        if comparison.foreign:
            body = await self._take_out(change.ref, comparison.foreign, body, lane)
        if comparison.apply:
            await self._apply(desired, live.uid, lane)
        else:
            self._believe(desired, body)

    async def _recorded(
        self, desired: Obj, live: Live, lane: Lane = Lane.LIVE
    ) -> tuple[Obj, Comparison]:
        """A child and what is wrong with it, with what we applied on the server's record.

        When that was wiped, the record is begun anew: only to an empty one does the server note
        everything that it finds as older. Controllers write to it as well, so it is tried again.

        Raises:
            Transient: it could not be begun anew.
        """
        body = dict(live.body or {})
        comparison = compare(desired, body)
        if comparison.recorded:
            return body, comparison
        for _ in range(RECORD_TRIES):
            await self._wipe(desired, live.uid, lane)
            body = await self._client.apply(_meant(desired, live.uid), lane=lane)
            if has_older(body):
                return body, compare(desired, body)
        await self._wipe(desired, live.uid, lane)
        raise Transient(
            Reason.WRITE_REFUSED,
            f"{_name(ref_of(desired))}: metadata.managedFields was wiped and is written to all the "
            "time; find out by whom",
        )

    async def _wipe(self, desired: Obj, uid: str, lane: Lane) -> None:
        ops: list[dict[str, Any]] = [
            {"op": "test", "path": "/metadata/uid", "value": uid},
            {"op": "add", "path": "/metadata/managedFields", "value": [{}]},
        ]
        ref = ref_of(desired)
        await self._client.json_patch(
            resource_of(ref.kind), ref.namespace, ref.name, ops, lane=lane
        )

    async def _take_out(
        self,
        ref: Ref,
        foreign: tuple[Path, ...],
        live: Mapping[str, Any],
        lane: Lane = Lane.LIVE,
    ) -> Obj:
        """Remove what others added; what the server puts in its place belongs to nobody."""
        body = await self._trim(ref, removal(foreign, live), lane)
        ops = disowning(body)
        return await self._trim(ref, ops, lane) if ops else body

    async def _trim(self, ref: Ref, ops: list[dict[str, Any]], lane: Lane = Lane.LIVE) -> Obj:
        """Take something out of an object that an apply cannot take out, or not as it must.

        Raises:
            ApiError: the server refused.
            Transient: the object is not as it was when it was looked at.
        """
        try:
            return await self._client.json_patch(
                resource_of(ref.kind), ref.namespace, ref.name, ops, lane=lane
            )
        except Invalid as changed:
            if changed.causes:
                raise
            raise Transient(
                Reason.API_UNAVAILABLE, f"{_name(ref)} changed meanwhile; it is looked at again"
            ) from changed

    async def _apply(self, desired: Obj, uid: str, lane: Lane = Lane.LIVE) -> Obj:
        return await self._send(_meant(desired, uid), desired, lane)

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
                f"{_name(ref_of(desired))}: {left[0].path} is changed at once, by a webhook or "
                "policy; exempt objects labelled app.kubernetes.io/managed-by=wardkeeper from it",
            )


async def read_live(client: Client, ref: Ref) -> Live | None:
    """A child as it is at this moment, of a Secret its metadata; None when there is none."""
    try:
        body = await client.get(
            resource_of(ref.kind), ref.namespace, ref.name, metadata_only=ref.kind == "Secret"
        )
    except NotFound:
        return None
    metadata = body["metadata"]
    return Live(
        metadata["uid"],
        controller_of(body),
        int(metadata["resourceVersion"]),
        body,
        leaving="deletionTimestamp" in metadata,
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
        f"{_name(ref)} exists and does not belong to this workflow; it was left as it is: "
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
        Reason.DELETING, f"{_name(ref)} is being deleted; it is made anew when that has been done"
    )


def _is_locked(secret: Mapping[str, Any]) -> bool:
    """Whether somebody made a Secret immutable, which nobody can undo, or of another type."""
    _, others = setters(secret)
    return any(key in one.fields for one in others for key in ("f:immutable", "f:type"))


def _meant(desired: Obj, uid: str) -> Obj:
    """A wanted object for the one object with this uid; for any other the server answers 409."""
    return {**desired, "metadata": {**desired["metadata"], "uid": uid}}


def _workflow_of(obj: Mapping[str, Any]) -> str:
    """Name of the workflow that controls an object; empty when none does."""
    for one in obj.get("metadata", {}).get("ownerReferences", ()):
        if one.get("controller") and one.get("kind") == KIND:
            return str(one["name"])
    return ""


def _name(ref: Ref) -> str:
    return f"{ref.kind} {ref.namespace}/{ref.name}"
