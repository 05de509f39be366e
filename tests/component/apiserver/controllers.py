# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The parts of kube-controller-manager without which an operator's world stands still.

Owned objects go when their owners have gone, ending namespaces are emptied, and, where a test
wants it, Deployments report that their pods have come up.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tests.component.apiserver.kinds import BY_NAME, KINDS
from tests.component.apiserver.target import Target

if TYPE_CHECKING:
    from tests.component.apiserver.kinds import Kind
    from tests.component.apiserver.store import Change, Key, Store
    from tests.component.apiserver.writes import Writer

Place = tuple["Kind", "Key"]

_COLLECTOR = "garbage-collector"
_FOREGROUND = "foregroundDeletion"


class Controllers:
    """Follows every change in the store and does what follows from it.

    Attributes:
        collecting: owned objects go with their owners.
        rolling_out: Deployments become available as soon as they are written.
    """

    def __init__(self, store: Store, writer: Writer, *, rolling_out: bool) -> None:
        self.collecting = True
        self.rolling_out = rolling_out
        self._store = store
        self._writer = writer
        self._changes: asyncio.Queue[Change] = asyncio.Queue()
        self._places: dict[str, Place] = {}
        self._dependents: dict[str, set[Place]] = defaultdict(set)
        store.listeners.append(self._changes.put_nowait)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            change = await self._changes.get()
            self._index(change)
            if self.collecting:
                self._collect(change)
            if change.new is not None and change.kind.name == "Namespace":
                self._empty(change.new)
            if self.rolling_out and change.new is not None and change.kind.name == "Deployment":
                self._roll_out(change.new)

    def _index(self, change: Change) -> None:
        place = (change.kind, change.key)
        if change.old is not None:
            for owner in _owner_uids(change.old):
                self._dependents[owner].discard(place)
        if change.new is None:
            if change.old is not None:
                self._places.pop(change.old["metadata"]["uid"], None)
            return
        self._places[change.new["metadata"]["uid"]] = place
        for owner in _owner_uids(change.new):
            self._dependents[owner].add(place)

    def _collect(self, change: Change) -> None:
        if change.new is None and change.old is not None:
            for kind, key in list(self._dependents.pop(change.old["metadata"]["uid"], ())):
                self._delete_if_orphaned(kind, key)
            for owner in _owner_uids(change.old):
                self._finish_foreground(owner)
            if change.key[0]:
                self._finish_namespace(change.key[0])
            return
        self._delete_if_orphaned(change.kind, change.key)
        if change.new is not None and _FOREGROUND in _finalizers(change.new):
            uid = change.new["metadata"]["uid"]
            for kind, key in list(self._dependents[uid]):
                self._delete(kind, key)
            self._finish_foreground(uid)

    def _delete_if_orphaned(self, kind: Kind, key: Key) -> None:
        stored = self._store.get(kind, key)
        if stored is None or stored.obj["metadata"].get("deletionTimestamp"):
            return
        owners = _owner_uids(stored.obj)
        if owners and not any(uid in self._places for uid in owners):
            self._delete(kind, key)

    def _finish_foreground(self, uid: str) -> None:
        if uid not in self._places or self._dependents[uid]:
            return
        kind, key = self._places[uid]
        stored = self._store.get(kind, key)
        if stored is None or _FOREGROUND not in _finalizers(stored.obj):
            return
        left = [name for name in _finalizers(stored.obj) if name != _FOREGROUND]
        metadata = {**stored.obj["metadata"], "finalizers": left}
        target = Target(kind, *key, manager=_COLLECTOR)
        self._writer.update(target, {**stored.obj, "metadata": metadata})

    def _empty(self, namespace: dict[str, Any]) -> None:
        metadata = namespace["metadata"]
        if not metadata.get("deletionTimestamp"):
            return
        for kind in KINDS:
            for obj in self._store.objects(kind, metadata["name"]) if kind.namespaced else ():
                if not obj["metadata"].get("deletionTimestamp"):
                    self._delete(kind, (metadata["name"], obj["metadata"]["name"]))
        self._finish_namespace(metadata["name"])

    def _finish_namespace(self, name: str) -> None:
        kind = BY_NAME["Namespace"]
        stored = self._store.get(kind, ("", name))
        if stored is None or not stored.obj["metadata"].get("deletionTimestamp"):
            return
        if any(self._store.objects(inner, name) for inner in KINDS if inner.namespaced):
            return
        if stored.obj["spec"]["finalizers"]:
            target = Target(kind, "", name, manager="namespace-controller")
            self._writer.update(target, {**stored.obj, "spec": {"finalizers": []}})

    def _delete(self, kind: Kind, key: Key) -> None:
        if self._store.get(kind, key) is not None:
            self._writer.delete(Target(kind, *key, manager=_COLLECTOR), {})

    def _roll_out(self, deployment: dict[str, Any]) -> None:
        metadata = deployment["metadata"]
        generation = metadata["generation"]
        if deployment.get("status", {}).get("observedGeneration") == generation:
            return
        replicas = deployment["spec"].get("replicas", 1)
        counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        status = {
            "observedGeneration": generation,
            **dict.fromkeys(counts, replicas),
            "conditions": [
                {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"},
                {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
            ],
        }
        key = (metadata["namespace"], metadata["name"])
        stored = self._store.get(BY_NAME["Deployment"], key)
        if stored is None:
            return
        target = Target(
            BY_NAME["Deployment"], *key, subresource="status", manager="kube-controller-manager"
        )
        self._writer.update(target, {**stored.obj, "status": status})


def _owner_uids(obj: dict[str, Any]) -> list[str]:
    return [reference["uid"] for reference in obj["metadata"].get("ownerReferences") or ()]


def _finalizers(obj: dict[str, Any]) -> list[str]:
    return list(obj["metadata"].get("finalizers") or ())
