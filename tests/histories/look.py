# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A namespace as it is at one moment: its workflows, and every object that could be a child."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.e2e.stories import CHILD_KINDS
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from tests.e2e.stories import Place

Obj = dict[str, Any]
Ref = tuple[str, str]
"""Kind and name."""

WORKLOADS = ("Deployment", "CronJob", "Job")
FOLLOWED = tuple(kind for kind in CHILD_KINDS if kind != "Secret")


@dataclass(frozen=True)
class Look:
    """What there is.

    Attributes:
        workflows: by name.
        objects: everything else, but the namespace's own ServiceAccount and the runs of CronJobs.
    """

    workflows: dict[str, Obj]
    objects: dict[Ref, Obj]

    def owned_by(self, uid: str) -> dict[Ref, Obj]:
        """The objects that a workflow controls."""
        found = ((ref, controller(one)) for ref, one in self.objects.items())
        return {ref: self.objects[ref] for ref, owner in found if owner and owner["uid"] == uid}


def look(place: Place) -> Look:
    """Read everything."""
    kinds = (KIND, *FOLLOWED)
    with ThreadPoolExecutor(4) as threads:
        listed = dict(zip(kinds, threads.map(place.items, kinds), strict=True))
    workflows = {one["metadata"]["name"]: one for one in listed.pop(KIND)}
    objects = {
        (kind, one["metadata"]["name"]): one for kind, found in listed.items() for one in found
    }
    objects.pop(("ServiceAccount", "default"), None)
    runs = [ref for ref, one in objects.items() if (controller(one) or {}).get("kind") == "CronJob"]
    return Look(workflows, {ref: one for ref, one in objects.items() if ref not in runs})


def controller(obj: Obj) -> Obj | None:
    """The owner reference of an object's controller."""
    references = obj["metadata"].get("ownerReferences", ())
    return next((one for one in references if one.get("controller")), None)


HELD = "example.org/held"
"""A finalizer of somebody else."""


def held(obj: Obj) -> bool:
    """Whether an object cannot go, because of somebody's finalizer."""
    return leaving(obj) and HELD in obj["metadata"].get("finalizers", ())


def leaving(obj: Obj) -> bool:
    """Whether an object is being deleted."""
    return "deletionTimestamp" in obj["metadata"]
