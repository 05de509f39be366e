# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Which changes of a plan undo what somebody else did, and how that is told. Pure.

A change is drift when another field manager set what differs, when the child was once equal to
what is wanted now, or when a child is missing that was there before. A change because the workflow
changed is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wardkeeper.api.status import DriftRecord
from wardkeeper.engine.fields import is_immutable
from wardkeeper.engine.ownership import MANAGER
from wardkeeper.engine.plan import Action, fingerprint

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from wardkeeper.engine.plan import Change
    from wardkeeper.kube.resource import Ref

UNKNOWN = "unknown"
MOST_FIELDS = 16
LONGEST_FIELD = 256
SYSTEM = ("kube-controller-manager",)
"""Managers whose bookkeeping on our objects is no sign of an edit."""


def drift_of(
    change: Change, *, lost: Collection[Ref], settled: bool, now: str
) -> DriftRecord | None:
    """The record of a change that undoes somebody's doing; None when it does not.

    Args:
        change: what is about to be done.
        lost: children that were seen to vanish.
        settled: the workflow had converged at this very spec before.
        now: RFC 3339.
    """
    if change.action is Action.CREATE:
        if change.ref in lost or settled:
            return record_drift(change.ref, ("metadata",), UNKNOWN, now)
        return None
    undone = change.action in (Action.REPAIR, Action.REPLACE)
    if not undone or change.live is None or change.comparison is None:
        return None
    manager = _manager(change)
    same_wish = change.live.was_good_for == fingerprint(change.desired or {})
    if manager == UNKNOWN and (same_wish or (settled and not change.live.was_good_for)):
        manager = _last_writer(change.live.body or {})
        if manager == UNKNOWN and not same_wish and not change.comparison.foreign:
            return None
    elif manager == UNKNOWN:
        return None
    fields = tuple(one.path for one in change.comparison.differences)
    return record_drift(change.ref, fields, manager, now)


def changed_by_others(change: Change) -> bool:
    """Whether somebody else set what nobody can change by now, so that a replacement undoes it.

    An operator of another version may want something else for the same spec; that is no drift.
    """
    differences = change.comparison.differences if change.comparison else ()
    return any(
        is_immutable(change.ref.kind, one.path) and one.manager != UNKNOWN for one in differences
    )


def record_drift(ref: Ref, fields: Iterable[str], manager: str, now: str) -> DriftRecord:
    """The record of a repair, with no more and no longer fields than status has room for.

    Args:
        ref: what was repaired.
        fields: paths of what differed.
        manager: who set that.
        now: RFC 3339.
    """
    short = tuple(dict.fromkeys(field[:LONGEST_FIELD] for field in fields))[:MOST_FIELDS]
    return DriftRecord(kind=ref.kind, name=ref.name, fields=short, manager=manager, at=now)


def describe_drift(record: DriftRecord) -> str:
    """One sentence for an event: what, which fields, by whom; never a value."""
    if record.fields == ("metadata",):
        return f"{record.kind} {record.name} was deleted; it was made again"
    return (
        f"{record.kind} {record.name}: {', '.join(record.fields)} changed by {record.manager}; "
        "put back"
    )


def _manager(change: Change) -> str:
    """Who set what differs; nobody is on record for a field that was removed."""
    differences = change.comparison.differences if change.comparison else ()
    return next((one.manager for one in differences if one.manager != UNKNOWN), UNKNOWN)


def _last_writer(live: Mapping[str, Any]) -> str:
    entries = [
        entry
        for entry in live.get("metadata", {}).get("managedFields", ())
        if not entry.get("subresource") and entry.get("manager") not in SYSTEM
    ]
    ours = max((e.get("time", "") for e in entries if e["manager"] == MANAGER), default="")
    others = [e for e in entries if e["manager"] != MANAGER and e.get("time", "") >= ours]
    return str(max(others, key=lambda e: e.get("time", ""))["manager"]) if others else UNKNOWN
