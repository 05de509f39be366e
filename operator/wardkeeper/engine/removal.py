# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""How what others added is taken out of an object, and nothing else with it. Pure.

A server-side apply removes only what we applied ourselves before; this is for the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wardkeeper.engine.compare import RECORD
from wardkeeper.engine.ownership import MANAGER
from wardkeeper.engine.unequal import IDENTITY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wardkeeper.engine.ownership import Path


def removal(foreign: tuple[Path, ...], live: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A JSON patch (RFC 6902) that removes fields from this object and from no other.

    Items of lists are found by index, so each is tested to be still the one that was seen.
    """
    deepest_last_items_first = sorted(
        foreign, key=lambda path: tuple((isinstance(s, int), s) for s in path), reverse=True
    )
    places = [("metadata", "uid"), *(place for path in foreign for place in _items(path, live))]
    tests = [
        {"op": "test", "path": _pointer(place), "value": _at(place, live)}
        for place in dict.fromkeys(places)
    ]
    return [
        *tests,
        *({"op": "remove", "path": _pointer(path)} for path in deepest_last_items_first),
    ]


def giving_up(fields: tuple[Path, ...], live: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A JSON patch that takes fields off our record in this object and leaves their values."""
    at = next(
        index
        for index, entry in enumerate(live["metadata"]["managedFields"])
        if (entry["manager"], entry["operation"]) == (MANAGER, "Apply")
        and not entry.get("subresource")
    )
    ours: Path = (*RECORD, at)
    tests = [("metadata", "uid"), (*ours, "manager"), (*ours, "operation")]
    noted = [(*ours, "fieldsV1", *(f"f:{step}" for step in path)) for path in fields]
    return [
        *({"op": "test", "path": _pointer(path), "value": _at(path, live)} for path in tests),
        *({"op": "remove", "path": _pointer(path)} for path in noted),
    ]


def disowning(live: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A JSON patch that takes off the record what we set other than by an apply; empty: nothing.

    Where we took a field out, the server may have put its default, and has noted it as set by us.
    It must be the object as it was just stored: others may set fields under our name.
    """
    noted = [
        (*RECORD, at)
        for at, entry in enumerate(live["metadata"].get("managedFields", ()))
        if (entry.get("manager"), entry.get("operation")) == (MANAGER, "Update")
        and not entry.get("subresource")
    ]
    tests: list[Path] = [("metadata", "uid"), ("metadata", "resourceVersion")] if noted else []
    return [
        *({"op": "test", "path": _pointer(path), "value": _at(path, live)} for path in tests),
        *({"op": "remove", "path": _pointer(path)} for path in reversed(noted)),
    ]


def _items(path: Path, live: Mapping[str, Any]) -> Iterator[Path]:
    """Where it stands which items of lists a path goes through; an item without a name, itself."""
    for end, step in enumerate(path, start=1):
        if isinstance(step, int):
            item = _at(path[:end], live)
            named = next((k for k in IDENTITY if isinstance(item, dict) and k in item), None)
            yield (*path[:end], named) if named else path[:end]


def _at(path: Path, live: Any) -> Any:
    for step in path:
        live = live[step]
    return live


def _pointer(path: Path) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
