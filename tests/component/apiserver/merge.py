# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Server-side apply's merge: applied fields win, fields let go are removed, the rest stays."""

from __future__ import annotations

from typing import Any

import orjson

from tests.component.apiserver.fields import Path, is_set, is_whole, key_step, keys_of


def merged(kind: str, live: Any, applied: Any, names: Path = ()) -> Any:
    """`live` with the applied values in it; neither is changed."""
    if isinstance(live, dict) and isinstance(applied, dict) and not (names and is_whole(names)):
        result = dict(live)
        for name, value in applied.items():
            result[name] = merged(kind, live.get(name), value, (*names, name))
        return result
    if isinstance(live, list) and isinstance(applied, list) and names:
        if is_set(names):
            return [*live, *(item for item in applied if item not in live)]
        if keys := keys_of(kind, names):
            return _merged_items(kind, live, applied, names, keys)
    return applied


def _merged_items(
    kind: str, live: list[Any], applied: list[Any], names: Path, keys: tuple[str, ...]
) -> list[Any]:
    result = {key_step(item, keys): item for item in live}
    for item in applied:
        step = key_step(item, keys)
        result[step] = merged(kind, result.get(step), item, names) if step in result else item
    return list(result.values())


def without(obj: Any, path: Path) -> Any:
    """`obj` without the field or item at the path, nor what became empty through that."""
    step, rest = path[0], path[1:]
    if isinstance(obj, dict):
        name = step.removeprefix("f:")
        if name not in obj:
            return obj
        if not rest:
            return {key: value for key, value in obj.items() if key != name}
        inner = without(obj[name], rest)
        if inner in ({}, []):
            return {key: value for key, value in obj.items() if key != name}
        return {**obj, name: inner}
    if isinstance(obj, list):
        return _without_item(obj, step, rest)
    return obj


def _without_item(items: list[Any], step: str, rest: Path) -> list[Any]:
    told = orjson.loads(step[2:])
    if step.startswith("v:"):
        return [item for item in items if item != told]
    result = []
    for item in items:
        if key_step(item, tuple(told)) != step:
            result.append(item)
        elif rest:
            result.append(without(item, rest))
    return result
