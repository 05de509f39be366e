# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What to do so that the cluster holds what is wanted, and why. Pure.

The same plan is carried out by a pass and printed by `wardkeeper diff`. An object that is not
controlled by the workflow is never in a plan but as a refusal.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import orjson

from wardkeeper.engine.compare import Comparison, compare
from wardkeeper.engine.fields import is_immutable
from wardkeeper.kube.resource import Ref, ref_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wardkeeper.render.metadata import Obj


class Action(StrEnum):
    """What happens to a child."""

    CREATE = "create"
    REPAIR = "repair"
    REPLACE = "replace"
    DELETE = "delete"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Live:
    """A child as it is.

    Attributes:
        uid: its identity.
        owner: uid of the controller that owns it; empty when nobody does.
        version: its resourceVersion.
        body: the object with its managedFields, of a Secret its metadata; None when it is known
            to be as wanted.
        was_good_for: fingerprint of the wanted object that it was equal to when it was last
            compared; 0 when it never was.
        leaving: it is being deleted.
    """

    uid: str
    owner: str
    version: int
    body: Mapping[str, Any] | None
    was_good_for: int = 0
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to do.

    Attributes:
        action: what.
        ref: to which object.
        desired: the wanted object; None for a deletion.
        live: the object as it is; None for a creation.
        comparison: what is wrong with it; None for a creation or deletion.
    """

    action: Action
    ref: Ref
    desired: Obj | None = None
    live: Live | None = None
    comparison: Comparison | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, in the order in which it is done.

    Attributes:
        guards: creations and repairs of everything but the workload; independent of each other.
        workload: the workload's creation, repair or replacement, if any; after the guards.
        obsolete: deletions of children that nobody wants any more; after the workload.
        refused: wanted objects whose name is taken by an object that is not ours.
        equal: children that were compared and are as wanted.
    """

    guards: tuple[Change, ...]
    workload: Change | None
    obsolete: tuple[Change, ...]
    refused: tuple[Change, ...]
    equal: tuple[Ref, ...]

    @property
    def changes(self) -> tuple[Change, ...]:
        """Everything that would be done."""
        return (*self.guards, *((self.workload,) if self.workload else ()), *self.obsolete)


def fingerprint(desired: Obj) -> int:
    """A number that tells one wanted object from another within this process; never 0."""
    return hash(orjson.dumps(desired, option=orjson.OPT_SORT_KEYS)) or 1


def plan(
    guards: Sequence[Obj], workload: Obj | None, live: Mapping[Ref, Live], *, owner: str
) -> Plan:
    """What to do.

    Args:
        guards: the wanted objects that come before the workload.
        workload: the wanted workload; None when it must stay as it is for now.
        live: the children that there are.
        owner: uid of the workflow.
    """
    steps = [_step(desired, live.get(ref_of(desired)), owner) for desired in guards]
    last = _step(workload, live.get(ref_of(workload)), owner) if workload else None
    made = [one for one in (*steps, last) if isinstance(one, Change)]
    wanted = {ref_of(one) for one in guards} | ({ref_of(workload)} if workload else set())
    return Plan(
        guards=tuple(
            one for one in steps if isinstance(one, Change) and one.action is not Action.REFUSE
        ),
        workload=last if isinstance(last, Change) and last.action is not Action.REFUSE else None,
        obsolete=tuple(_obsolete(live, wanted, owner, keep_workload=workload is None)),
        refused=tuple(one for one in made if one.action is Action.REFUSE),
        equal=tuple(one for one in (*steps, last) if isinstance(one, Ref)),
    )


def _step(desired: Obj, live: Live | None, owner: str) -> Change | Ref | None:
    """The change that a wanted object needs, its name when it is as wanted, None when unread."""
    ref = ref_of(desired)
    if live is None:
        return Change(Action.CREATE, ref, desired)
    if live.owner != owner:
        return Change(Action.REFUSE, ref, desired, live)
    if live.body is None:
        return None
    comparison = compare(desired, live.body)
    if comparison.clean:
        return ref
    action = Action.REPLACE if must_be_replaced(ref, comparison) else Action.REPAIR
    return Change(action, ref, desired, live, comparison)


def must_be_replaced(ref: Ref, comparison: Comparison) -> bool:
    """Whether what is wrong with an object is something that nobody can change."""
    return any(is_immutable(ref.kind, one.path) for one in comparison.differences)


def _obsolete(
    live: Mapping[Ref, Live], wanted: set[Ref], owner: str, *, keep_workload: bool
) -> Iterable[Change]:
    for ref, one in live.items():
        workload = ref.kind in ("Deployment", "CronJob", "Job")
        if ref in wanted or one.owner != owner or ref.kind == "Secret" or one.leaving:
            continue
        if not (workload and keep_workload):
            yield Change(Action.DELETE, ref, live=one)
