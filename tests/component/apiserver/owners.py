# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Who set which field: the bookkeeping behind `metadata.managedFields`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tests.component.apiserver.fields import Leaves, Path, to_fields_v1

if TYPE_CHECKING:
    from collections.abc import Mapping


class Owner(NamedTuple):
    """One entry: the same manager has several for applying, updating, and status."""

    manager: str
    operation: str
    subresource: str = ""


Owners = dict[Owner, frozenset[Path]]


def left_by(
    owners: Mapping[Owner, frozenset[Path]], old: dict[str, Any], new: dict[str, Any]
) -> Owners:
    """The owners that a written body leaves: entries may be taken out of it, all by one empty."""
    said = new["metadata"].get("managedFields")
    if not said or said == old["metadata"].get("managedFields"):
        return dict(owners)
    kept = {(one.get("manager"), one.get("operation"), one.get("subresource", "")) for one in said}
    return {owner: fields for owner, fields in owners.items() if tuple(owner) in kept}


def after_update(
    owners: Mapping[Owner, frozenset[Path]], by: Owner, old: Leaves, new: Leaves
) -> Owners:
    """Changed fields go to the one who changed them; fields that are gone are nobody's."""
    changed = {path for path, value in new.items() if path not in old or old[path] != value}
    gone = old.keys() - new.keys()
    result = {owner: fields - gone - changed for owner, fields in owners.items()}
    if changed:
        result[by] = result.get(by, frozenset()) | changed
    return {owner: fields for owner, fields in result.items() if fields}


def conflicts(
    owners: Mapping[Owner, frozenset[Path]], by: Owner, live: Leaves, wanted: Leaves
) -> dict[Owner, frozenset[Path]]:
    """Fields that others hold with another value than the one applied."""
    differing = {path for path, value in wanted.items() if path in live and live[path] != value}
    found = {
        owner: fields & differing for owner, fields in owners.items() if owner != by and differing
    }
    return {owner: fields for owner, fields in found.items() if fields}


def after_apply(
    owners: Mapping[Owner, frozenset[Path]],
    by: Owner,
    taken: Mapping[Owner, frozenset[Path]],
    wanted: Leaves,
) -> Owners:
    """The applied fields are ours, exactly these; what was taken by force is no longer theirs."""
    result = {owner: fields - taken.get(owner, frozenset()) for owner, fields in owners.items()}
    result[by] = frozenset(wanted)
    return {owner: fields for owner, fields in result.items() if fields}


def released(owners: Mapping[Owner, frozenset[Path]], by: Owner, wanted: Leaves) -> list[Path]:
    """Fields that this manager applied before, does not now, and nobody else holds; outer first."""
    others = [fields for owner, fields in owners.items() if owner != by]
    let_go = owners.get(by, frozenset()) - wanted.keys()
    return sorted(
        (
            path
            for path in let_go
            if not any(held[: len(path)] == path for fields in others for held in fields)
        ),
        key=len,
    )


def managed_fields(
    owners: Mapping[Owner, frozenset[Path]],
    api_version: str,
    now: str,
    before: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    """The list as it stands in the object; an entry that did not change keeps its time."""
    known = {
        (entry["manager"], entry["operation"], entry.get("subresource", "")): entry
        for entry in before
    }
    entries = []
    for owner, fields in owners.items():
        entry: dict[str, Any] = {
            "manager": owner.manager,
            "operation": owner.operation,
            "apiVersion": api_version,
            "time": now,
            "fieldsType": "FieldsV1",
            "fieldsV1": to_fields_v1(fields),
        }
        if owner.subresource:
            entry["subresource"] = owner.subresource
        old = known.get((owner.manager, owner.operation, owner.subresource))
        unchanged = old is not None and old["fieldsV1"] == entry["fieldsV1"]
        entries.append(old if unchanged and old is not None else entry)
    return entries
