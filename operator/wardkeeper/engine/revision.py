# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Keeps the last spec that was carried out while a newer one cannot be.

What ran before keeps running and is still repaired, also by an operator that starts later: so the
spec is kept as a `ControllerRevision` of the workflow, from the moment a newer one is refused
until one is carried out. A workflow that was never refused has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from wardkeeper.engine.seen import Key
from wardkeeper.engine.writer import NO_SUCH_VERSION
from wardkeeper.kube.errors import Conflict, NotFound
from wardkeeper.kube.resource import resource_of
from wardkeeper.render.metadata import MANAGED_BY, OPERATOR, WORKFLOW, owner_reference

if TYPE_CHECKING:
    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.kube.client import Client

REVISION = resource_of("ControllerRevision")


def revision_name(key: Key) -> str:
    """Name of the revision that keeps the running spec of a workflow."""
    return f"{key.name}-running"


async def keep_revision(client: Client, workflow: HealthcareWorkflow, spec: bytes) -> None:
    """Keep a spec that was carried out, in the place of one that could not be dropped."""
    metadata = workflow.metadata
    kept = await _read(client, Key(metadata.namespace, metadata.name), metadata.uid)
    if kept is not None:
        if kept["data"]["spec"] == orjson.loads(spec):
            return
        name, uid = kept["metadata"]["name"], kept["metadata"]["uid"]
        await client.delete(REVISION, metadata.namespace, name, uid=uid)
    try:
        await client.apply(
            {
                "apiVersion": REVISION.api_version,
                "kind": REVISION.kind,
                "metadata": {
                    "name": f"{metadata.name}-running",
                    "namespace": metadata.namespace,
                    "labels": {MANAGED_BY: OPERATOR, WORKFLOW: metadata.name},
                    "ownerReferences": [owner_reference(workflow)],
                    "resourceVersion": NO_SUCH_VERSION,
                },
                "revision": metadata.generation,
                "data": {"spec": orjson.loads(spec)},
            }
        )
    except Conflict:
        return


async def recall_revision(client: Client, key: Key, uid: str) -> bytes | None:
    """The spec that is kept for the workflow with this uid; None when there is none."""
    kept = await _read(client, key, uid)
    return orjson.dumps(kept["data"]["spec"]) if kept else None


async def drop_revision(client: Client, key: Key, uid: str) -> None:
    """Keep no spec any more: the newest one has been carried out."""
    kept = await _read(client, key, uid)
    if kept:
        name = revision_name(key)
        await client.delete(REVISION, key.namespace, name, uid=kept["metadata"]["uid"])


async def _read(client: Client, key: Key, uid: str) -> dict[str, Any] | None:
    try:
        kept = await client.get(REVISION, key.namespace, revision_name(key))
    except NotFound:
        return None
    owners = kept["metadata"].get("ownerReferences", ())
    return kept if any(one.get("uid") == uid for one in owners) else None
