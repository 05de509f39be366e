# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What must be so at every revision of a burst, and in every write and log line of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.e2e.stories import condition_of, is_ready
from tests.histories.look import WORKLOADS, controller, leaving
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.e2e.stage import Change
    from tests.e2e.stories import Write
    from tests.histories.look import Look, Ref
    from tests.histories.scene import Burst

Obj = dict[str, Any]

GUARDED = (KIND, *WORKLOADS, "ServiceAccount", "NetworkPolicy")
"""Kinds whose history tells whether guards come first and go last."""


def guard_complaints(before: Look, history: Iterable[Change], burst: Burst) -> Iterator[str]:
    """Workloads that came before their guards, guards that went before, and early readiness.

    What somebody deleted in this burst may be missing at any moment of it, and so may what a
    quarantine takes away that began or was lifted in it.
    """
    there = {**before.objects, **{(KIND, name): one for name, one in before.workflows.items()}}
    for change in history:
        ref = (change.obj["kind"], change.obj["metadata"]["name"])
        owner = controller(change.obj) or {}
        ours = owner.get("kind") == KIND
        if change.type == "DELETED":
            there.pop(ref, None)
            if ours and ref not in burst.deleted and owner["name"] not in burst.isolated:
                yield from _went(ref, owner, there, change.version)
            continue
        new = ref not in there
        there[ref] = change.obj
        if ref[0] in WORKLOADS and ours and new and _lives(owner, there):
            for guard in _missing(owner["name"], there, burst):
                yield f"{ref} came at {change.version} before {guard}"
        if ref[0] == KIND and is_ready(change.obj) and not leaving(change.obj):
            yield from _too_early(change, there, burst)


def _lives(owner: Obj, there: dict[Ref, Obj]) -> bool:
    """Whether an owner exists; what was made for one that has just gone is collected."""
    found = there.get((KIND, owner["name"]))
    return found is not None and found["metadata"]["uid"] == owner["uid"] and not leaving(found)


def _too_early(change: Change, there: dict[Ref, Obj], burst: Burst) -> Iterator[str]:
    """A workflow says that it is Ready: is it?"""
    name = change.obj["metadata"]["name"]
    audited = condition_of(change.obj, "Ready")["reason"] == "AuditMode"
    for guard in () if audited else _missing(name, there, burst):
        yield f"{name} says that it is Ready at {change.version} without {guard}"
    if any(condition_of(change.obj, kind) for kind in ("Reconciling", "Stalled")):
        yield f"{name} says at {change.version} that it is Ready and that it is not"


def _missing(name: str, there: dict[Ref, Obj], burst: Burst) -> list[Ref]:
    if name in burst.isolated:
        return []
    return [guard for guard in _guards(name) if guard not in there and guard not in burst.deleted]


def _guards(name: str) -> tuple[Ref, ...]:
    policies = ("NetworkPolicy", f"{name}-deny"), ("NetworkPolicy", f"{name}-allow")
    return ("ServiceAccount", name), *policies


def _went(guard: Ref, owner: Obj, there: dict[Ref, Obj], version: int) -> Iterator[str]:
    """A guard went: was its workflow there to stay, not cut off, and with a workload?"""
    if guard not in _guards(owner["name"]) or not _lives(owner, there):
        return
    annotations = there[KIND, owner["name"]]["metadata"].get("annotations", {})
    if "wardkeeper.io/quarantine" in annotations and not guard[1].endswith("-deny"):
        return
    for kind in WORKLOADS:
        if (kind, owner["name"]) in there:
            yield f"{guard} went at {version} before {kind} {owner['name']}"


def drift_complaints(
    before: Look, after: Look, writes: list[Write], burst: Burst, damaged: set[str]
) -> Iterator[str]:
    """Where the number of repairs that is told is not the number of repairs that were made.

    What was forged while no operator ran cannot be told from the truth by the next one.
    """
    believed = burst.forged if burst.rough else set()
    for name, live in after.workflows.items():
        if name in believed:
            continue
        was = before.workflows.get(name)
        uid = live["metadata"]["uid"]
        told = _repaired(live)
        if was and was["metadata"]["uid"] == uid:
            told -= _repaired(was)
        if name not in damaged and told:
            yield f"{name} tells of {told} repairs: {live['status']['drift']['last']}"
        made = [one for one in writes if _belongs(one, name) and one.code < 300]
        if told > len(made):
            yield f"{name} tells of {told} repairs in {len(made)} writes: {made}"
        stands = was is not None and all(_converged(one) for one in (was, live))
        quiet = stands and not burst.rough and name not in burst.touched
        if quiet and not told and any(not one.name.endswith("-allow") for one in made):
            yield f"{name} tells of no repair, and there were {made}"


def _converged(workflow: Obj) -> bool:
    return condition_of(workflow, "Ready").get("reason") == "Converged"


def _repaired(workflow: Obj) -> int:
    return int(workflow.get("status", {}).get("drift", {}).get("repaired", 0))


def _belongs(write: Write, name: str) -> bool:
    child = write.name in (name, f"{name}-deny", f"{name}-allow")
    return child and not write.resource.startswith("healthcareworkflows")


def log_complaints(log: Path, since: int) -> Iterator[str]:
    """Log lines that tell of something nobody foresaw."""
    with log.open("rb") as lines:
        lines.seek(since)
        for line in lines.read().splitlines(keepends=True):
            if not line.endswith(b"\n"):
                continue  # it is still being written
            told = _read(line)
            if told is None:
                yield f"not a log line: {line[:300]!r}"
            elif told["level"] in ("error", "critical") or "error" in told:
                yield f"the operator's log: {line[:1500].decode()}"


def _read(line: bytes) -> Obj | None:
    try:
        told: Obj = json.loads(line)
    except ValueError:
        return None
    return told
