# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What is stored, every change of it in order, and who is told: the part that etcd plays.

Objects are never changed in place, so a list at an earlier version is a list of references.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.component.apiserver.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.component.apiserver.kinds import Kind
    from tests.component.apiserver.owners import Owners

Key = tuple[str, str]
"""Namespace (empty for cluster-scoped kinds) and name."""


class Stored(NamedTuple):
    """An object and who set which of its fields."""

    obj: dict[str, Any]
    owners: Owners


class Change(NamedTuple):
    """One committed write; `new` is None for a deletion."""

    version: int
    kind: Kind
    key: Key
    new: dict[str, Any] | None
    old: dict[str, Any] | None


class Watcher:
    """One subscription: the changes of a kind from some version on."""

    def __init__(
        self, kind: Kind, namespace: str, selects: Callable[[dict[str, Any]], bool]
    ) -> None:
        self.kind = kind
        self.namespace = namespace
        self.selects = selects
        self.queue: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()

    def tell(self, change: Change) -> None:
        """Queue the event that this subscriber sees, if any."""
        if change.kind is not self.kind or self.namespace not in ("", change.key[0]):
            return
        before = change.old is not None and self.selects(change.old)
        after = change.new is not None and self.selects(change.new)
        if after and change.new is not None:
            self.queue.put_nowait(("MODIFIED" if before else "ADDED", change.new))
        elif before and change.old is not None:
            self.queue.put_nowait(("DELETED", _at(change.old, change.version)))


class Store:
    """All objects, their versions, and their history since the last compaction."""

    def __init__(self) -> None:
        self.version = 1000
        self.listeners: list[Callable[[Change], None]] = []
        self._objects: dict[str, dict[Key, Stored]] = defaultdict(dict)
        self._history: list[Change] = []
        self._compacted = self.version
        self._watchers: list[Watcher] = []
        self._lists: dict[tuple[str, int], list[dict[str, Any]]] = {}

    def get(self, kind: Kind, key: Key) -> Stored | None:
        """The object now."""
        return self._objects[kind.name].get(key)

    def objects(self, kind: Kind, namespace: str = "") -> list[dict[str, Any]]:
        """All objects of a kind, in the order of their keys."""
        found = sorted(self._objects[kind.name].items())
        return [stored.obj for (space, _), stored in found if namespace in ("", space)]

    def put(self, kind: Kind, key: Key, stored: Stored) -> dict[str, Any]:
        """Commit a new state; gives it the next version."""
        self.version += 1
        before = self._objects[kind.name].get(key)
        obj = _at(stored.obj, self.version)
        self._objects[kind.name][key] = Stored(obj, stored.owners)
        self._tell(Change(self.version, kind, key, obj, before.obj if before else None))
        return obj

    def remove(self, kind: Kind, key: Key) -> dict[str, Any]:
        """Commit a deletion; the object as it last was."""
        self.version += 1
        old = self._objects[kind.name].pop(key).obj
        self._tell(Change(self.version, kind, key, None, old))
        return _at(old, self.version)

    def snapshot(self, kind: Kind, version: int | None) -> tuple[int, list[dict[str, Any]]]:
        """A list as of one version, kept for its later pages.

        Raises:
            Refusal: 410, the version has been compacted.
        """
        if version is None:
            self._lists[(kind.name, self.version)] = self.objects(kind)
            return self.version, self._lists[(kind.name, self.version)]
        if version < self._compacted:
            raise Refusal(410, "The provided continue parameter is too old")
        return version, self._lists[(kind.name, version)]

    def watch(self, watcher: Watcher, since: int | None) -> None:
        """Subscribe, beginning with everything after a version, or with what there is.

        Raises:
            Refusal: 410, the version has been compacted.
        """
        if since is None:
            for obj in self.objects(watcher.kind, watcher.namespace):
                if watcher.selects(obj):
                    watcher.queue.put_nowait(("ADDED", obj))
        else:
            if since < self._compacted:
                raise Refusal(410, f"too old resource version: {since} ({self._compacted})")
            for change in self._history:
                if change.version > since:
                    watcher.tell(change)
        self._watchers.append(watcher)

    def unwatch(self, watcher: Watcher) -> None:
        """End a subscription."""
        self._watchers.remove(watcher)

    def compact(self) -> None:
        """Forget the history: earlier versions and continue tokens are gone (410)."""
        self.version += 1
        self._compacted = self.version
        self._history.clear()
        self._lists.clear()

    def _tell(self, change: Change) -> None:
        self._history.append(change)
        for watcher in self._watchers:
            watcher.tell(change)
        for listener in self.listeners:
            listener(change)


def _at(obj: dict[str, Any], version: int) -> dict[str, Any]:
    metadata = {**obj["metadata"], "resourceVersion": str(version)}
    return {**obj, "metadata": metadata}
