# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What a server-side apply cannot do to a child that others changed: take out what they added.

An apply removes only what we applied ourselves before. The rest takes JSON patches, which test the
uid, and the server's record of who set what, which is begun anew where somebody wiped it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wardkeeper.api.reasons import Reason
from wardkeeper.engine.compare import has_older
from wardkeeper.engine.outcome import Transient
from wardkeeper.engine.removal import disowning, giving_up, removal
from wardkeeper.kube.client import Lane
from wardkeeper.kube.errors import Invalid
from wardkeeper.kube.resource import Ref, ref_of, resource_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wardkeeper.engine.ownership import Path
    from wardkeeper.kube.client import Client
    from wardkeeper.render.metadata import Obj

RECORD_TRIES = 3


async def begin_record(client: Client, desired: Obj, uid: str, lane: Lane = Lane.LIVE) -> Obj:
    """Apply to a child whose record was wiped, so that what others added is on record again.

    Only to an empty record does the server note everything that it finds as older. Controllers
    write to it as well, so it is tried again.

    Raises:
        ApiError: the server refused.
        Transient: it could not be begun anew.
    """
    for _ in range(RECORD_TRIES):
        await _wipe(client, desired, uid, lane)
        body = await client.apply(meant(desired, uid), lane=lane)
        if has_older(body):
            return body
    await _wipe(client, desired, uid, lane)
    raise Transient(
        Reason.WRITE_REFUSED,
        f"{name_of(ref_of(desired))}: metadata.managedFields was wiped and is written to all the "
        "time; find out by whom",
    )


async def take_out(
    client: Client,
    ref: Ref,
    foreign: tuple[Path, ...],
    live: Mapping[str, Any],
    lane: Lane = Lane.LIVE,
) -> Obj:
    """Remove what others added; what the server puts in its place belongs to nobody.

    Raises:
        ApiError: the server refused.
        Transient: the object is not as it was when it was looked at.
    """
    body = await _trim(client, ref, removal(foreign, live), lane)
    ops = disowning(body)
    return await _trim(client, ref, ops, lane) if ops else body


async def give_up(
    client: Client, ref: Ref, fields: tuple[Path, ...], live: Mapping[str, Any], lane: Lane
) -> Obj:
    """Let others have fields that we applied before, with the values that they have.

    Raises:
        ApiError: the server refused.
        Transient: the object is not as it was when it was looked at.
    """
    return await _trim(client, ref, giving_up(fields, live), lane)


def meant(desired: Obj, uid: str) -> Obj:
    """A wanted object for the one object with this uid; for any other the server answers 409."""
    return {**desired, "metadata": {**desired["metadata"], "uid": uid}}


def name_of(ref: Ref) -> str:
    """A child, for people."""
    return f"{ref.kind} {ref.namespace}/{ref.name}"


async def _wipe(client: Client, desired: Obj, uid: str, lane: Lane) -> None:
    """Empty the record; a Secret has all its keys in this version too, for pods may read it."""
    ops: list[dict[str, Any]] = [
        {"op": "test", "path": "/metadata/uid", "value": uid},
        {"op": "add", "path": "/metadata/managedFields", "value": [{}]},
    ]
    if desired["kind"] == "Secret":
        ops.append({"op": "add", "path": "/data", "value": desired["data"]})
    ref = ref_of(desired)
    await client.json_patch(resource_of(ref.kind), ref.namespace, ref.name, ops, lane=lane)


async def _trim(client: Client, ref: Ref, ops: list[dict[str, Any]], lane: Lane) -> Obj:
    try:
        return await client.json_patch(
            resource_of(ref.kind), ref.namespace, ref.name, ops, lane=lane
        )
    except Invalid as changed:
        if changed.causes:
            raise
        raise Transient(
            Reason.API_UNAVAILABLE, f"{name_of(ref)} changed meanwhile; it is looked at again"
        ) from changed
