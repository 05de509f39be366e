# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Reads settings from a file and the command line, and says what is wrong in the words of the file.

All mistakes are told at once. A value under an unknown key is never shown: it may be a token that
somebody put in the wrong place.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_camel

from wardkeeper.api.document import DocumentError, documents
from wardkeeper.settings.model import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic_core import ErrorDetails


class SettingsError(Exception):
    """Settings that cannot be used; one line for each thing that is wrong."""


def load_settings(file: Path | None, overrides: Sequence[str] = ()) -> Settings:
    """The settings in a file, overridden key by key.

    Args:
        file: YAML; None means that every key has its default.
        overrides: `key=value` with dots in the key and YAML as value: `http.port=8081`.

    Raises:
        SettingsError: names the file, the key, what was found and what is wanted.
    """
    source = str(file) if file else "settings"
    raw = _read(file) if file else {}
    for text in overrides:
        _override(raw, text)
    try:
        return Settings.model_validate(raw, by_alias=True, by_name=False)
    except ValidationError as error:
        lines = [f"{source}: {_sentence(each)}" for each in error.errors(include_url=False)]
        raise SettingsError("\n".join(lines)) from None


def _read(file: Path) -> dict[str, Any]:
    try:
        found = documents(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read: {type(error).__name__}") from None
    except DocumentError as error:
        raise SettingsError(f"{file}: {error}") from None
    if len(found) > 1 or not all(isinstance(one, dict) for one in found):
        raise SettingsError(f"{file}: wanted one YAML map of settings")
    return found[0] if found else {}


def _override(raw: dict[str, Any], text: str) -> None:
    """Put one `key=value` into the settings."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise SettingsError("a setting is given as key=value, such as http.port=8081")
    try:
        parsed = documents(value)
    except DocumentError:
        raise SettingsError(f"{key}: the value after = is not YAML") from None
    *path, last = key.split(".")
    here = raw
    for step in path:
        inner = here.get(step)
        here[step] = inner = dict(inner) if isinstance(inner, dict) else {}
        here = inner
    here[last] = parsed[0] if parsed else None


def _sentence(error: ErrorDetails) -> str:
    """One thing that is wrong, in the words of the file and without values of unknown keys."""
    key = ".".join(str(step) for step in error["loc"]) or "the settings"
    if error["type"] == "extra_forbidden":
        return f"{key}: unknown key; known here: {', '.join(_known(error['loc'][:-1]))}"
    if error["type"] == "missing":
        return f"{key}: missing; it is needed here"
    if error["type"] in ("model_type", "dict_type"):
        return f"{key}: found {_shown(error['input'])}, wanted a map"
    wanted = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return f"{key}: found {_shown(error['input'])}, wanted {wanted}"


def _known(path: tuple[int | str, ...]) -> list[str]:
    """Keys that are allowed at a place."""
    model: type[BaseModel] = Settings
    for step in path:
        fields = {to_camel(name): field for name, field in model.model_fields.items()}
        kinds = getattr(fields[str(step)].annotation, "__args__", (fields[str(step)].annotation,))
        model = next(kind for kind in kinds if isinstance(kind, type) and kind is not type(None))
    return sorted(to_camel(name) for name in model.model_fields)


def _shown(value: object) -> str:
    if isinstance(value, dict | BaseModel):
        return "a map"
    if isinstance(value, list | tuple):
        return "a list"
    text = "nothing" if value is None else re.sub("://[^/@]*@", "://...@", repr(value))
    return text if len(text) <= 80 else f"{text[:77]}..."
