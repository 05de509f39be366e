# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""From a pydantic model to the structural OpenAPI schema of a CustomResourceDefinition.

The API server knows only a part of JSON Schema and quietly drops or refuses the rest. So nothing
passes here that was not thought about: every keyword is on a list, every node is described and
bounded, every list says how it merges. It must never guess: what it does not know it refuses, and
names the path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wardkeeper.api.schema import LIST_KEYS, LIST_TYPE, RULES

if TYPE_CHECKING:
    from wardkeeper.api.schema import Model

Schema = dict[str, Any]

_EVERYWHERE = {"type", "description", "default", RULES}
_WORDS = {
    "string": {"enum", "format", "maxLength", "minLength", "pattern"},
    "integer": {"exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum"},
    "array": {
        "items",
        "maxItems",
        "minItems",
        LIST_KEYS,
        LIST_TYPE,
    },
    "object": {"additionalProperties", "maxProperties", "minProperties", "properties", "required"},
}
_DROPPED = {"examples", "title"}


class SchemaError(Exception):
    """A model says something that a CRD cannot say, or leaves out what it must say."""

    def __init__(self, path: str, found: str, wanted: str) -> None:
        super().__init__(f"{path}: {found}; {wanted}")


def structural(model: type[Model], path: str, *, defaults: bool = True) -> Schema:
    """The structural schema of `model`.

    Args:
        model: the pydantic model; its JSON schema in validation mode, by alias, is converted.
        path: where the model stands, such as `spec`; every error begins with it.
        defaults: whether default values are written; a status has none, its writer sets all.

    Raises:
        SchemaError: the first construct that has no exact structural form.
    """
    document = model.model_json_schema(by_alias=True, mode="validation")
    return _Conversion(document.pop("$defs", {}), defaults).node(document, path, ())


class _Conversion:
    """One run over one document; holds its definitions."""

    def __init__(self, definitions: Schema, defaults: bool) -> None:
        self._definitions = definitions
        self._defaults = defaults

    def node(self, raw: Schema, path: str, open_references: tuple[str, ...]) -> Schema:
        """Convert one node and everything under it."""
        raw, open_references = self._resolved(raw, path, open_references)
        kind = raw.get("type")
        if kind not in _WORDS:
            raise SchemaError(path, f"type {kind!r}", f"want one of {', '.join(_WORDS)}")
        unknown = raw.keys() - _EVERYWHERE - _WORDS[kind]
        if unknown:
            raise SchemaError(
                path, f"keyword {min(unknown)!r} on {kind}", "it has no structural form"
            )
        if not raw.get("description"):
            raise SchemaError(path, "no description", "describe every node")
        node = {key: value for key, value in raw.items() if key != "default"}
        node["description"] = " ".join(raw["description"].split())
        if kind == "object":
            self._convert_object(node, path, open_references)
        elif kind == "array":
            self._convert_array(node, path, open_references)
        elif kind == "string" and "maxLength" not in node and "enum" not in node:
            raise SchemaError(path, "unbounded string", "give it max_length")
        _check_rules(node, path)
        if self._defaults and raw.get("default") is not None:
            _set_default(node, raw["default"], path)
        return node

    def _resolved(
        self, raw: Schema, path: str, open_references: tuple[str, ...]
    ) -> tuple[Schema, tuple[str, ...]]:
        """Follow references and optional members; what stands beside them wins."""
        while True:
            raw = {key: value for key, value in raw.items() if key not in _DROPPED}
            if raw.get("additionalProperties") is False:
                del raw["additionalProperties"]
            if "$ref" in raw:
                name = raw.pop("$ref").removeprefix("#/$defs/")
                if name in open_references:
                    raise SchemaError(path, f"recursion over {name}", "a CRD ends somewhere")
                open_references = (*open_references, name)
                raw = _merged(self._definitions[name], raw)
            elif "anyOf" in raw:
                branches = [each for each in raw.pop("anyOf") if each != {"type": "null"}]
                if len(branches) != 1:
                    raise SchemaError(
                        path, f"union of {len(branches)}", "use optional members and a CEL rule"
                    )
                raw = _merged(branches[0], raw)
            else:
                return _rewritten(raw), open_references

    def _convert_object(self, node: Schema, path: str, open_references: tuple[str, ...]) -> None:
        properties, values = node.get("properties"), node.get("additionalProperties")
        if isinstance(values, dict) and not properties:
            if "maxProperties" not in node:
                raise SchemaError(path, "unbounded map", "give it max_length")
            node["additionalProperties"] = self.node(values, f"{path}{{}}", open_references)
        elif properties and values is None:
            node["properties"] = {
                name: self.node(each, f"{path}.{name}", open_references)
                for name, each in properties.items()
            }
        else:
            raise SchemaError(path, "open or empty object", "name its properties")

    def _convert_array(self, node: Schema, path: str, open_references: tuple[str, ...]) -> None:
        if "items" not in node:
            raise SchemaError(path, "list without items", "say what it holds")
        if "maxItems" not in node:
            raise SchemaError(path, "unbounded list", "give it max_length")
        items = node["items"] = self.node(node["items"], f"{path}[]", open_references)
        list_type = node.get(LIST_TYPE)
        keys = node.get(LIST_KEYS, [])
        if list_type not in {"map", "set", "atomic"}:
            raise SchemaError(path, f"list type {list_type!r}", "want map, set or atomic")
        if list_type == "set" and items["type"] not in {"string", "integer"}:
            raise SchemaError(path, "set of objects", "want a map or an atomic list")
        if (list_type == "map") != bool(keys):
            raise SchemaError(path, f"{list_type} with keys {keys}", "keys belong to a map")
        missing = set(keys) - set(items.get("required", []))
        if missing:
            raise SchemaError(path, f"key {min(missing)!r} is not required", "require it in items")


def _merged(base: Schema, beside: Schema) -> Schema:
    """`base` with what stands beside it on top; CEL rules of both are kept."""
    both = {**base, **beside}
    if RULES in base and RULES in beside:
        both[RULES] = base[RULES] + beside[RULES]
    return both


def _rewritten(raw: Schema) -> Schema:
    """JSON Schema 2020-12 words in their OpenAPI 3.0 form."""
    if "const" in raw:
        raw["enum"] = [raw.pop("const")]
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if exclusive in raw:
            raw[bound], raw[exclusive] = raw[exclusive], True
    return raw


def _check_rules(node: Schema, path: str) -> None:
    """CEL rules are complete and each stands once."""
    seen = set()
    for each in node.get(RULES, []):
        if each["rule"] in seen:
            raise SchemaError(path, f"rule {each['rule']!r} twice", "say it once")
        if not each.get("message"):
            raise SchemaError(path, f"rule {each['rule']!r} without message", "say what to do")
        seen.add(each["rule"])


def _set_default(node: Schema, default: Any, path: str) -> None:
    """Write a default; one of an object only repeats what its members default to.

    The server fills in members of an object that is there, and judges the default of an object
    before it does, so the default of an object spells out its members. An empty list, or an object
    without such members, needs no default at all.
    """
    if node["type"] == "object":
        if not _repeats_members(default, node):
            raise SchemaError(path, f"default {default}", "put defaults on the members")
        members = {
            name: member["default"]
            for name, member in node["properties"].items()
            if "default" in member
        }
        if members:
            node["default"] = members
    elif node["type"] != "array":
        node["default"] = default
    elif default:
        raise SchemaError(path, f"default {default}", "a list starts empty")


def _repeats_members(default: Any, node: Schema) -> bool:
    """Whether an object's default says nothing that its members do not say themselves."""
    if not isinstance(default, dict) or node["type"] != "object":
        return bool(default == node.get("default"))
    members = node.get("properties", {})
    return all(
        value in (None, []) or _repeats_members(value, members[name])
        for name, value in default.items()
    )
