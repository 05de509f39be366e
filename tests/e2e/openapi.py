# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""JSON schemas for kubeconform, from the OpenAPI document that an API server publishes.

So manifests are checked against the very server that the suite runs on, without a download.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

LOCATION = "{{ .ResourceKind }}{{ .KindSuffix }}.json"
"""How kubeconform finds the schema of a kind in the folder."""

_REFERENCE = re.compile(r'"#/definitions/([^"]+)"')
_KINDS = "x-kubernetes-group-version-kind"


def write_schemas(openapi: Mapping[str, Any], kinds: Iterable[tuple[str, str]], to: Path) -> None:
    """Write one strict schema for each kind.

    Args:
        openapi: the document at `/openapi/v2`.
        kinds: apiVersion and kind of what is wanted.
        to: the folder.

    Raises:
        LookupError: the server does not publish a wanted kind.
    """
    definitions = {name: _strict(one) for name, one in openapi["definitions"].items()}
    names = {
        (_api_version(kind), kind["kind"]): name
        for name, one in openapi["definitions"].items()
        for kind in one.get(_KINDS, ())
    }
    for api_version, kind in kinds:
        name = names[api_version, kind]
        used = _reachable(name, definitions)
        schema = {
            "$ref": f"#/definitions/{name}",
            "definitions": {each: definitions[each] for each in used},
        }
        group, _, version = api_version.rpartition("/")
        suffix = f"-{group.split('.')[0]}-{version}" if group else f"-{version}"
        (to / f"{kind.lower()}{suffix}.json").write_text(json.dumps(schema))


def _api_version(kind: Mapping[str, str]) -> str:
    return f"{kind['group']}/{kind['version']}" if kind["group"] else kind["version"]


def _strict(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A definition that knows what a number or text is, and that refuses unknown fields."""
    if definition.get("format") == "int-or-string":
        return {"type": ["integer", "string"]}
    if "properties" in definition:
        return {**definition, "additionalProperties": False}
    return dict(definition)


def _reachable(name: str, definitions: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        here = waiting.pop()
        if here not in found:
            found.add(here)
            waiting += _REFERENCE.findall(json.dumps(definitions[here]))
    return found
