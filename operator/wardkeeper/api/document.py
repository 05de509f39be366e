# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""YAML as `kubectl` would read it, so that a file means the same here and in a cluster.

Dates, times and `20:00` stay text, and a key that stands twice is refused, where PyYAML would
silently keep the last. It must never execute or fetch anything: only plain data comes out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Hashable

_TAG = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*|0x[0-9a-fA-F]+|0o?[0-7]+)")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


class DocumentError(Exception):
    """A text that is no YAML, or is ambiguous; the message says where, never what stands there."""


def documents(text: str) -> list[Any]:
    """The documents in a text, empty ones left out.

    Raises:
        DocumentError: the text cannot be read as YAML without doubt.
    """
    try:
        return [one for one in yaml.load_all(text, Loader=_Loader) if one is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise DocumentError(f"{where}{error.problem or 'not YAML'}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise DocumentError(f"not YAML: {type(error).__name__}") from None


class _Loader(yaml.SafeLoader):
    """The safe loader without the guesses that Kubernetes does not make."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag == f"{_TAG}merge":
                continue
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be a plain text", key.start_mark
                )
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key.value!r} stands here twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _resolvers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    """The implicit types of plain scalars: those of Kubernetes' own reader, by first character."""
    replaced = {f"{_TAG}{name}" for name in ("timestamp", "int", "float")}
    kept = {
        first: [(tag, pattern) for tag, pattern in each if tag not in replaced]
        for first, each in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    for first in "-+.0123456789":
        kept[first] = [
            *kept.get(first, []),
            (f"{_TAG}int", re.compile(f"^(?:{_INTEGER.pattern})$")),
            (f"{_TAG}float", re.compile(f"^(?:{_NUMBER.pattern})$")),
        ]
    return kept


_Loader.yaml_implicit_resolvers = _resolvers()
