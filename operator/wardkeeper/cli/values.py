# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Finds the value at a path that the engine wrote for people. Pure; never used on Secrets."""

from __future__ import annotations

from typing import Any

import orjson

ABSENT = object()
"""Nothing stands there."""

_LONGEST = 100


def value_at(here: Any, path: str) -> Any:
    """What stands at a path such as `spec.template.spec.containers[router].image`, or ABSENT.

    Keys may hold dots themselves; items of lists go by their name where they have one.
    """
    if not path:
        return here
    if path.startswith("["):
        inside, _, rest = path[1:].partition("]")
        return value_at(_item(here, inside), rest)
    if isinstance(here, dict):
        path = path.removeprefix(".")
        for key in sorted(here, key=len, reverse=True):
            if path == key or path.startswith((f"{key}.", f"{key}[")):
                return value_at(here[key], path[len(key) :])
    return ABSENT


def shown(value: Any) -> str:
    """A value on one line, not too long."""
    if value is ABSENT:
        return "(none)"
    text = orjson.dumps(value).decode()
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _item(items: Any, inside: str) -> Any:
    if not isinstance(items, list):
        return ABSENT
    for item in items:
        if isinstance(item, dict) and item.get("name") == inside:
            return item
    if inside.isdecimal() and int(inside) < len(items):
        return items[int(inside)]
    return ABSENT
