# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that is followed: the children through informers, the workflows by a list at times.

kopf watches workflows. The list at the start tells when all of them are known, which kopf does
not tell; the lists later find what its watch may miss, a workflow that was deleted meanwhile.
When kopf has lost its place and has listed anew, one follows at once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from wardkeeper.api.credential import CREDENTIAL_KIND
from wardkeeper.api.workflow import KIND
from wardkeeper.engine.seen import CHILD_KINDS, Key
from wardkeeper.kube.errors import ApiError
from wardkeeper.kube.informer import Informer
from wardkeeper.kube.resource import resource_of
from wardkeeper.render.metadata import MANAGED_BY, OPERATOR
from wardkeeper.shell.tasks import end

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from wardkeeper.engine.secrets.ledger import Ledger
    from wardkeeper.engine.world import World
    from wardkeeper.kube.client import Client
    from wardkeeper.kube.informer import Event
    from wardkeeper.shell.observe import Observer

_log = logging.getLogger(__name__)

SELECTOR = f"{MANAGED_BY}={OPERATOR}"
SYNC_LOOK = 0.05
SWEEP_SECONDS = 600.0
LIST_RETRY = 2.0
LIST_CALM = 2.0
"""Seconds after kopf has listed anew in which the rest of its list may come."""


class Followed(NamedTuple):
    """Which objects of a kind are followed, which are believed to exist, and who is told."""

    selector: str
    known: Callable[[], Iterable[tuple[str, str]]]
    on_event: Callable[[Event], None]


def follow(kind: str, world: World, observer: Observer) -> Followed:
    """How a kind of child is followed: by its label, but for NetworkPolicies, which all add up."""
    children = partial(world.known, kind)
    if kind != "NetworkPolicy":
        return Followed(SELECTOR, children, observer.child)
    return Followed("", lambda: {*children(), *world.strangers.names()}, observer.policy)


class Following:
    """What is followed and how far that has come.

    Args:
        client: where from.
        namespaces: where workflows live; empty is everywhere.
        world: what is known.
        observer: told about every change.
        ledger: the credentials that live, in the operator's namespace.
        secrets: whether Secrets are followed: without Vault none is made, and the installation
            gives no right on any.
    """

    def __init__(
        self,
        client: Client,
        namespaces: tuple[str, ...],
        world: World,
        observer: Observer,
        ledger: Ledger,
        *,
        secrets: bool,
    ) -> None:
        self._client = client
        self._namespaces = namespaces
        self._world = world
        self._observer = observer
        self._ledger = ledger
        self._kinds = [kind for kind in CHILD_KINDS if secrets or kind != "Secret"]
        self._informers: list[Informer] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._listed = False
        self._missed = asyncio.Event()

    @property
    def synced(self) -> bool:
        """Whether everything that exists has been seen once."""
        return self._listed and all(one.synced for one in self._informers)

    def last_activity(self) -> float:
        """When the quietest watch on children last brought anything (monotonic)."""
        return min((one.last_activity for one in self._informers), default=time.monotonic())

    async def until_synced(self) -> None:
        """Wait until everything that exists has been seen once."""
        while not self.synced:  # noqa: ASYNC110 - eleven parts that know nothing of each other
            await asyncio.sleep(SYNC_LOOK)

    def begin(self) -> None:
        """Follow every kind of child; each is listed first, page by page."""
        for kind in self._kinds:
            followed = follow(kind, self._world, self._observer)
            informer = Informer(
                self._client,
                resource_of(kind),
                namespaces=self._namespaces,
                label_selector=followed.selector,
                metadata_only=kind == "Secret",
                known=followed.known,
                on_event=followed.on_event,
            )
            self._informers.append(informer)
            self._tasks.add(asyncio.create_task(informer.run(), name=f"follow {kind}"))

        self._follow_ledger()

    def _follow_ledger(self) -> None:
        namespace = self._ledger.namespace
        informer = Informer(
            self._client,
            resource_of(CREDENTIAL_KIND),
            namespaces=(namespace,),
            known=lambda: [(namespace, name) for name in self._ledger.names()],
            on_event=lambda event: self._observer.entry(self._ledger, event),
        )
        self._informers.append(informer)
        self._tasks.add(asyncio.create_task(informer.run(), name=f"follow {CREDENTIAL_KIND}"))

    async def end(self) -> None:
        """Follow no child any more."""
        await end(self._tasks)
        self._tasks.clear()
        self._informers.clear()

    async def list_workflows(self) -> None:
        """List workflows now and then, until cancelled."""
        while True:
            try:
                await self._list_once()
                self._listed = True
                await self._pause()
            except ApiError as error:
                _log.warning("workflows cannot be listed", extra={"failure": error.reason})
                await asyncio.sleep(LIST_RETRY)

    def watched(self, type: str | None, raw: Mapping[str, Any]) -> None:  # noqa: A002
        """An event of kopf's watch; type None is a list, which does not tell what is gone."""
        self._observer.workflow(type, raw)
        if type is None:
            self._missed.set()

    async def _pause(self) -> None:
        """Until workflows are to be listed again: at times, and soon after kopf has listed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SWEEP_SECONDS):
                await self._missed.wait()
                await asyncio.sleep(LIST_CALM)
                self._missed.clear()

    async def _list_once(self) -> None:
        before = {key: self._world.workflow(key) for key in self._world.workflows()}
        there = set()
        for namespace in self._namespaces or (None,):
            async for page in self._client.pages(resource_of(KIND), namespace):
                for raw in page.items:
                    there.add(Key(raw["metadata"]["namespace"], raw["metadata"]["name"]))
                    self._observer.workflow(None, raw)
        for key, seen in before.items():
            if key not in there and seen is not None:
                metadata = {"namespace": key.namespace, "name": key.name, "uid": seen.uid}
                self._observer.workflow("DELETED", {"metadata": metadata})
