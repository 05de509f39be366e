# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What `metadata.managedFields` says about who set which field. Pure.

The API server records for every field manager the fields it set, as nested `fieldsV1` keys:
`f:<name>` a field, `k:{...}` the item of a keyed list, `v:<value>` the item of a set, `i:<n>` an
index, `.` the item itself. Fields that the server filled in by default belong to nobody. So a
field that somebody else set, and that we never asked for, can be told from a default without a
table of defaults. Source: Kubernetes API concepts, Server-Side Apply, "Managed fields".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MANAGER = "wardkeeper"

Step = str | int
Path = tuple[Step, ...]
"""Where a field is: names, and for list items their index in the live list."""

_MISSING = object()


class Setter(NamedTuple):
    """A field manager and the fields it set, as `fieldsV1`."""

    manager: str
    fields: dict[str, Any]


def setters(live: Mapping[str, Any]) -> tuple[list[Setter], list[Setter]]:
    """Our own entries and those of everybody else; subresources such as status are left out.

    Only what was applied under our name is ours: an apply takes nothing else back.
    """
    ours: list[Setter] = []
    others: list[Setter] = []
    for entry in live.get("metadata", {}).get("managedFields", ()):
        if entry.get("subresource"):
            continue
        setter = Setter(entry.get("manager") or "unknown", entry.get("fieldsV1", {}))
        mine = setter.manager == MANAGER and entry.get("operation") == "Apply"
        (ours if mine else others).append(setter)
    return ours, others


def sets_values(secret: Mapping[str, Any]) -> bool:
    """Whether anybody set a key of this Secret, known by its metadata; so when nothing is known."""
    entries = secret.get("metadata", {}).get("managedFields")
    keys = (entry.get("fieldsV1", {}).get("f:data", {}).keys() - {"."} for entry in entries or ())
    return not entries or any(keys)


def undesired(fields: Mapping[str, Any], live: Any, desired: Any) -> Iterator[Path]:
    """Paths that a manager set, that are live, and that nobody desires; outermost ones only."""
    for key, inner in fields.items():
        if key == ".":
            continue
        step, live_value = _step(key, live)
        if step is None:
            continue
        _, wanted = _step(key, desired)
        if wanted is _MISSING:
            yield (step,)
        elif inner:
            for path in undesired(inner, live_value, wanted):
                yield (step, *path)


def overwritten(fields: Mapping[str, Any], live: Any, desired: Any) -> Iterator[Path]:
    """Paths that a manager set as one value, that are desired, and that differ from it at all.

    The server knows nobody who owns a part of such a value (a NetworkPolicy's rules, a label
    selector), so no part of it that is not desired may be taken for a default.
    """
    for key, inner in fields.items():
        if key == ".":
            continue
        step, live_value = _step(key, live)
        _, wanted = _step(key, desired)
        if step is None or wanted is _MISSING:
            continue
        if inner:
            for path in overwritten(inner, live_value, wanted):
                yield (step, *path)
        elif wanted != live_value:
            yield (step,)


def setter_of(path: Path, live: Mapping[str, Any], others: list[Setter]) -> str:
    """The manager that set a field, or `unknown`; a deleted field has no setter any more."""
    for setter in others:
        if _owns(setter.fields, live, path):
            return setter.manager
    return "unknown"


def _owns(fields: Mapping[str, Any], live: Any, path: Path) -> bool:
    if not path:
        return True
    for key, inner in fields.items():
        if key == ".":
            continue
        step, value = _step(key, live)
        if step == path[0]:
            return not inner or _owns(inner, value, path[1:])
    return False


def _step(key: str, parent: Any) -> tuple[Step | None, Any]:
    """The step that a fieldsV1 key stands for in `parent`, and what is there."""
    kind, _, rest = key.partition(":")
    if kind == "f":
        if isinstance(parent, dict) and rest in parent:
            return rest, parent[rest]
        return None, _MISSING
    if not isinstance(parent, list):
        return None, _MISSING
    if kind == "i":
        index = int(rest)
        return (index, parent[index]) if index < len(parent) else (None, _MISSING)
    wanted = json.loads(rest)
    for index, item in enumerate(parent):
        if kind == "v" and item == wanted:
            return index, item
        if kind == "k" and isinstance(item, dict) and _matches(item, wanted):
            return index, item
    return None, _MISSING


def _matches(item: Mapping[str, Any], keys: Mapping[str, Any]) -> bool:
    return all(item.get(name, _DEFAULT_KEYS.get(name)) == value for name, value in keys.items())


_DEFAULT_KEYS = {"protocol": "TCP"}
