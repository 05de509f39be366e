# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The base of every API model, and the words a model uses to say what its CRD schema must say.

Reading is lenient about unknown fields (`extra="ignore"`): a CRD that is newer than this operator
must not break it. Writing is strict: the API server refuses what the schema does not name.

A rule is written twice side by side, in CEL for the API server and in Python for files that never
met one (`wardkeeper render`) and for objects that an older CRD let through. The two must never
differ; one table of samples goes through both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel, to_snake
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from pydantic.fields import FieldInfo

GROUP = "wardkeeper.io"
VERSION = "v1alpha1"

LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
LABEL_PATTERN = rf"^{LABEL}$"

RULES = "x-kubernetes-validations"
LIST_TYPE = "x-kubernetes-list-type"
LIST_KEYS = "x-kubernetes-list-map-keys"


@dataclass(frozen=True)
class Rule:
    """What must hold beyond types and bounds, and what a person reads when it does not.

    Attributes:
        cel: the rule for the API server; `self` is the node that carries it.
        message: names the field and the remedy.
        holds: the same rule for Python, given the same node; None when it compares with the old
            object, which only the API server knows.
        field_path: member of the node to point at, such as `.replicas`; the node itself if empty.
    """

    cel: str
    message: str
    holds: Callable[[Any], bool] | None
    field_path: str = ""

    def words(self) -> dict[str, str]:
        """The rule as `x-kubernetes-validations` holds it."""
        words = {"rule": self.cel, "message": self.message}
        return {**words, "fieldPath": self.field_path} if self.field_path else words


@dataclass(frozen=True)
class Obeys:
    """Annotation of a scalar or a map that carries rules."""

    rules: tuple[Rule, ...]

    def __init__(self, *rules: Rule) -> None:
        object.__setattr__(self, "rules", rules)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        words = handler(schema)
        words[RULES] = [*words.get(RULES, []), *(each.words() for each in self.rules)]
        return words

    def _checked(self, value: Any) -> Any:
        for each in self.rules:
            if each.holds and not each.holds(value):
                raise PydanticCustomError("rule", "{wanted}", {"wanted": each.message})
        return value


def shape(pattern: str, message: str) -> Obeys:
    """Annotation of a text that must match `pattern` as a whole.

    A CEL rule rather than the schema's own `pattern`, whose message shows the pattern and no way
    out. The pattern must mean the same to RE2 and to Python.
    """
    compiled = re.compile(pattern)
    rule = Rule(
        f"self.matches(r'^({pattern})$')", message, lambda text: bool(compiled.fullmatch(text))
    )
    return Obeys(rule)


class Model(BaseModel):
    """An immutable piece of the API; Python names are snake_case, YAML names camelCase."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        frozen=True,
        extra="ignore",
    )

    obeys: ClassVar[tuple[Rule, ...]] = ()
    """Rules between members of this piece."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        words = handler.resolve_ref_schema(handler(schema))
        if cls.obeys:
            words[RULES] = [each.words() for each in cls.obeys]
        return words


def list_map(*keys: str) -> dict[str, Any]:
    """Schema words for a list whose items merge by `keys` under server-side apply."""
    return {LIST_TYPE: "map", LIST_KEYS: list(keys)}


def list_set() -> dict[str, Any]:
    """Schema words for a list of distinct scalars."""
    return {LIST_TYPE: "set"}


def list_atomic() -> dict[str, Any]:
    """Schema words for a list that is replaced as a whole."""
    return {LIST_TYPE: "atomic"}


Identify: TypeAlias = "Callable[[Any], Hashable]"
"""From an entry of a list to what tells it apart from the others."""


def identity(field: FieldInfo) -> Identify | None:
    """What tells the entries of a map or a set apart; None for any other field."""
    words = field.json_schema_extra
    if not isinstance(words, dict) or words.get(LIST_TYPE) not in ("map", "set"):
        return None
    keys = words.get(LIST_KEYS)
    if not isinstance(keys, list):
        return lambda entry: entry
    return attrgetter(*(to_snake(str(key)) for key in keys))
