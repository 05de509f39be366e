# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Turns events into knowledge and into wishes for a pass. Never waits, never raises."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from wardkeeper.engine.pod_labels import any_labels_of
from wardkeeper.engine.queue import Priority
from wardkeeper.engine.seen import Key, controlled_by, named_by
from wardkeeper.render.metadata import WORKFLOW

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wardkeeper.engine.peers import Peers
    from wardkeeper.engine.queue import Queue
    from wardkeeper.engine.secrets.ledger import Ledger
    from wardkeeper.engine.world import World
    from wardkeeper.kube.informer import Event
    from wardkeeper.policy.opening import Opening

_log = logging.getLogger(__name__)


class Observer:
    """The one place where what is seen becomes what is done.

    Args:
        world: remembers.
        peers: whose network depends on whom.
        queue: wishes for passes.
        clock: monotonic seconds, for the time of the last event.
    """

    def __init__(
        self, world: World, peers: Peers, queue: Queue[Key], clock: Callable[[], float]
    ) -> None:
        self._world = world
        self._peers = peers
        self._queue = queue
        self._clock = clock
        self.last_workflow_event = clock()

    def workflow(self, type: str | None, raw: Mapping[str, Any]) -> None:  # noqa: A002
        """An event of our own kind; type None is the first list."""
        self.last_workflow_event = self._clock()
        metadata = raw["metadata"]
        key = Key(metadata["namespace"], metadata["name"])
        existed = self._world.exists(*key)
        if type == "DELETED":
            gone = self._world.forget_workflow(key, metadata["uid"])
            if gone:
                self._peers.observe(key, b"")
                self._queue.add(key)
        elif self._world.observe_workflow(raw):
            seen = self._world.workflow(key)
            self._peers.observe(key, seen.spec if seen else b"")
            self._queue.add(key, Priority.LATER if type is None else Priority.LIVE)
        if existed != self._world.exists(*key):
            for namer in self._peers.namers(key):
                self._queue.add(namer)

    def child(self, event: Event) -> None:
        """An event of a child.

        While a pass of its workflow runs, only a deletion asks for another one: the worker looks
        afterwards at what else came, and most of it is the echo of what the pass itself wrote.
        """
        gone = event.type == "DELETED"
        key = (self._world.forget_child if gone else self._world.observe_child)(event.obj)
        if key is not None:
            self._ask(key, event, gone=gone)
        owner, name = controlled_by(event.obj), named_by(event.obj)
        if owner and name and owner != name:  # somebody gave it away, and its own may want another
            self._ask(name, event, gone=gone)

    def _ask(self, key: Key, event: Event, *, gone: bool) -> None:
        if self._world.workflow(key) is None:
            return
        if self._queue.is_active(key) and not gone:
            return
        self._queue.add(key, Priority.LATER if event.initial else Priority.LIVE)

    def policy(self, event: Event) -> None:
        """An event of a NetworkPolicy, whoever made it.

        One that is nobody's child matters to each workflow whose network it may open or close, also
        while a pass runs: no worker looks afterwards whether one came.
        """
        strangers, namespace = self._world.strangers, event.obj["metadata"]["namespace"]
        gone = event.type == "DELETED"
        for opening in (strangers.forget if gone else strangers.observe)(event.obj):
            for key in self._named(namespace, opening):
                if opening.selector.may_select(any_labels_of(key.name)):
                    self._queue.add(key, Priority.LATER if event.initial else Priority.LIVE)
        self.child(event)

    def _named(self, namespace: str, opening: Opening) -> list[Key]:
        """The workflows of a namespace that an opening does not rule out by their name."""
        names = opening.selector.values_of(WORKFLOW)
        if names is not None:
            keys = [Key(namespace, name) for name in names]
        else:
            keys = [key for key in self._world.workflows() if key.namespace == namespace]
        return [key for key in keys if self._world.exists(*key)]

    def entry(self, ledger: Ledger, event: Event) -> None:
        """An event of the ledger; only what somebody else did to an entry wants a pass.

        While a pass of its workflow runs, most of it is the echo of what the pass itself wrote;
        that somebody asked to delete an entry is not.
        """
        owner = ledger.observe(event.type, event.obj)
        if owner is None:
            return
        key = Key(owner.namespace, owner.name)
        seen = self._world.workflow(key)
        if seen is None or seen.uid != owner.uid:
            return
        if self._queue.is_active(key) and not ledger.is_doomed(event.obj["metadata"]["name"]):
            return
        self._queue.add(key, Priority.LATER if event.initial else Priority.LIVE)
