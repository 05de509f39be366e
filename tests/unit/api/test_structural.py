# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The converter says exactly what a CRD can say, and refuses everything else by its path."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import ConfigDict, Field, StringConstraints, create_model

from wardkeeper.api.schema import Model, Obeys, Rule, list_atomic, list_map, list_set, shape
from wardkeeper.api.structural import Schema, SchemaError, structural

Short = Annotated[str, StringConstraints(max_length=8), Field(description="A short text.")]


class Colour(StrEnum):
    """A colour."""

    RED = "Red"


class Inner(Model):
    """An inner
    thing."""

    name: Short = Field(description="Its name.")
    size: int = Field(3, description="Its size.")


class Tree(Model):
    """A tree."""

    branches: tuple[Tree, ...] = Field(
        (), max_length=2, json_schema_extra=list_atomic(), description="More trees."
    )


class Twice(Model):
    """Says one rule twice."""

    obeys: ClassVar = (
        Rule("self.name != ''", "name it", None),
        Rule("self.name != ''", "name it", None),
    )

    name: Short = Field(description="Its name.")


class Silent(Model):
    """Says a rule without a message."""

    obeys: ClassVar = (Rule("self.name != ''", "", None),)

    name: Short = Field(description="Its name.")


def _converted(kind: Any, **field: Any) -> Schema:
    """The schema of one member `it` of the given type."""
    field = {"description": "It.", **field}
    model = create_model("Whole", __base__=Model, __doc__="A whole.", it=(kind, Field(**field)))
    return structural(model, "spec")


def _list(kind: Any, words: dict[str, Any], **field: Any) -> Schema:
    return _converted(tuple[kind, ...], json_schema_extra=words, **{"max_length": 2, **field})


@pytest.mark.parametrize(
    ("convert", "path", "found"),
    [
        (lambda: _converted(Short, description=""), "spec.it", "no description"),
        (lambda: _converted(str), "spec.it", "unbounded string"),
        (lambda: _converted(bool), "spec.it", "type 'boolean'"),
        (lambda: _converted(float), "spec.it", "type 'number'"),
        (lambda: _converted(Any), "spec.it", "type None"),
        (lambda: _converted(int | Short), "spec.it", "union of 2"),
        (lambda: _converted(Inner | Colour), "spec.it", "union of 2"),
        (lambda: _converted(tuple[int, int], max_length=2), "spec.it", "keyword 'prefixItems'"),
        (lambda: _converted(int, multiple_of=2), "spec.it", "keyword 'multipleOf'"),
        (lambda: _converted(Short, json_schema_extra={"nullable": True}), "spec.it", "'nullable'"),
        (lambda: _converted(dict[str, Short]), "spec.it", "unbounded map"),
        (lambda: _converted(dict[str, str], max_length=2), "spec.it{}", "no description"),
        (lambda: _converted(dict[Short, Short], max_length=2), "spec.it", "'propertyNames'"),
        (lambda: _converted(dict[str, Any], max_length=2), "spec.it", "open or empty object"),
        (lambda: _list(Short, {}), "spec.it", "list type None"),
        (lambda: _list(Short, list_set(), max_length=None), "spec.it", "unbounded list"),
        (lambda: _list(Short, {"x-kubernetes-list-type": "bag"}), "spec.it", "list type 'bag'"),
        (lambda: _list(Inner, list_set()), "spec.it", "set of objects"),
        (lambda: _list(Inner, list_map()), "spec.it", "map with keys []"),
        (lambda: _list(Inner, list_map("size")), "spec.it", "key 'size' is not required"),
        (lambda: _list(str, list_atomic()), "spec.it[]", "no description"),
        (lambda: _list(Short, list_set(), default=("a",)), "spec.it", "default ['a']"),
        (lambda: _converted(Inner, default=Inner(name="a")), "spec.it", "default {'name': 'a'"),
        (lambda: _converted(Tree), "spec.it.branches[]", "recursion over Tree"),
        (lambda: _converted(Twice), "spec.it", "twice"),
        (lambda: _converted(Silent), "spec.it", "without message"),
    ],
)
def test_what_a_crd_cannot_say_is_refused_by_its_path(convert: Any, path: str, found: str) -> None:
    with pytest.raises(SchemaError) as refusal:
        convert()
    assert str(refusal.value).startswith(f"{path}: ")
    assert found in str(refusal.value)


def test_an_optional_member_is_plain_and_not_required() -> None:
    schema = _converted(Short | None, default=None)
    assert schema["properties"]["it"] == {"type": "string", "maxLength": 8, "description": "It."}
    assert "required" not in schema


def test_a_reference_is_written_out_and_the_words_beside_it_win() -> None:
    schema = _converted(Inner)
    assert schema["properties"]["it"] == {
        "type": "object",
        "description": "It.",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "maxLength": 8, "description": "Its name."},
            "size": {"type": "integer", "default": 3, "description": "Its size."},
        },
    }


def test_a_docstring_over_several_lines_becomes_one_line() -> None:
    schema = _list(Inner, list_map("name"))
    assert schema["properties"]["it"]["items"]["description"] == "An inner thing."


def test_words_of_json_schema_are_rewritten_for_openapi() -> None:
    bound = _converted(int, gt=0, lt=9)["properties"]["it"]
    assert bound["minimum"] == 0
    assert bound["exclusiveMinimum"] is True
    assert bound["maximum"] == 9
    assert bound["exclusiveMaximum"] is True
    assert _converted(Literal["a"])["properties"]["it"]["enum"] == ["a"]
    assert _converted(Colour)["properties"]["it"]["enum"] == ["Red"]


def test_unknown_members_stay_refused_by_pruning_not_by_a_keyword() -> None:
    class Closed(Model):
        """A closed thing."""

        model_config = ConfigDict(extra="forbid", title="Closed")
        name: Short = Field(description="Its name.", examples=["a"])

    schema = structural(Closed, "spec")
    assert schema.keys() == {"type", "description", "properties", "required"}
    assert schema["properties"]["name"].keys() == {"type", "description", "maxLength"}


def test_the_default_of_an_object_spells_out_what_its_members_default_to() -> None:
    class Calm(Model):
        """A calm thing."""

        size: int = Field(3, description="Its size.")
        name: Short | None = Field(None, description="Its name.")

    assert _converted(Calm, default=Calm())["properties"]["it"]["default"] == {"size": 3}


def test_an_empty_default_is_left_out() -> None:
    assert "default" not in _list(Short, list_set(), default=())["properties"]["it"]


def test_a_status_has_no_defaults() -> None:
    schema = structural(Inner, "status", defaults=False)
    assert "default" not in schema["properties"]["size"]


def test_rules_of_a_type_and_of_its_use_are_both_kept() -> None:
    named = Annotated[Short, shape("[a-z]+", "write letters")]
    used = Annotated[named, Obeys(Rule("self != 'a'", "not a", None))]
    assert _converted(used)["properties"]["it"]["x-kubernetes-validations"] == [
        {"rule": "self.matches(r'^([a-z]+)$')", "message": "write letters"},
        {"rule": "self != 'a'", "message": "not a"},
    ]
