# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the page of all settings, so that it says what the models say.

    python -m wardkeeper.settings.page > docs/settings.md

A tool for people who change the settings; nothing in the operator may import it.
"""

from __future__ import annotations

import sys
from enum import Enum
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, BeforeValidator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticUndefined

from wardkeeper.settings.model import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

_HEAD = """\
<!--
SPDX-FileCopyrightText: The Wardkeeper Authors
SPDX-License-Identifier: Apache-2.0
Generated: python -m wardkeeper.settings.page > docs/settings.md
-->
# Settings

One YAML file, `wardkeeper-operator --settings FILE`. Every key may be left out; an unknown key
keeps the operator from starting. `--set KEY=VALUE` overrides one key, with dots for nesting and
YAML as value: `--set http.port=8081 --set namespaces='[radiology]'`.

`wardkeeper render` and `wardkeeper diff` take the same two options, so that what they print is what
the operator would apply.

| Key | Default | Meaning |
|---|---|---|
"""


def page() -> str:
    """The page in Markdown."""
    rows = (f"| `{key}` | {default} | {words} |" for key, default, words in _rows(Settings, ""))
    return _HEAD + "\n".join(rows) + "\n"


def _rows(model: type[BaseModel], path: str) -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        key = f"{path}{to_camel(name)}"
        inner = _inner(field)
        if inner is None or field.default is None:
            yield key, _default(field), _meaning(field)
        if inner is not None:
            yield from _rows(inner, f"{key}.")


def _inner(field: FieldInfo) -> type[BaseModel] | None:
    for kind in (field.annotation, *getattr(field.annotation, "__args__", ())):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _meaning(field: FieldInfo) -> str:
    words = field.description or ""
    kind = field.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        words += f" One of {', '.join(f'`{one.value}`' for one in kind)}."
    return words


def _default(field: FieldInfo) -> str:
    value: Any = field.default
    if value is PydanticUndefined:
        return "needed"
    if value in (None, ()):
        return ""
    if any(isinstance(one, BeforeValidator) for one in field.metadata):
        return f"`{value}s`"
    if isinstance(value, dict):
        return f"`{{{', '.join(f'{key}: {one}' for key, one in value.items())}}}`"
    return f"`{value.value if isinstance(value, Enum) else value}`"


if __name__ == "__main__":
    sys.stdout.write(page())
