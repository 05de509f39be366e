# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Gathers the children that a plan is made over: from what was observed, else by reading.

A child that is known to be as wanted is not read again. What was seen and not yet compared is
taken from the event that told of it. Only a child whose wanted form has changed is read.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from wardkeeper.engine.plan import Live, fingerprint
from wardkeeper.engine.seen import controller_of
from wardkeeper.kube.errors import NotFound
from wardkeeper.kube.resource import Ref, ref_of, resource_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wardkeeper.engine.seen import Child
    from wardkeeper.kube.client import Client
    from wardkeeper.render.metadata import Obj


async def gather(
    client: Client, children: Mapping[Ref, Child], desired: Sequence[Obj], *, fresh: bool
) -> dict[Ref, Live]:
    """The live children; those that were observed and nobody desires come without their body.

    Args:
        client: reads what must be read.
        children: the children of the workflow as they were last seen.
        desired: what is wanted.
        fresh: read everything, whatever is known.
    """
    wanted = {ref_of(one): one for one in desired}
    live: dict[Ref, Live] = {}
    to_read: dict[Ref, int] = {}
    for ref, child in children.items():
        if ref in wanted and (fresh or _unknown(child, wanted[ref])):
            to_read[ref] = child.good_for
            continue
        body = orjson.loads(child.unread) if child.unread is not None else None
        live[ref] = Live(child.uid, child.owner, child.version, body, child.good_for, child.leaving)
    bodies = await asyncio.gather(*(read_live(client, ref) for ref in to_read))
    for (ref, good_for), one in zip(to_read.items(), bodies, strict=True):
        if one is not None:
            live[ref] = replace(one, was_good_for=good_for)
    return live


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


def _unknown(child: Child, desired: Obj) -> bool:
    return child.unread is None and child.good_for != fingerprint(desired)
