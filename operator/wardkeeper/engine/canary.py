# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Keeps the canary's workflow as it should be, or away where nobody wants it.

It belongs to the Role that gives the right to make it. Whoever takes the Role away, by switching
the canary off or by removing the operator, has Kubernetes take the canary along: none is left that
nobody asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.workflow import KIND
from wardkeeper.engine.pod_labels import any_labels_of
from wardkeeper.kube.errors import ApiError, NotFound
from wardkeeper.kube.resource import resource_of
from wardkeeper.policy.opening import describe_openers
from wardkeeper.render.canary import CANARY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from wardkeeper.engine.seen import Key
    from wardkeeper.engine.world import World
    from wardkeeper.kube.client import Client
    from wardkeeper.render.metadata import Obj

ROLE = "Role"


class CanaryKeeper:
    """Writes the workflow when it is missing or was changed, and not otherwise.

    Args:
        client: the API server.
        world: what has been observed of it.
        key: which workflow it is.
        observed: told what the server says of the workflow, as an event would.
    """

    def __init__(
        self,
        client: Client,
        world: World,
        key: Key,
        observed: Callable[[str, Mapping[str, Any]], None],
    ) -> None:
        self._client = client
        self._world = world
        self._key = key
        self._observed = observed
        self._good: tuple[str, int] | None = None

    async def keep(self, wanted: Obj) -> str:
        """Make it so; why it is of no use, empty when it stands.

        What it reaches says nothing of the network plug-in while somebody else opens its network.
        """
        return await self._make(wanted) or self._opened()

    def _opened(self) -> str:
        seen, labels = self._world.workflow(self._key), any_labels_of(self._key.name)
        if seen is None:
            return ""
        strangers = self._world.strangers
        openers = strangers.openers(self._key, seen.uid, labels, guarded=True)
        return f"its network is {describe_openers(openers)}" if openers else ""

    async def _make(self, wanted: Obj) -> str:
        seen = self._world.workflow(self._key)
        if seen is not None and (seen.uid, seen.generation) == self._good:
            return ""
        try:
            owner = await self._owner()
            if owner is None:
                return (
                    f"its workflow cannot be made: there is no Role {CANARY} in namespace "
                    f"{self._key.namespace}, which gives the right to it; install the Role, or "
                    "switch verification.canary off"
                )
            metadata = {**wanted["metadata"], "ownerReferences": [owner]}
            stored = await self._client.apply({**wanted, "metadata": metadata})
        except ApiError as error:
            return f"its workflow cannot be made: {error.message}"
        metadata = stored["metadata"]
        self._good = (metadata["uid"], metadata["generation"])
        self._observed("MODIFIED", stored)
        return ""

    async def remove(self) -> None:
        """Delete it if it is there and does not go by itself, with its Role.

        Raises:
            ApiError: the server refused.
        """
        seen = self._world.workflow(self._key)
        if seen is None or seen.deleting:
            return
        if await self._owner() is None and await self._is_owned():
            return
        await self._client.delete(resource_of(KIND), *self._key, uid=seen.uid)

    async def _owner(self) -> dict[str, str] | None:
        """A reference to the Role; None when there is none."""
        try:
            role = await self._client.get(resource_of(ROLE), self._key.namespace, CANARY)
        except NotFound:
            return None
        uid = role["metadata"]["uid"]
        return {"apiVersion": role["apiVersion"], "kind": ROLE, "name": CANARY, "uid": uid}

    async def _is_owned(self) -> bool:
        """Whether Kubernetes takes it away; one that an earlier version made has no owner."""
        try:
            stored = await self._client.get(resource_of(KIND), *self._key, metadata_only=True)
        except NotFound:
            return True
        return bool(stored["metadata"].get("ownerReferences"))
