# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Label and field selectors as the API takes them in a query."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.component.apiserver.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

_PARTS = re.compile(r",(?![^(]*\))")
_IN = re.compile(r"^(?P<key>\S+)\s+(?P<op>in|notin)\s+\((?P<values>[^)]*)\)$")


def selector(labels: str, fields: str) -> Callable[[dict[str, Any]], bool]:
    """Whether an object is selected by both."""
    wanted = [_label_test(part.strip()) for part in _PARTS.split(labels) if part.strip()]
    wanted += [_field_test(part.strip()) for part in fields.split(",") if part.strip()]
    return lambda obj: all(test(obj) for test in wanted)


def _label_test(text: str) -> Callable[[dict[str, Any]], bool]:
    def value(obj: dict[str, Any], key: str) -> str | None:
        return (obj["metadata"].get("labels") or {}).get(key)

    if found := _IN.match(text):
        key, values = found["key"], {part.strip() for part in found["values"].split(",")}
        if found["op"] == "in":
            return lambda obj: value(obj, key) in values
        return lambda obj: value(obj, key) not in values
    if "!=" in text:
        key, other = text.split("!=", 1)
        return lambda obj: value(obj, key) != other
    if "=" in text:
        key, same = text.replace("==", "=").split("=", 1)
        return lambda obj: value(obj, key) == same
    if text.startswith("!"):
        return lambda obj: value(obj, text[1:]) is None
    return lambda obj: value(obj, text) is not None


def _field_test(text: str) -> Callable[[dict[str, Any]], bool]:
    path, _, same = text.partition("=")
    if path not in ("metadata.name", "metadata.namespace"):
        raise Refusal(400, f"field label not supported: {path}")
    field = path.removeprefix("metadata.")
    return lambda obj: obj["metadata"].get(field, "") == same.lstrip("=")
