# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What has been observed: the workflows and their children, as small as decisions allow.

The world never asks and never writes. A child is kept as identity and version; what it contains
is kept only until a pass has held it against what is wanted. Observing returns whether, and how
urgently, a pass is wanted; an event that tells of our own write wants none.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from wardkeeper.api.workflow import KIND
from wardkeeper.engine.rollout import Rollout, observe
from wardkeeper.kube.resource import Ref, ref_of
from wardkeeper.render.metadata import WORKFLOW

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

WORKLOADS = ("Deployment", "CronJob", "Job")


class Key(NamedTuple):
    """Which workflow."""

    namespace: str
    name: str


@dataclass(slots=True)
class Observed:
    """A workflow as it was last seen; spec and status as JSON, for few are looked at at once."""

    uid: str
    version: int
    generation: int
    deleting: str
    finalizers: tuple[str, ...]
    annotations: Mapping[str, str]
    spec: bytes
    status: bytes


@dataclass(slots=True)
class Child:
    """A child as it was last seen.

    Attributes:
        unread: the whole object, until a pass has compared it.
        good_for: fingerprint of the wanted object that it was found, or made, equal to; 0 when it
            was not compared. Neither content nor fingerprint: it must be read before it is judged.
        annotations: of a Secret, the annotations that say which version it delivers.
        rollout: of a workload, how far it has come.
        leaving: it is being deleted.
    """

    uid: str
    owner: str
    version: int
    unread: bytes | None
    good_for: int = 0
    annotations: Mapping[str, str] | None = None
    rollout: Rollout | None = None
    leaving: bool = False


@dataclass(slots=True)
class _Family:
    """The children of one workflow, and those that vanished without our doing."""

    children: dict[Ref, Child] = field(default_factory=dict)
    lost: set[Ref] = field(default_factory=set)


class World:
    """Everything that has been observed, by workflow.

    Attributes:
        keeps_contents: whether what a child contains is kept for the next pass. A standby runs no
            passes, so it keeps none and lists anew when it takes over.
    """

    def __init__(self) -> None:
        self.keeps_contents = True
        self._workflows: dict[Key, Observed] = {}
        self._families: defaultdict[Key, _Family] = defaultdict(_Family)
        self._leaving: set[tuple[Ref, str]] = set()

    def __len__(self) -> int:
        """How many workflows there are."""
        return len(self._workflows)

    def workflows(self) -> Iterable[Key]:
        """Every workflow that was observed and not seen to go."""
        return tuple(self._workflows)

    def workflow(self, key: Key) -> Observed | None:
        """A workflow, or None when it is gone."""
        return self._workflows.get(key)

    def exists(self, namespace: str, name: str) -> bool:
        """Whether there is a workflow of that name that is not being deleted."""
        seen = self._workflows.get(Key(namespace, name))
        return seen is not None and not seen.deleting

    def observe_workflow(self, raw: Mapping[str, Any]) -> bool:
        """Remember a workflow; True when a pass is wanted.

        A change of status alone, or of foreign labels, wants none.
        """
        metadata = raw["metadata"]
        key = Key(metadata["namespace"], metadata["name"])
        before = self._workflows.get(key)
        version = int(metadata["resourceVersion"])
        if before and before.uid == metadata["uid"] and version <= before.version:
            return False
        spec = orjson.dumps(raw.get("spec", {}))
        now = Observed(
            uid=metadata["uid"],
            version=version,
            generation=metadata.get("generation", 0),
            deleting=metadata.get("deletionTimestamp", ""),
            finalizers=tuple(metadata.get("finalizers", ())),
            annotations=_ours(metadata.get("annotations")),
            spec=before.spec if before and before.spec == spec else spec,
            status=orjson.dumps(raw.get("status", {})),
        )
        self._workflows[key] = now
        return before is None or _relevant(before) != _relevant(now)

    def forget_workflow(self, key: Key, uid: str) -> bool:
        """A workflow is gone; True when it was this one and not a successor of the same name."""
        seen = self._workflows.get(key)
        if seen is None or seen.uid != uid:
            return False
        del self._workflows[key]
        return True

    def observe_child(self, raw: dict[str, Any]) -> Key | None:
        """Remember a child; its workflow when a pass is wanted, else None."""
        key = key_of(raw)
        if key is None:
            return None
        ref, version = ref_of(raw), int(raw["metadata"]["resourceVersion"])
        known = self._families[key].children.get(ref)
        same = known is not None and known.uid == raw["metadata"]["uid"]
        if known and same:
            compared = known.unread is not None or known.good_for
            if version < known.version or (version == known.version and compared):
                return None
        child = _child(raw, ref.kind)
        if known and same and not child.owner:
            child.owner = known.owner
        child.unread = orjson.dumps(raw) if self.keeps_contents else None
        self._families[key].children[ref] = child
        return key

    def forget_child(self, raw: dict[str, Any]) -> Key | None:
        """A child is gone; its workflow when a pass is wanted, else None.

        A child that vanished while nobody watched comes with kind, namespace and name only.
        """
        ref, uid = ref_of(raw), raw["metadata"].get("uid")
        key = key_of(raw) if uid else self._family_of(ref)
        if key is None:
            return None
        family = self._families[key]
        known = family.children.get(ref)
        if known is None or uid not in (None, known.uid):
            self._tidy(key)
            return None
        del family.children[ref]
        expected = (ref, known.uid) in self._leaving
        self._leaving.discard((ref, known.uid))
        seen = self._workflows.get(key)
        if seen and not seen.deleting and known.owner == seen.uid and not expected:
            family.lost.add(ref)
        self._tidy(key)
        return key if seen else None

    def wrote(self, raw: dict[str, Any], good_for: int) -> None:
        """Remember a child as the server stored it after our own write: it is as wanted."""
        key = key_of(raw)
        if key is None:
            return
        ref = ref_of(raw)
        family = self._families[key]
        family.lost.discard(ref)
        known = family.children.get(ref)
        child = _child(raw, ref.kind)
        child.good_for = good_for
        if known is None or known.uid != child.uid or known.version <= child.version:
            family.children[ref] = child

    def compared(self, key: Key, ref: Ref, version: int, good_for: int) -> None:
        """A pass has found the child at this version to be as wanted."""
        child = self._families[key].children.get(ref)
        if child is not None and child.version == version:
            child.unread, child.good_for = None, good_for

    def drop_contents(self) -> None:
        """Forget what children contain; they are listed anew before the next pass."""
        self.keeps_contents = False
        for family in self._families.values():
            for child in family.children.values():
                child.unread = None

    def leaving(self, ref: Ref, uid: str) -> None:
        """We are about to delete this child: its going is no drift."""
        self._leaving.add((ref, uid))

    def children(self, key: Key) -> Mapping[Ref, Child]:
        """The children of a workflow, whoever owns them by uid."""
        family = self._families.get(key)
        return family.children if family else {}

    def lost(self, key: Key) -> frozenset[Ref]:
        """Children that vanished without our doing and are not back yet."""
        family = self._families.get(key)
        return frozenset(family.lost) if family else frozenset()

    def pending(self, key: Key) -> frozenset[tuple[Ref, int]]:
        """Changes of children that no pass has taken in: ref and version, 0 when it is lost."""
        family = self._families.get(key)
        if family is None:
            return frozenset()
        unread = {(r, one.version) for r, one in family.children.items() if one.unread is not None}
        return frozenset(unread | {(ref, 0) for ref in family.lost})

    def settle(self, key: Key, wanted: Collection[Ref]) -> None:
        """What nobody wants is neither missed nor remembered in full."""
        family = self._families.get(key)
        if family is None:
            return
        family.lost &= set(wanted)
        for ref, child in family.children.items():
            if ref not in wanted:
                child.unread = None

    def known(self, kind: str) -> Iterable[tuple[str, str]]:
        """Namespace and name of every child of a kind."""
        for family in list(self._families.values()):
            for ref in family.children:
                if ref.kind == kind:
                    yield ref.namespace, ref.name

    def _family_of(self, ref: Ref) -> Key | None:
        return next((key for key, one in self._families.items() if ref in one.children), None)

    def _tidy(self, key: Key) -> None:
        family = self._families.get(key)
        if family and not family.children and not family.lost and key not in self._workflows:
            del self._families[key]


def key_of(raw: Mapping[str, Any]) -> Key | None:
    """The workflow that an object belongs to: by its controller, else by its label."""
    metadata = raw["metadata"]
    for reference in metadata.get("ownerReferences", ()):
        if reference.get("controller") and reference.get("kind") == KIND:
            return Key(metadata["namespace"], reference["name"])
    name = metadata.get("labels", {}).get(WORKFLOW)
    return Key(metadata["namespace"], name) if name else None


def controller_of(raw: Mapping[str, Any]) -> str:
    """The uid of the controller that owns an object; empty when nobody does."""
    for reference in raw["metadata"].get("ownerReferences", ()):
        if reference.get("controller"):
            return str(reference["uid"])
    return ""


def _child(raw: Mapping[str, Any], kind: str) -> Child:
    metadata = raw["metadata"]
    return Child(
        uid=metadata["uid"],
        owner=controller_of(raw),
        version=int(metadata["resourceVersion"]),
        unread=None,
        annotations=_ours(metadata.get("annotations")) if kind == "Secret" else None,
        rollout=observe(raw) if kind in WORKLOADS else None,
        leaving="deletionTimestamp" in metadata,
    )


def _ours(annotations: Mapping[str, str] | None) -> Mapping[str, str]:
    """The annotations that mean something to us; nothing else is kept."""
    return {k: v for k, v in (annotations or {}).items() if k.startswith("wardkeeper.io/")}


def _relevant(seen: Observed) -> tuple[object, ...]:
    finalizers = seen.finalizers if seen.deleting else ()
    return seen.uid, seen.generation, seen.deleting, finalizers, seen.annotations
