# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Keeps the canary's workflow as it should be, or away where nobody wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.workflow import KIND
from wardkeeper.engine.pod_labels import any_labels_of
from wardkeeper.kube.errors import ApiError
from wardkeeper.kube.resource import resource_of
from wardkeeper.policy.opening import describe_openers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from wardkeeper.engine.seen import Key
    from wardkeeper.engine.world import World
    from wardkeeper.kube.client import Client
    from wardkeeper.render.metadata import Obj


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
            stored = await self._client.apply(wanted)
        except ApiError as error:
            return f"its workflow cannot be made: {error.message}"
        metadata = stored["metadata"]
        self._good = (metadata["uid"], metadata["generation"])
        self._observed("MODIFIED", stored)
        return ""

    async def remove(self) -> None:
        """Delete it if it is there.

        Raises:
            ApiError: the server refused.
        """
        seen = self._world.workflow(self._key)
        if seen is None or seen.deleting:
            return
        await self._client.delete(resource_of(KIND), *self._key, uid=seen.uid)
