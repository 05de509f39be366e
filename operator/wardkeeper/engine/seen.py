# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What is kept of a workflow and of a child that was seen: as little as decisions allow. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from wardkeeper.api.workflow import KIND, Mode
from wardkeeper.engine.rollout import Rollout, observe
from wardkeeper.render.metadata import WORKFLOW
from wardkeeper.render.pod import SECRETS_MAC

if TYPE_CHECKING:
    from collections.abc import Mapping

WORKLOADS = ("Deployment", "CronJob", "Job")

CHILD_KINDS = (
    "ServiceAccount",
    "NetworkPolicy",
    "Role",
    "RoleBinding",
    "Secret",
    "Service",
    "PodDisruptionBudget",
    "Deployment",
    "CronJob",
    "Job",
)
"""Kinds of children that are followed."""

ORPHANING = "orphan"
"""Kubernetes' finalizer on what was deleted without its children; it takes the owners off them."""

LONGEST_ECHO = 256
"""Characters of a workflow's annotation that are kept: status repeats some and holds no more."""


class Key(NamedTuple):
    """Which workflow."""

    namespace: str
    name: str


@dataclass(slots=True)
class Observed:
    """A workflow as it was last seen; spec and status as JSON, for few are looked at at once.

    Attributes:
        status: what this process last told of it; until then, what stands there.
        stands: the status that stands there, which somebody else may have written.
        told: this process has told a status, or found that nothing else is to be told.
        telling: the status that was sent last, as long as nobody knows whether it arrived.
        orphaning: whoever deleted it wants its children to stay.
    """

    uid: str
    version: int
    generation: int
    deleting: str
    finalizers: tuple[str, ...]
    annotations: Mapping[str, str]
    spec: bytes
    status: bytes
    stands: bytes
    told: bool = False
    telling: bytes = b""
    orphaning: bool = False

    @property
    def forged(self) -> bool:
        """Whether somebody else wrote over what was told of it."""
        return self.told and self.stands != self.status


@dataclass(slots=True)
class Child:
    """A child as it was last seen.

    Attributes:
        unread: the whole object, until a pass has compared it.
        good_for: fingerprint of the wanted object that it was last found, or made, equal to; 0 when
            it never was. Neither content nor fingerprint: it must be read before it is judged.
        own: what is unread is what our own write led to, so it is no news.
        annotations: of a Secret, the annotations that say which version it delivers.
        rollout: of a workload, how far it has come.
        stamp: of a workload, the digest of its secrets that its template carries; empty without.
        leaving: it is being deleted.
        taken_from: uid of the controller that owned it before somebody put another one there.
    """

    uid: str
    owner: str
    version: int
    unread: bytes | None
    good_for: int = 0
    own: bool = False
    annotations: Mapping[str, str] | None = None
    rollout: Rollout | None = None
    stamp: str = ""
    leaving: bool = False
    taken_from: str = ""


def key_of(raw: Mapping[str, Any]) -> Key | None:
    """The workflow that an object belongs to: by its controller, else by its label."""
    return controlled_by(raw) or named_by(raw)


def controlled_by(raw: Mapping[str, Any]) -> Key | None:
    """The workflow that controls an object, if one does."""
    metadata = raw["metadata"]
    for reference in metadata.get("ownerReferences", ()):
        if reference.get("controller") and reference.get("kind") == KIND:
            return Key(metadata["namespace"], reference["name"])
    return None


def named_by(raw: Mapping[str, Any]) -> Key | None:
    """The workflow that the label of an object names, if it bears one."""
    metadata = raw["metadata"]
    name = metadata.get("labels", {}).get(WORKFLOW)
    return Key(metadata["namespace"], name) if name else None


def controller_of(raw: Mapping[str, Any]) -> str:
    """The uid of the controller that owns an object; empty when nobody does."""
    for reference in raw["metadata"].get("ownerReferences", ()):
        if reference.get("controller"):
            return str(reference["uid"])
    return ""


def packed(value: Any) -> bytes:
    """JSON to be kept: orjson's own bytes have several times their length of room at their end."""
    return memoryview(orjson.dumps(value)).tobytes()


def packed_status(status: Mapping[str, Any] | None) -> bytes:
    """A status to be kept, the same whoever wrote it down."""
    return memoryview(orjson.dumps(status or {}, option=orjson.OPT_SORT_KEYS)).tobytes()


def see_workflow(raw: Mapping[str, Any], before: Observed | None) -> Observed:
    """What is kept of a workflow; a spec or status that did not change is kept once."""
    metadata = raw["metadata"]
    spec = packed(raw.get("spec", {}))
    status = stands = packed_status(raw.get("status"))
    told = before is not None and before.told and before.uid == metadata["uid"]
    arrived = before is not None and stands == before.telling
    if before and told and not arrived:
        status = before.status
        stands = status if stands == status else stands
    finalizers = tuple(metadata.get("finalizers", ()))
    return Observed(
        uid=metadata["uid"],
        version=int(metadata["resourceVersion"]),
        generation=metadata.get("generation", 0),
        deleting=metadata.get("deletionTimestamp", ""),
        finalizers=finalizers,
        annotations={
            name: value[:LONGEST_ECHO] for name, value in _ours(metadata.get("annotations")).items()
        },
        spec=before.spec if before and before.spec == spec else spec,
        status=status,
        stands=stands,
        told=told,
        telling=before.telling if before and told and not arrived else b"",
        orphaning=ORPHANING in finalizers
        or (before is not None and before.uid == metadata["uid"] and before.orphaning),
    )


def is_audited(seen: Observed) -> bool:
    """Whether a workflow is only to be looked at: nothing is written for it."""
    return bool(orjson.loads(seen.spec).get("mode") == Mode.AUDIT)


def see_child(raw: Mapping[str, Any], before: Child | None = None) -> Child:
    """What is kept of a child, besides its content; `before` is what was kept of it."""
    metadata, kind = raw["metadata"], raw["kind"]
    stood = before.rollout if before and before.uid == metadata["uid"] else None
    return Child(
        uid=metadata["uid"],
        owner=controller_of(raw),
        version=int(metadata["resourceVersion"]),
        unread=None,
        annotations=_ours(metadata.get("annotations")) if kind == "Secret" else None,
        rollout=observe(raw, stood) if kind in WORKLOADS else None,
        stamp=stamp_of(raw) if kind in WORKLOADS else "",
        leaving="deletionTimestamp" in metadata,
    )


def stamp_of(workload: Mapping[str, Any]) -> str:
    """The digest of its secrets that a workload's pod template carries; empty without one."""
    spec = workload.get("spec", {})
    template = spec.get("jobTemplate", {}).get("spec", spec).get("template", {})
    annotations = template.get("metadata", {}).get("annotations") or {}
    return str(annotations.get(SECRETS_MAC, ""))


def differs(before: Observed, now: Observed) -> bool:
    """Whether a pass may come to another end; what others note does not matter.

    Status does only when somebody else wrote it.
    """
    forged = now.forged and now.stands != before.stands
    return forged or _relevant(before) != _relevant(now)


def _relevant(seen: Observed) -> tuple[object, ...]:
    finalizers = seen.finalizers if seen.deleting else ()
    return seen.uid, seen.generation, seen.deleting, finalizers, seen.annotations


def _ours(annotations: Mapping[str, str] | None) -> Mapping[str, str]:
    """The annotations that mean something to us; nothing else is kept."""
    return {k: v for k, v in (annotations or {}).items() if k.startswith("wardkeeper.io/")}
