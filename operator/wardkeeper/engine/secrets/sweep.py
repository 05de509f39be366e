# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Finishes what workflows that are gone left in Vault: their entries in the ledger say what.

A workflow is let go when Vault stays away, and a namespace takes its workflows along. Their
entries stay, and what they name is taken back when that is possible again. Nothing is taken from a
workflow that the API server still has, whatever this process has seen of it: it may follow fewer
namespaces than the one before.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from wardkeeper.api.workflow import KIND
from wardkeeper.engine.outcome import Outcome
from wardkeeper.engine.secrets.withdraw import withdraw
from wardkeeper.engine.seen import Key
from wardkeeper.kube.errors import ApiError, NotFound, NotLeading
from wardkeeper.kube.resource import resource_of
from wardkeeper.vault.errors import VaultError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from wardkeeper.engine.secrets.job import SecretServices, Withdrawn
    from wardkeeper.engine.secrets.ledger import Owner
    from wardkeeper.engine.world import World
    from wardkeeper.kube.client import Client

_log = logging.getLogger(__name__)

SWEEP_SECONDS = 30.0
LONGEST_OUTAGE_PAUSE = 300.0
"""Seconds between two tries at most when Vault, or the API server, is away."""

LONGEST_PAUSE = 3600.0
"""The same when a person has to act first."""


class Sweeper:
    """Takes back what nobody owns any more, one workflow after the other.

    Args:
        world: which workflows have been seen.
        client: asked whether a workflow that was not seen is really gone.
        services: the ledger, and what it takes to empty it.
        clock: monotonic seconds.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        world: World,
        client: Client,
        services: SecretServices,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._world = world
        self._client = client
        self._services = services
        self._clock = clock
        self._sleep = sleep
        self._due: dict[str, float] = {}
        self._failures: dict[str, int] = {}

    async def run(self) -> None:
        """Sweep now and then, until cancelled.

        Raises:
            NotLeading: another process leads.
        """
        while True:
            await self.sweep()
            await self._sleep(SWEEP_SECONDS)

    async def sweep(self) -> None:
        """Try once for each workflow that is gone and has entries, but not more often than told.

        No failure over one of them ends this, as none of a pass ends a worker.

        Raises:
            NotLeading: another process leads.
        """
        orphaned = tuple(self._orphaned())
        for uid in self._due.keys() - {owner.uid for owner in orphaned}:
            self._settle(uid)
        for owner in orphaned:
            if self._due.get(owner.uid, 0.0) > self._clock():
                continue
            longest = await self._try(owner)
            if longest is None:
                self._settle(owner.uid)
            else:
                failures = self._failures[owner.uid] = self._failures.get(owner.uid, 0) + 1
                pause = min(longest, SWEEP_SECONDS * 2.0 ** min(failures - 1, 10))
                self._due[owner.uid] = self._clock() + pause

    def _orphaned(self) -> Iterator[Owner]:
        for owner in self._services.ledger.owners():
            seen = self._world.workflow(Key(owner.namespace, owner.name))
            if seen is None or seen.uid != owner.uid:
                yield owner

    async def _try(self, owner: Owner) -> float | None:
        """Try once, whatever stands in the way; None when nothing is left to do."""
        extra = {"workflow": f"{owner.namespace}/{owner.name}"}
        try:
            return await self._take_back(owner)
        except (ApiError, Outcome, VaultError) as error:
            extra["failure"] = str(error)
            _log.info("what is left of a workflow could not be taken back", extra=extra)
            return LONGEST_OUTAGE_PAUSE
        except NotLeading:
            raise
        except Exception:
            _log.exception("what is left of a workflow could not be looked at", extra=extra)
            return LONGEST_PAUSE

    async def _take_back(self, owner: Owner) -> float | None:
        """Take it back; None when nothing is left to do, else the longest pause before another try.

        Raises:
            ApiError: the API server would not say who bears the name, or write an entry.
            Outcome: an entry changed meanwhile.
        """
        bearer = await self._bearer(owner)
        if bearer == owner.uid:
            return LONGEST_OUTAGE_PAUSE
        key = Key(owner.namespace, owner.name)

        def namesake() -> bool:
            return bearer is not None or self._world.workflow(key) is not None

        gone = await withdraw(owner, self._services, has_identity=False, namesake=namesake)
        return self._tell(owner, gone)

    async def _bearer(self, owner: Owner) -> str | None:
        """The uid of whoever bears the workflow's name now; None when nobody does.

        Raises:
            ApiError: nobody can tell, so nothing may be taken back.
        """
        try:
            raw = await self._client.get(
                resource_of(KIND), owner.namespace, owner.name, metadata_only=True
            )
        except NotFound:
            return None
        return str(raw["metadata"]["uid"])

    def _tell(self, owner: Owner, gone: Withdrawn) -> float | None:
        extra = {"workflow": f"{owner.namespace}/{owner.name}"}
        if gone.done:
            _log.info("what a workflow that is gone had in Vault is gone too", extra=extra)
            return None
        left = "; ".join(f"{what}: {why}" for what, why in gone.left.items())
        _log.warning("a workflow that is gone has left something", extra={**extra, "left": left})
        return LONGEST_OUTAGE_PAUSE if gone.unavailable else LONGEST_PAUSE

    def _settle(self, uid: str) -> None:
        self._due.pop(uid, None)
        self._failures.pop(uid, None)
