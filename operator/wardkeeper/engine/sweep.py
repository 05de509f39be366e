# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Finishes what workflows that are gone left in Vault: their entries in the ledger say what.

A workflow is let go when Vault stays away, and a namespace takes its workflows along. Their
entries stay, and what they name is taken back when that is possible again.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from wardkeeper.engine.outcome import Outcome
from wardkeeper.engine.seen import Key
from wardkeeper.engine.withdraw import withdraw
from wardkeeper.kube.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from wardkeeper.engine.ledger import Owner
    from wardkeeper.engine.secret_job import SecretServices
    from wardkeeper.engine.world import World

_log = logging.getLogger(__name__)

SWEEP_SECONDS = 30.0
LONGEST_PAUSE = 3600.0


class Sweeper:
    """Takes back what nobody owns any more, one workflow after the other.

    Args:
        world: which workflows there are.
        services: the ledger, and what it takes to empty it.
        clock: monotonic seconds.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        world: World,
        services: SecretServices,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._world = world
        self._services = services
        self._clock = clock
        self._sleep = sleep
        self._pauses: dict[str, tuple[float, float]] = {}

    async def run(self) -> None:
        """Sweep now and then, until cancelled."""
        while True:
            await self.sweep()
            await self._sleep(SWEEP_SECONDS)

    async def sweep(self) -> None:
        """Try once for each workflow that is gone and has entries, but not more often than told."""
        for owner in self._orphaned():
            due, pause = self._pauses.get(owner.uid, (0.0, SWEEP_SECONDS))
            if due > self._clock():
                continue
            if await self._take_back(owner):
                self._pauses.pop(owner.uid, None)
            else:
                longer = min(LONGEST_PAUSE, 2 * pause)
                self._pauses[owner.uid] = (self._clock() + pause, longer)

    def _orphaned(self) -> Iterator[Owner]:
        for owner in self._services.ledger.owners():
            seen = self._world.workflow(Key(owner.namespace, owner.name))
            if seen is None or seen.uid != owner.uid:
                yield owner

    async def _take_back(self, owner: Owner) -> bool:
        """Try once; whether nothing is left."""
        try:
            gone = await withdraw(owner, self._services, has_identity=False)
        except (ApiError, Outcome) as error:
            _log.info("the ledger could not be emptied", extra={"failure": str(error)})
            return False
        extra = {"workflow": f"{owner.namespace}/{owner.name}"}
        if not gone.done:
            left = "; ".join(f"{what}: {why}" for what, why in gone.left.items())
            _log.warning(
                "a workflow that is gone has left something", extra={**extra, "left": left}
            )
            return False
        _log.info("what a workflow that is gone had in Vault is gone too", extra=extra)
        return True
