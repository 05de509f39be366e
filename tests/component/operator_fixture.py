# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The core of the operator against the fake API server, wired up once, as the real process does.

Everything of the operator but kopf, the Lease and the process itself is real: informers, client,
world, queue, workers, passes, events. Workflows come through an informer in the place of kopf.
Time is the loop's, so a story may run in virtual time.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Self

from tests.component.apiserver.server import ApiServer
from tests.component.apiserver.virtual import VirtualLoop
from wardkeeper.api.credential import CREDENTIAL_KIND
from wardkeeper.api.workflow import KIND
from wardkeeper.engine.peers import Peers
from wardkeeper.engine.queue import Priority, Queue
from wardkeeper.engine.reconcile import Reconciler
from wardkeeper.engine.secrets.drivers import drivers
from wardkeeper.engine.secrets.job import SecretServices
from wardkeeper.engine.secrets.ledger import Ledger
from wardkeeper.engine.secrets.restarts import Restarts
from wardkeeper.engine.secrets.sources import Sources
from wardkeeper.engine.secrets.tokens import Tokens
from wardkeeper.engine.seen import CHILD_KINDS, Key
from wardkeeper.engine.tools import Tools
from wardkeeper.engine.workers import Workers
from wardkeeper.engine.world import World
from wardkeeper.engine.writer import Writer
from wardkeeper.kube.client import Client
from wardkeeper.kube.events import Recorder
from wardkeeper.kube.informer import Event, Informer
from wardkeeper.kube.resource import resource_of
from wardkeeper.render.surroundings import AddressAndPort, Surroundings
from wardkeeper.shell import following
from wardkeeper.shell.observe import Observer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.component.apiserver.server import Seen
    from wardkeeper.vault.workflows import WorkflowVault

SPACE = "radiology"
AGENT = "wardkeeper"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
WORKERS = 4
PATIENCE = 120.0
"""Virtual seconds after which something that should come about counts as not coming."""
REAL_PATIENCE = 8.0
"""The same for stories in real time."""
ROUND = 0.001
"""Virtual seconds that one round of the loop takes."""
QUIET = 0.2
"""Seconds in which nothing happens at all before it counts as quiet."""


LEDGER_SPACE = "wardkeeper-system"


@dataclass
class Meter:
    """Counts passes, and seconds until ready."""

    passes: list[str] = field(default_factory=list)
    ready: list[float] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)

    def passed(self, result: str, seconds: float) -> None:
        self.passes.append(result)


class Core:
    """A running operator; `async with`, and again after `stop` for a restart.

    Attributes:
        leads: whether it may write.
    """

    def __init__(
        self,
        server: ApiServer,
        *,
        vault: WorkflowVault | None = None,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        clock = asyncio.get_running_loop().time
        self.server = server
        self.leads = leads
        self.meter = Meter()
        self.world = World()
        self.peers = Peers()
        self.queue: Queue[Key] = Queue(clock=clock, draw=lambda: 0.5)
        self.observer = Observer(self.world, self.peers, self.queue, clock)
        self.client = Client(
            server.access(),
            user_agent=f"{AGENT}/test",
            may_write=lambda: self.leads(),
            clock=clock,
        )
        self.recorder = Recorder(self.client, instance="test", now=self.now)
        virtual = isinstance(asyncio.get_running_loop(), VirtualLoop)
        self._longest_pause = 5.0 if virtual else 0.05
        self._patience = PATIENCE if virtual else REAL_PATIENCE
        self._informers: list[Informer] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        writer = Writer(self.client, self.world)
        self.ledger = Ledger(self.client, LEDGER_SPACE)
        self.tools = Tools(
            world=self.world,
            client=self.client,
            writer=writer,
            secrets=SecretServices(
                vault=vault,
                ledger=self.ledger,
                tokens=Tokens(self.ledger, vault, self._workflow_jwt, self.now) if vault else None,
                drivers=drivers(trust_domain="cluster.local", database_ca_file=None),
                sources=Sources(clock),
                publish=writer.publish,
                clock=self.now,
                random=Random(1),
                verify=timedelta(),
            ),
            restarts=Restarts(clock, collect=0, interval=0, per_minute=6000),
            surroundings=lambda: Surroundings(
                api_server=(AddressAndPort("192.0.2.10/32", 6443),), version="1"
            ),
            clock=self.now,
            monotonic=clock,
            observed=self.observer.workflow,
            tell=self._tell,
            ready=self.meter.ready.append,
            repaired=self.meter.repaired.append,
            in_force=self.peers.observe,
        )
        self.workers = Workers(
            self.queue, self.world, Reconciler(self.tools), meter=self.meter, clock=clock
        )

    @staticmethod
    def now() -> datetime:
        """The time of day, which goes as the loop's clock does."""
        return BEGIN + timedelta(seconds=asyncio.get_running_loop().time())

    async def __aenter__(self) -> Self:
        """Follow everything, and work once all is known."""
        await self.client.__aenter__()
        self.follow()
        await self.until(lambda: all(one.synced for one in self._informers))
        if self.leads():
            self.work()
        return self

    async def __aexit__(self, *failure: object) -> None:
        """End as a killed process does: at once, with nothing given back."""
        await self._end()
        await self.client.__aexit__(None, None, None)

    def follow(self) -> None:
        """Begin to follow children and workflows."""
        entries = Informer(
            self.client,
            resource_of(CREDENTIAL_KIND),
            namespaces=(LEDGER_SPACE,),
            known=lambda: [(LEDGER_SPACE, name) for name in self.ledger.names()],
            on_event=lambda event: self.observer.entry(self.ledger, event),
            clock=asyncio.get_running_loop().time,
            rng=lambda: 0.5,
        )
        self._informers.append(entries)
        self._tasks.add(asyncio.create_task(entries.run(), name="follow ledger"))
        for kind in (*CHILD_KINDS, KIND):
            followed = (
                following.Followed("", self.world.workflows, self._workflow)
                if kind == KIND
                else following.follow(kind, self.world, self.observer)
            )
            informer = Informer(
                self.client,
                resource_of(kind),
                label_selector=followed.selector,
                metadata_only=kind == "Secret",
                known=followed.known,
                on_event=followed.on_event,
                clock=asyncio.get_running_loop().time,
                rng=lambda: 0.5,
            )
            self._informers.append(informer)
            self._tasks.add(asyncio.create_task(informer.run(), name=f"follow {kind}"))

    def work(self) -> None:
        """Begin to run passes, over everything first."""
        for key in self.world.workflows():
            self.queue.add(key, Priority.LATER)
        self._tasks.add(asyncio.create_task(self.workers.run(WORKERS), name="work"))
        self._tasks.add(asyncio.create_task(self.recorder.run(), name="events"))

    async def take_over(self) -> None:
        """Do what a standby does when it wins the Lease: list anew, then work."""
        self.world.keeps_contents = True
        await self._end()
        self.follow()
        await self.until(lambda: all(one.synced for one in self._informers))
        self.work()

    async def until(self, holds: Callable[[], object], seconds: float = 0.0) -> None:
        """Wait until something is so, looking less and less often; for `seconds` at most.

        Raises:
            TimeoutError: it did not come about.
        """
        pause = 0.01
        async with asyncio.timeout(seconds or self._patience):
            while not holds():
                await asyncio.sleep(pause)
                pause = min(self._longest_pause, pause * 1.2)

    async def quiet(self, seconds: float = QUIET) -> None:
        """Wait until no pass runs or is due, and nothing was asked of the server for a while."""
        async with asyncio.timeout(self._patience + seconds):
            seen, since = -1, 0.0
            while True:
                now = asyncio.get_running_loop().time()
                if len(self.server.seen) != seen or len(self.queue) or self.queue.active:
                    seen, since = len(self.server.seen), now
                if now - since >= seconds:
                    return
                await asyncio.sleep(seconds / 8)

    @staticmethod
    async def pass_time(seconds: float) -> None:
        """Let virtual time pass, to see that nothing happens in it."""
        await asyncio.sleep(seconds)

    async def ready(self, name: str = "router") -> None:
        """Wait until a workflow is Ready for its generation, and all is quiet."""
        await self.until(lambda: is_ready(self.server, name))
        await self.quiet()

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()
        self._informers.clear()

    def _workflow(self, event: Event) -> None:
        """What kopf would tell: None in the first list, and a deleted workflow with its uid."""
        raw = event.obj
        if event.type == "DELETED" and "uid" not in raw["metadata"]:
            metadata = raw["metadata"]
            seen = self.world.workflow(Key(metadata["namespace"], metadata["name"]))
            raw = {"metadata": {**metadata, "uid": seen.uid if seen else ""}}
        self.observer.workflow(None if event.initial else event.type, raw)

    async def _workflow_jwt(self, namespace: str, name: str) -> str:
        await self.client.token(namespace, name, "vault-operator", 600)
        return f"jwt:{namespace}/{name}"

    def _tell(
        self, regarding: dict[str, Any], *, warning: bool, reason: str, action: str, note: str
    ) -> None:
        self.recorder.emit(regarding, "Warning" if warning else "Normal", reason, action, note)


class RestlessLoop(VirtualLoop):
    """Virtual time that goes on a little even while there is always something to do.

    An operator that runs after itself in circles would else never run out of time.
    """

    def __init__(self) -> None:
        super().__init__()
        self._rounds = 0

    def time(self) -> float:
        return super().time() + self._rounds * ROUND

    def _run_once(self) -> None:
        self._rounds += 1
        super()._run_once()  # type: ignore[misc]


@asynccontextmanager
async def cluster(**options: Any) -> AsyncIterator[ApiServer]:
    """A fake API server with a namespace, Deployments that come up, and the loop's clock."""
    async with ApiServer(
        now=Core.now, **{"namespaces": (SPACE, LEDGER_SPACE), "rolling_out": True, **options}
    ) as server:
        yield server


def story(tell: Callable[[ApiServer], Awaitable[None]], **options: Any) -> None:
    """Run a story on a fresh cluster in virtual time."""

    async def told() -> None:
        async with cluster(**options) as server:
            await tell(server)

    with asyncio.Runner(loop_factory=RestlessLoop) as runner:
        runner.run(told())


def under_operator(
    tell: Callable[[ApiServer, Core], Awaitable[None]], *ready: dict[str, Any], **options: Any
) -> None:
    """Run a story under one operator, from when these workflows are ready."""

    async def told(server: ApiServer) -> None:
        async with Core(server) as core:
            for one in ready:
                server.put(one)
                await core.ready(one["metadata"]["name"])
            await tell(server, core)

    story(told, **options)


def status_of(server: ApiServer, name: str = "router", namespace: str = SPACE) -> dict[str, Any]:
    """The status of a workflow as it is now."""
    found = server.get(KIND, namespace, name)
    return dict(found.get("status", {})) if found else {}


def condition(
    server: ApiServer, kind: str, name: str = "router", namespace: str = SPACE
) -> dict[str, Any]:
    """A condition of a workflow; empty when there is none."""
    conditions = status_of(server, name, namespace).get("conditions", ())
    return next((dict(one) for one in conditions if one["type"] == kind), {})


def is_ready(server: ApiServer, name: str = "router", namespace: str = SPACE) -> bool:
    """Whether a workflow is Ready for the generation it has now."""
    found = server.get(KIND, namespace, name)
    if found is None:
        return False
    ready = condition(server, "Ready", name, namespace)
    current: bool = ready.get("observedGeneration") == found["metadata"]["generation"]
    return current and ready["status"] == "True"


def writes(server: ApiServer, since: int = 0, *, events: bool = False) -> list[Seen]:
    """What the operator wrote, or tried to, since so many requests; Events only when asked for."""
    return [
        one
        for one in server.seen[since:]
        if one.call.agent == AGENT and one.call.writes and (events or one.call.kind.name != "Event")
    ]


def written(server: ApiServer, since: int = 0) -> list[tuple[str, str, str]]:
    """Verb, kind (with subresource) and name of each write of the operator, sorted."""
    return sorted(
        (
            one.call.verb,
            "/".join(filter(None, (one.call.kind.name, one.call.subresource))),
            one.call.name,
        )
        for one in writes(server, since)
    )


def roll_out(server: ApiServer, name: str = "router", namespace: str = SPACE) -> None:
    """Let the pods of a Deployment come up, where they do not by themselves."""

    def come_up(deployment: dict[str, Any]) -> None:
        wanted = deployment["spec"].get("replicas", 1)
        counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        deployment["status"] = {
            "observedGeneration": deployment["metadata"]["generation"],
            **dict.fromkeys(counts, wanted),
        }

    manager = "kube-controller-manager"
    server.edit("Deployment", namespace, name, come_up, manager=manager, subresource="status")


def annotate(obj: dict[str, Any], name: str, value: str) -> None:
    """Set an annotation."""
    obj["metadata"].setdefault("annotations", {})[name] = value


def label(obj: dict[str, Any], name: str, value: str) -> None:
    """Set a label."""
    obj["metadata"].setdefault("labels", {})[name] = value
