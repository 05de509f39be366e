# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The operator that is measured: as users install it, seen from outside only.

It runs as its own ServiceAccount with the rights that are shipped. What it costs is read from the
kernel, what it does from the API server; its own metrics are asked only whether it is at rest.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

import aiohttp

from tests.bench.procfs import read_processor_seconds, read_resident
from tests.bench.specimen import SETTINGS
from tests.bench.watching import NotSeenError
from tests.cluster.installation import Installation

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.cluster import Cluster

POLL = 0.02
"""Seconds between two looks at a probe; the error of every time that a probe tells."""

READY_SECONDS = 60.0
_BUSY = ("workqueue_depth", "controller_runtime_active_workers")
_LEADING = "leader_election_master_status"


class Subject:
    """One operator on one cluster.

    Attributes:
        installation: how it got there.
    """

    def __init__(self, cluster: Cluster, packages: Path, *, vault: bool = False) -> None:
        self.installation = Installation(
            cluster, vault=vault, settings=SETTINGS, name="subject", packages=packages
        )

    @property
    def pid(self) -> int:
        """Process id.

        Raises:
            RuntimeError: it does not run.
        """
        process = self.installation.process
        identity = process.identity if process else None
        if identity is None:
            raise RuntimeError("the operator does not run")
        return identity.pid

    async def start(self) -> None:
        """Start it, and wait until it leads and rests."""
        if self.installation.process is None:
            await asyncio.to_thread(self.installation.start)
            await self.rest()
        else:
            await self.start_again()

    async def start_again(self) -> float:
        """Start it as the same replica; seconds until /readyz said yes. Then wait for its rest.

        Raises:
            RuntimeError: it was never started before.
            NotSeenError: it does not become ready.
        """
        process = self.installation.process
        if process is None:
            raise RuntimeError("the operator was never started")
        began = time.monotonic()
        process.start()
        async with aiohttp.ClientSession() as session:
            while not await self._answers(session):
                process.check()
                if time.monotonic() - began > READY_SECONDS:
                    raise NotSeenError(f"/readyz: not ready after {READY_SECONDS:g} s")
                await asyncio.sleep(POLL)
        took = time.monotonic() - began
        await self.rest()
        return took

    async def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        await asyncio.to_thread(self.installation.stop)

    def kill(self) -> None:
        """End it as a crash would."""
        self.installation.kill()

    async def rest(self, seconds: float = 120.0) -> None:
        """Wait until it leads and no workflow waits for a pass or is in one, three looks running.

        Raises:
            NotSeenError: it does not come to rest.
        """
        calm, until = 0, time.monotonic() + seconds
        while calm < 3:
            if time.monotonic() > until:
                raise NotSeenError(f"the operator is not at rest after {seconds:g} s")
            await asyncio.sleep(0.2)
            calm = calm + 1 if await self._rests() else 0

    async def passes(self) -> float:
        """How many passes it has made since it started."""
        metrics = await asyncio.to_thread(self.installation.metrics)
        return sum(
            value
            for name, value in metrics.items()
            if name.startswith("controller_runtime_reconcile_total")
        )

    async def told(self, name: str) -> dict[str, float]:
        """The samples of one of its metrics, by their labels as they are written there."""
        metrics = await asyncio.to_thread(self.installation.metrics)
        return {
            sample.removeprefix(name): value
            for sample, value in metrics.items()
            if sample.partition("{")[0] == name
        }

    def memory(self) -> int:
        """Bytes of resident memory."""
        return read_resident(self.pid)

    def processor_seconds(self) -> float:
        """Processor time since its start."""
        return read_processor_seconds(self.pid)

    def complaints(self) -> list[str]:
        """The warnings and errors it has logged so far, by message, each once."""
        found: dict[str, None] = {}
        for line in self.installation.log.read_text().splitlines():
            entry = json.loads(line) if line.startswith("{") else {"level": "error", "msg": line}
            if entry["level"] in ("warning", "error", "critical"):
                found[entry["msg"]] = None
        return list(found)

    async def _rests(self) -> bool:
        metrics = await asyncio.to_thread(self.installation.metrics)
        told = {name.partition("{")[0]: value for name, value in metrics.items()}
        return told[_LEADING] == 1 and not any(told[name] for name in _BUSY)

    async def _answers(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with session.get(f"{self.installation.address}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientConnectionError:
            return False
