# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Which values of a wanted object a live one does not have, whoever set them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wardkeeper.engine.ownership import Path

IDENTITY = ("mountPath", "name", "containerPort", "uid", "manager")
"""What tells the items of a list apart, first match wins; lists of other things go by index. A
volume may be mounted twice, so a mount is told by its path."""

_REMOVED = object()


def unequal(desired: Any, live: Any, path: Path = ()) -> Iterator[Path]:
    """Paths of wanted values that the live object does not have."""
    if isinstance(desired, dict) and isinstance(live, dict):
        for key, value in desired.items():
            if key in live:
                yield from unequal(value, live[key], (*path, key))
            elif value not in ({}, []):
                yield (*path, key)
        return
    if isinstance(desired, list) and isinstance(live, list):
        yield from _unequal_items(desired, live, path)
        return
    if desired != live:
        yield path


def without(live: Any, paths: tuple[Path, ...]) -> Any:
    """A copy of `live` without these fields; the items that stay keep their places."""
    if () in paths or not paths:
        return live
    inner: dict[Any, list[Path]] = {}
    for path in paths:
        inner.setdefault(path[0], []).append(path[1:])
    if isinstance(live, list):
        return [
            _REMOVED if () in inner.get(at, ()) else without(item, tuple(inner.get(at, ())))
            for at, item in enumerate(live)
        ]
    return {
        key: without(value, tuple(inner.get(key, ())))
        for key, value in live.items()
        if () not in inner.get(key, ())
    }


def _unequal_items(desired: list[Any], live: list[Any], path: Path) -> Iterator[Path]:
    there = [(at, item) for at, item in enumerate(live) if item is not _REMOVED]
    if path == ("metadata", "ownerReferences"):
        uids = {want.get("uid") for want in desired}
        there = [(at, item) for at, item in there if item.get("uid") in uids]
    if len(desired) != len(there):
        yield path
        return
    for index, wanted in enumerate(desired):
        at = _place(wanted, there, index)
        if at is None:
            yield path
            return
        yield from unequal(wanted, live[at], (*path, at))


def _place(wanted: Any, there: list[tuple[int, Any]], index: int) -> int | None:
    """Where in a live list the item is that a wanted one means."""
    if isinstance(wanted, dict):
        for key in IDENTITY:
            if key in wanted:
                return next(
                    (
                        at
                        for at, item in there
                        if isinstance(item, dict) and item.get(key) == wanted[key]
                    ),
                    None,
                )
    return there[index][0]
