# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The finalizer: only there while something outside the cluster must be cleaned up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wardkeeper.api.reasons import Reason
from wardkeeper.api.workflow import KIND
from wardkeeper.engine.outcome import Transient
from wardkeeper.kube.errors import Invalid
from wardkeeper.kube.resource import resource_of

if TYPE_CHECKING:
    from wardkeeper.engine.seen import Key, Observed
    from wardkeeper.kube.client import Client

FINALIZER = "wardkeeper.io/cleanup"


def has_finalizer(seen: Observed) -> bool:
    """Whether the workflow cannot go before we have cleaned up."""
    return FINALIZER in seen.finalizers


async def add_finalizer(client: Client, key: Key, seen: Observed) -> dict[str, Any]:
    """Keep the workflow until we have cleaned up; the workflow as it is then."""
    op: dict[str, Any] = {"op": "add", "path": "/metadata/finalizers", "value": [FINALIZER]}
    if seen.finalizers:
        op = {"op": "add", "path": "/metadata/finalizers/-", "value": FINALIZER}
    return await _patch(client, key, seen, op)


async def remove_finalizer(client: Client, key: Key, seen: Observed) -> dict[str, Any]:
    """Let the workflow go; the workflow as it is then."""
    at = seen.finalizers.index(FINALIZER)
    return await _patch(client, key, seen, {"op": "remove", "path": f"/metadata/finalizers/{at}"})


async def _patch(client: Client, key: Key, seen: Observed, op: dict[str, Any]) -> dict[str, Any]:
    """Change the list of finalizers if it is still the one that was seen.

    Raises:
        Transient: it is not.
        ApiError: the server refused.
    """
    listed: dict[str, Any] = {"path": "/metadata/finalizers", "value": list(seen.finalizers)}
    if not seen.finalizers:
        listed = {"path": "/metadata/resourceVersion", "value": str(seen.version)}
    same = [
        {"op": "test", "path": "/metadata/uid", "value": seen.uid},
        {"op": "test", **listed},
    ]
    try:
        return await client.json_patch(resource_of(KIND), key.namespace, key.name, [*same, op])
    except Invalid as changed:
        if changed.causes:
            raise
        raise Transient(
            Reason.API_UNAVAILABLE, "the workflow changed meanwhile; it is read again"
        ) from changed
