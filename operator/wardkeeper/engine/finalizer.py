# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The finalizer: only there while something outside the cluster must be cleaned up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wardkeeper.api.workflow import KIND
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
    """Change the list of finalizers if it is still the one that was seen."""
    same: list[dict[str, Any]] = [{"op": "test", "path": "/metadata/uid", "value": seen.uid}]
    if seen.finalizers:
        listed = list(seen.finalizers)
        same.append({"op": "test", "path": "/metadata/finalizers", "value": listed})
    return await client.json_patch(resource_of(KIND), key.namespace, key.name, [*same, op])
