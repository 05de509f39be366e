# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The stage of a run: a cluster, namespaces, the operator, and ways to fill and to empty them.

Nodes and controllers are left out, so that nobody but the operator and the bench writes. So nothing
is collected either: what the bench makes it also removes.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import orjson

from tests.bench import shipped
from tests.bench.audit import AuditLog, Tally, tally
from tests.bench.edits import KINDS
from tests.bench.procfs import read_busy_seconds, read_processor_seconds
from tests.bench.specimen import Specimen
from tests.bench.subject import Subject
from tests.bench.wire import Wire
from tests.cluster import installation
from tests.cluster.access import RESTRICTED
from tests.cluster.cluster import Cluster
from tests.cluster.levels import Level
from wardkeeper.api.workflow import KIND
from wardkeeper.kube.resource import resource_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from tests.cluster.progress import Report

NAMESPACES = tuple(f"bench-{index}" for index in range(10))
FLOOR_NAMESPACES = tuple(f"floor-{index}" for index in range(10))
"""Where the floor is measured, so that it can be emptied without touching the rest."""

QUIET_SECONDS = 1.0
"""How long after the operator's rest the audit log is read; its lines are written at once."""


class Stage:
    """What every measurement uses.

    Attributes:
        cluster: where all of it happens.
        wire: the bench's own client, as an administrator.
        floor_wire: the same as the operator's ServiceAccount; the floor writes children with it,
            for nobody else may, and so that the server has the same rights to look up.
        subject: the operator.
        audit: who wrote what.
        report: where progress is said.
    """

    def __init__(
        self, cluster: Cluster, subject: Subject, wire: Wire, floor_wire: Wire, report: Report
    ) -> None:
        self.cluster = cluster
        self.subject = subject
        self.wire = wire
        self.floor_wire = floor_wire
        self.audit = AuditLog(cluster.audit_log)
        self.report = report

    async def written(self, since: int) -> Tally:
        """What the operator has written since a position of the audit log, once it rests."""
        await self.subject.rest()
        await asyncio.sleep(QUIET_SECONDS)
        return tally(self.audit.since(since))

    def strangers_seconds(self) -> float:
        """Processor seconds so far of everything on this machine that is not part of the bench."""
        ours = [*self.cluster.processes.values(), self.subject.installation.process]
        alive = [one.identity.pid for one in ours if one and one.identity]
        known = sum(map(read_processor_seconds, (os.getpid(), *alive)))
        return read_busy_seconds() - known

    async def clear(self, namespaces: Sequence[str]) -> None:
        """Delete all workflows in these namespaces, and their children."""
        for kind in (KIND, *KINDS):
            paths = [resource_of(kind).path(namespace) for namespace in namespaces]
            await asyncio.gather(*(self.wire.send("DELETE", path) for path in paths))


def specimens(
    batch: str,
    count: int,
    namespaces: Sequence[str] = NAMESPACES,
    kind: str = "CronJob",
    secret: str = "",
    supply: Callable[[int], str] = lambda _: "",
) -> list[Specimen]:
    """So many workflows to be, spread over the namespaces; `batch` sets them apart."""
    return [
        Specimen(
            namespaces[index % len(namespaces)], f"{batch}-{index:04}", kind, secret, supply(index)
        )
        for index in range(count)
    ]


@asynccontextmanager
async def staged(
    report: Report, level: Level = Level.API, *, vault: bool = False
) -> AsyncIterator[Stage]:
    """A fresh stage, with the operator installed and not running; gone afterwards."""
    cluster = Cluster(level, report=report, openbao=vault)
    await asyncio.to_thread(cluster.start)
    try:
        packages = await asyncio.to_thread(shipped.unpack, cluster.folder / "shipped", report)
        subject = Subject(cluster, packages, vault=vault)
        await asyncio.to_thread(subject.installation.install)
        account = await asyncio.to_thread(
            cluster.service_account_kubeconfig, installation.NAMESPACE, installation.ACCOUNT
        )
        async with Wire(cluster.kubeconfig()) as wire, Wire(account) as floor_wire:
            for namespace in (*NAMESPACES, *FLOOR_NAMESPACES):
                body = {"metadata": {"name": namespace, "labels": RESTRICTED}}
                await wire.send("POST", "/api/v1/namespaces", orjson.dumps(body))
            yield Stage(cluster, subject, wire, floor_wire, report)
        await subject.stop()
    finally:
        await asyncio.to_thread(cluster.stop)
