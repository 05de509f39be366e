# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The operator as one process: what it watches, when it may write, how it stops.

Caches are warm on every replica; only the holder of the Lease works. A process that loses the
Lease ends, and so does one whose watch on workflows ends: a fresh start is the one repair that
always works.
"""

from __future__ import annotations

import asyncio
import random
import signal
import threading
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from wardkeeper import __version__
from wardkeeper.engine.peers import Peers
from wardkeeper.engine.queue import Priority, Queue
from wardkeeper.engine.reconcile import Reconciler
from wardkeeper.engine.secrets.ledger import Ledger
from wardkeeper.engine.secrets.outage import Outage
from wardkeeper.engine.secrets.sweep import Sweeper
from wardkeeper.engine.tools import Tools
from wardkeeper.engine.workers import Workers
from wardkeeper.engine.world import World
from wardkeeper.engine.writer import Writer
from wardkeeper.kube.client import Client
from wardkeeper.kube.errors import NotLeading
from wardkeeper.kube.events import Recorder
from wardkeeper.kube.lease import Elector
from wardkeeper.settings import Switch
from wardkeeper.settings.surroundings import discover, from_settings
from wardkeeper.shell.following import Following
from wardkeeper.shell.handlers import watch_workflows
from wardkeeper.shell.memory import give_back
from wardkeeper.shell.observe import Observer
from wardkeeper.shell.probes import Heartbeat, Probes, cache_synced, watch_alive
from wardkeeper.shell.supplying import restarts_of, secret_services
from wardkeeper.shell.tasks import end, ended, tell_without_content
from wardkeeper.shell.vault import open_vault
from wardkeeper.shell.verifying import Verification

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wardkeeper.engine.secrets.job import SecretOutcome
    from wardkeeper.engine.seen import Key
    from wardkeeper.kube.access import Access
    from wardkeeper.settings import Settings
    from wardkeeper.shell.metrics import Metrics
    from wardkeeper.vault.workflows import WorkflowVault

USER_AGENT = f"wardkeeper/{__version__}"
WORKFLOW_TOKEN_SECONDS = 600
WORKFLOW_AUDIENCE = "vault-operator"


class LeaseLost(Exception):
    """Another process may lead by now; this one must end."""


class Operator:
    """The parts of a running operator and the order in which they start and stop.

    Args:
        settings: what the installation decides.
        access: the way to the API server.
        identity: of this process, unique in the cluster.
        metrics: told about everything that is counted.
    """

    def __init__(
        self, settings: Settings, access: Access, *, identity: str, metrics: Metrics
    ) -> None:
        self.settings = settings
        self.metrics = metrics
        self.world = World()
        self.queue: Queue[Key] = Queue(clock=time.monotonic, draw=random.random, meter=metrics)
        self.outage = Outage(self.queue, _now)
        self.peers = Peers()
        self.observer = Observer(self.world, self.peers, self.queue, time.monotonic)
        self._access = access
        limit = settings.concurrency.requests
        self.client = Client(
            access,
            user_agent=USER_AGENT,
            limit=limit,
            may_write=lambda: self.elector.held,
            observe=metrics.called,
        )
        self.ledger = Ledger(self.client, settings.operator.namespace)
        self._lease_client = Client(access, user_agent=f"{USER_AGENT} lease", limit=2, timeout=5.0)
        times = settings.leader_election
        self.elector = Elector(
            self._lease_client,
            namespace=settings.operator.namespace,
            name=settings.operator.lease_name,
            identity=identity,
            duration=times.duration,
            deadline=times.deadline,
            retry=times.retry,
        )
        self.recorder = Recorder(self.client, instance=identity)
        self.verification = Verification(
            settings, self.client, self.world, self.observer.workflow, self._look_at_all
        )
        self.following = Following(
            self.client,
            settings.namespaces,
            self.world,
            self.observer,
            self.ledger,
            secrets=settings.vault is not None,
        )
        self._surroundings = from_settings(settings)

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT; passes are joined and the Lease is given back.

        Raises:
            LeaseLost: another process may lead.
            Exception: what ended the watch on workflows.
        """
        stop, quit_kopf = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(tell_without_content)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.client)
            await stack.enter_async_context(self._lease_client)
            vault = await self._vault(stack)
            await stack.enter_async_context(self.verification.listening())
            heartbeat = Heartbeat()
            await stack.enter_async_context(self._probes(heartbeat))
            self._surroundings = await discover(self.settings, self.client)
            self.following.begin()
            stack.push_async_callback(self.following.end)
            tools = self._tools(vault)
            sweeper = Sweeper(self.world, self.client, tools.secrets, time.monotonic)
            tasks = {
                asyncio.create_task(self._lead(self._workers(tools), sweeper), name="lead"),
                asyncio.create_task(self.recorder.run(), name="events"),
                asyncio.create_task(heartbeat.run(), name="heartbeat"),
                asyncio.create_task(self.following.list_workflows(), name="list"),
            }
            watching = asyncio.create_task(self._watch(quit_kopf), name="watch")
            stopping = asyncio.create_task(stop.wait(), name="stop")
            try:
                await asyncio.wait(
                    {*tasks, watching, stopping}, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                failures = await end(tasks | {stopping})
                quit_kopf.set()
                failures += await ended(watching)
            if failures:
                raise failures[0]

    async def _vault(self, stack: AsyncExitStack) -> WorkflowVault | None:
        """Vault, if the settings name one; let go of with the stack."""
        if self.settings.vault is None:
            return None
        count, away = self.metrics.secrets.vault_request, self.outage.vault_is
        return await stack.enter_async_context(open_vault(self.settings.vault, _now, count, away))

    async def _watch(self, stop: threading.Event) -> None:
        await watch_workflows(
            self._access,
            self.settings.namespaces,
            observe=self.following.watched,
            stop=stop,
            user_agent=f"{USER_AGENT} kopf",
        )

    def _probes(self, heartbeat: Heartbeat) -> Probes:
        self.metrics.secrets.follow_ledger(self.ledger.phases)
        self.metrics.workflows.follow(self.world)
        self.metrics.follow(
            leading=lambda: self.elector.held, longest_running=self.queue.longest_running
        )
        if self.verification.wanted:
            self.metrics.follow_canary(self.verification.answer)
        return Probes(
            host=self.settings.http.host,
            port=self.settings.http.port,
            alive={"loop": heartbeat, "watches": watch_alive(self.following.last_activity)},
            ready={"caches": cache_synced(lambda: self.following.synced)},
            metrics=self.metrics.page,
        )

    def _tools(self, vault: WorkflowVault | None) -> Tools:
        writer = Writer(self.client, self.world)
        return Tools(
            world=self.world,
            client=self.client,
            writer=writer,
            secrets=secret_services(
                self.settings,
                vault=vault,
                ledger=self.ledger,
                workflow_jwt=self._workflow_jwt,
                publish=writer.publish,
                clock=_now,
                metrics=self.metrics,
            ),
            restarts=restarts_of(self.settings, self.metrics),
            surroundings=lambda: self._surroundings,
            clock=_now,
            monotonic=time.monotonic,
            observed=self.observer.workflow,
            tell=self._tell,
            ready=self.metrics.ready,
            repaired=self.metrics.repaired,
            enforcement=self.verification.answer,
            secrets_seen=self._secrets_seen,
            in_force=self.peers.observe,
        )

    def _look_at_all(self) -> None:
        for key in self.world.workflows():
            self.queue.add(key, Priority.LATER)

    def _workers(self, tools: Tools) -> Workers:
        return Workers(
            self.queue, self.world, Reconciler(tools), meter=self.metrics, clock=time.monotonic
        )

    async def _lead(self, workers: Workers, sweeper: Sweeper) -> None:
        """Wait for the Lease, work while it is held, and have ended all work when this returns."""
        working = asyncio.create_task(self._work(workers, sweeper), name="work")

        async def lost() -> None:
            await end({working})

        electing = asyncio.create_task(self.elector.run(lost), name="elect")
        try:
            done, _ = await asyncio.wait({working, electing}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await end({working})
            await end({electing})
            raise
        await end({working})
        await end({electing})
        for task in done:
            if not task.cancelled() and (error := task.exception()):
                raise error
        raise LeaseLost("the Lease was lost")

    async def _work(self, workers: Workers, sweeper: Sweeper) -> None:
        """Run passes once everything is known and this process leads, and what goes with that.

        Raises:
            ExceptionGroup: a part has failed; without it the rest must not go on.
        """
        await self.following.until_synced()
        if not self.elector.held:
            self.world.drop_contents()
        await self.elector.acquired()
        if not self.world.keeps_contents:
            self.world.keeps_contents = True
            await self.following.end()
            self.following.begin()
            await self.following.until_synced()
        self._look_at_all()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(give_back(lambda: not len(self.queue)), name="trim")
                group.create_task(sweeper.run(), name="sweep")
                group.create_task(self.verification.run(), name="canary")
                group.create_task(workers.run(self.settings.concurrency.workers), name="passes")
        except* NotLeading:
            pass  # the Lease is lost, which is what is told

    def _secrets_seen(self, key: Key, outcomes: Sequence[SecretOutcome]) -> None:
        self.metrics.secrets.seen(key, outcomes)
        self.outage.seen(key, outcomes)

    async def _workflow_jwt(self, namespace: str, name: str) -> str:
        return await self.client.token(namespace, name, WORKFLOW_AUDIENCE, WORKFLOW_TOKEN_SECONDS)

    def _tell(
        self, regarding: dict[str, Any], *, warning: bool, reason: str, action: str, note: str
    ) -> None:
        if self.settings.events is Switch.ENABLED:
            kind: Literal["Normal", "Warning"] = "Warning" if warning else "Normal"
            self.recorder.emit(regarding, kind, reason, action, note)


def _now() -> datetime:
    return datetime.now(UTC)
