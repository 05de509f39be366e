# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What must be so whenever the operator is at rest: children as rendered, status as it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.e2e.stories import condition_of
from tests.histories.forgery import FORGED
from tests.histories.ideal import differences, is_recorded
from tests.histories.look import WORKLOADS, controller, held, leaving
from wardkeeper.api.workflow import KIND
from wardkeeper.engine.digest import spec_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.histories.ideal import Ideal
    from tests.histories.look import Look, Ref
    from tests.histories.scene import Scene

Obj = dict[str, Any]

KEPT = (*WORKLOADS, "PodDisruptionBudget")
"""What stays of a workflow under quarantine, besides its default-deny policy."""


class Judge:
    """Says what is not as it must be; nothing is said when all is well."""

    def __init__(self, scene: Scene, ideal: Ideal) -> None:
        self._scene = scene
        self._ideal = ideal

    def complaints(self, there: Look) -> list[str]:
        """Everything that is wrong in the namespace."""
        found = list(self._left_over(there))
        for name in sorted({*there.workflows, *self._scene.traits}):
            if (name in there.workflows) != (name in self._scene.traits):
                found.append(f"{name}: is it there? {name in there.workflows}")
                continue
            found += [f"{name}: {one}" for one in self._of(there.workflows[name], there)]
        return found

    def blockers(self, live: Obj, wanted: dict[Ref, Obj], there: Look) -> list[Ref]:
        """Wanted names that belong to somebody else."""
        uid = live["metadata"]["uid"]
        owners = {ref: controller(there.objects[ref]) for ref in wanted if ref in there.objects}
        return [ref for ref, owner in owners.items() if not owner or owner["uid"] != uid]

    def _left_over(self, there: Look) -> Iterator[str]:
        uids = {one["metadata"]["uid"] for one in there.workflows.values()}
        for (kind, name), one in there.objects.items():
            owner = controller(one)
            if owner and owner["kind"] == KIND and owner["uid"] not in uids and not held(one):
                yield f"{kind} {name} is left of a workflow that is gone"

    def _of(self, live: Obj, there: Look) -> Iterator[str]:
        name = live["metadata"]["name"]
        yield from _shape(live)
        wanted = self._ideal.children(live, live["spec"], there)
        running = live["status"].get("revision", {}).get("running", "")
        if name in self._scene.cut_off:
            yield from self._cut_off(live, there)
        elif live["spec"]["mode"] == "Audit" and wanted is not None:
            yield from _told(live, "WouldChange", "AuditMode")
        elif wanted is None:
            yield from _told(live, "SpecInvalid")
            yield from self._as_it_ran(live, there)
        elif blocked := self.blockers(live, wanted, there):
            stays = any(held(there.objects[ref]) for ref in blocked)
            reasons = ("NameTaken", "AccessRefused", *(["Deleting"] if stays else []))
            yield from _told(live, *reasons, found=blocked)
        elif not self._scene.traits[name].may_be_granted:
            yield from _told(live, "AccessRefused")
            yield from self._as_it_ran(live, there)
        else:
            yield from self._equal(live, wanted, there)
            digest = spec_digest(json.dumps(live["spec"]).encode())
            if not any(held(there.objects[ref]) for ref in wanted if ref in there.objects):
                if running != digest:
                    yield f"runs {running}, wanted {digest}"
                yield from _told(live, "Converged", *self._may_take_long(name))

    def _as_it_ran(self, live: Obj, there: Look) -> Iterator[str]:
        """What ran before a spec that is refused is looked after in full."""
        running = live["status"].get("revision", {}).get("running", "")
        spec = self._scene.specs.get(running)
        enforced = live["spec"]["mode"] == "Enforce"
        if spec and enforced and live["metadata"]["name"] not in self._scene.lost_spec:
            before = self._ideal.children(live, spec, there)
            if before and not self.blockers(live, before, there):
                yield from self._equal(live, before, there)

    def _may_take_long(self, name: str) -> tuple[str, ...]:
        """A Job made anew under its name may wait minutes for the controller that begins runs."""
        return ("RolloutInProgress",) if self._scene.traits[name].kind == "Job" else ()

    def _equal(self, live: Obj, wanted: dict[Ref, Obj], there: Look) -> Iterator[str]:
        mine = there.owned_by(live["metadata"]["uid"])
        for ref, one in mine.items():
            if ref not in wanted and not held(one):
                yield f"{ref} is there and not wanted"
        for ref, rendered in wanted.items():
            if ref in mine and leaving(mine[ref]) and not held(mine[ref]):
                yield f"{ref} is going"
            elif ref in mine and not (ref[0] == "Job" and held(mine[ref])):
                wrong = differences(rendered, self._ideal.stored(rendered), mine[ref])
                if wrong:
                    yield f"{ref} differs: {'; '.join(wrong[:4])}"
            elif ref not in mine and (ref[0] != "Job" or not _has_completed(live)):
                yield f"{ref} is missing"

    def _cut_off(self, live: Obj, there: Look) -> Iterator[str]:
        yield from _told(live, "Quarantined")
        name = live["metadata"]["name"]
        running = live["status"].get("revision", {}).get("running", "")
        mine = there.owned_by(live["metadata"]["uid"])
        for (kind, child), one in mine.items():
            stays = kind in KEPT or (kind, child) == ("NetworkPolicy", f"{name}-deny")
            if not stays and not held(one):
                yield f"{kind} {child} is there, and the workflow is cut off"
            if stays and kind not in KEPT and not is_recorded(one):
                yield f"{kind} {child}: metadata.managedFields"
        if running and ("NetworkPolicy", f"{name}-deny") not in there.objects:
            yield "nothing closes the network of what is cut off"


def _shape(live: Obj) -> Iterator[str]:
    """What kstatus relies on."""
    status = live.get("status", {})
    if status.get("observedGeneration") != live["metadata"]["generation"]:
        yield f"observedGeneration {status.get('observedGeneration')}"
        return
    ready, going, stuck = (
        condition_of(live, kind).get("status") for kind in ("Ready", "Reconciling", "Stalled")
    )
    good = (("True", None, None), ("False", "True", None), ("False", None, "True"))
    if (ready, going, stuck) not in good:
        yield f"Ready, Reconciling, Stalled are {ready}, {going}, {stuck}"
    if FORGED in json.dumps(status):
        yield "something of its status is forged"


def _told(live: Obj, *reasons: str, found: object = "") -> Iterator[str]:
    ready = condition_of(live, "Ready")
    if ready.get("reason") not in reasons:
        why = str(ready.get("message"))[:200]
        yield f"Ready is {ready.get('reason')} ({why}), wanted {' or '.join(reasons)} {found}"


def _has_completed(live: Obj) -> bool:
    return condition_of(live, "WorkloadAvailable").get("reason") == "Completed"
