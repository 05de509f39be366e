# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""From what the API server or a file says to a HealthcareWorkflow, or to what is wrong with it.

The API server has refused what breaks a rule, but an older definition may have let it through, and
a file has met nobody. So every rule is asked again here. Reading never raises, and no problem ever
repeats a text that could be a secret in the wrong place, such as the value of a variable.
"""

from __future__ import annotations

from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import to_json

from wardkeeper.api.problem import Problem
from wardkeeper.api.schema import Model, identity
from wardkeeper.api.status import WorkflowStatus
from wardkeeper.api.workflow import HealthcareWorkflow, Metadata, WorkflowSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic_core import ErrorDetails

    from wardkeeper.api.schema import Identify

_Read = TypeVar("_Read", bound=Model)
_Unknown = Literal["ignore", "forbid"]
_Location = tuple[int | str, ...]

_WANTED = {
    "missing": "add it, it is required",
    "extra_forbidden": "there is no such field; remove it or correct its name",
    "bool_type": "write true or false",
    "dict_type": "write names with values",
    "enum": "write {expected}",
    "greater_than_equal": "write {ge} or more",
    "int_type": "write a whole number without quotes",
    "less_than_equal": "write {le} or less",
    "model_type": "write names with values",
    "rule": "{wanted}",
    "string_too_long": "write at most {max_length} characters",
    "string_too_short": "write at least {min_length} characters",
    "string_type": "write a text, in quotes where it looks like something else",
    "too_long": "write at most {max_length} entries",
    "too_short": "write at least {min_length} entries",
    "tuple_type": "write a list",
}
_SHOWN = {"rule", "enum", "greater_than_equal", "less_than_equal"}
_LONGEST_SHOWN = 80


def read_workflow(
    raw: Mapping[str, Any], *, unknown: _Unknown = "ignore"
) -> HealthcareWorkflow | tuple[Problem, ...]:
    """The workflow that `raw` describes, or every problem that keeps it from being one.

    Args:
        raw: a HealthcareWorkflow as JSON, with metadata and spec. A status that cannot be read
            counts as none, because the next pass writes it anew.
        unknown: what to do about unknown fields of the spec. Objects of a server may come from a
            newer definition: `ignore`. Files are written by hand: `forbid`.
    """
    metadata = _parsed(Metadata, raw, "metadata", "ignore")
    spec = _parsed(WorkflowSpec, raw, "spec", unknown)
    status = read_status(raw.get("status", {}))
    if isinstance(metadata, tuple) or isinstance(spec, tuple):
        parts = (metadata, spec)
        return tuple(chain.from_iterable(part for part in parts if isinstance(part, tuple)))
    workflow = HealthcareWorkflow(
        metadata=metadata,
        spec=spec,
        status=status,
    )
    return tuple(_broken(workflow, "")) or workflow


def read_status(raw: Mapping[str, Any]) -> WorkflowStatus:
    """A status; one that cannot be read counts as none, because the next pass writes it anew."""
    status = _parsed(WorkflowStatus, {"status": raw}, "status", "ignore")
    return WorkflowStatus() if isinstance(status, tuple) else status


def _parsed(
    model: type[_Read], raw: Mapping[str, Any], part: str, unknown: _Unknown
) -> _Read | tuple[Problem, ...]:
    """One part of the object; types are those of JSON, nothing is converted."""
    text = to_json(raw.get(part, {}), fallback=str)
    try:
        return model.model_validate_json(text, strict=True, extra=unknown, by_name=False)
    except ValidationError as wrong:
        details = wrong.errors(include_url=False)
    return tuple(
        _problem((part, *detail["loc"]), detail) for detail in details if not _is_echo(detail)
    )


def _is_echo(detail: ErrorDetails) -> bool:
    """Whether a list counts as too short only because its entries are wrong themselves."""
    return detail["type"] == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"]


def _problem(location: _Location, detail: ErrorDetails) -> Problem:
    """A problem in the words of the API rather than of the library that found it."""
    kind = detail["type"]
    wanted = _WANTED.get(kind, detail["msg"]).format(**detail.get("ctx", {}))
    if kind == "missing":
        return Problem(_path(location), "missing", wanted)
    found = _shown(detail["input"]) if kind in _SHOWN else _described(detail["input"])
    return Problem(_path(location), found, wanted)


def _path(location: _Location) -> str:
    """The field as the API server writes it: `spec.workload.containers[0].image`."""
    path = ""
    for step in location:
        entry = isinstance(step, int) or path.endswith(".matchLabels")
        path += f"[{step}]" if entry else f".{step}"
    return path.removeprefix(".")


def _broken(model: Model, path: str) -> Iterator[Problem]:
    """The rules between members that `model`, or a model inside it, breaks."""
    for rule in model.obeys:
        if rule.holds and not rule.holds(model):
            yield Problem(f"{path}{rule.field_path}".removeprefix("."), "refused", rule.message)
    for name, alias, identify in _members(type(model)):
        value = getattr(model, name)
        inner = f"{path}.{alias}".removeprefix(".")
        if isinstance(value, Model):
            yield from _broken(value, inner)
        elif isinstance(value, tuple):
            if identify:
                yield from _repeated(value, identify, inner)
            for index, each in enumerate(value):
                if isinstance(each, Model):
                    yield from _broken(each, f"{inner}[{index}]")


@cache
def _members(model: type[Model]) -> tuple[tuple[str, str, Identify | None], ...]:
    """Name, name in YAML and identity of entries, for each member of a model."""
    return tuple(
        (name, to_camel(name), identity(field)) for name, field in model.model_fields.items()
    )


def _repeated(values: tuple[Any, ...], identify: Identify, path: str) -> Iterator[Problem]:
    """Entries of a map or a set that stand there a second time; the server refuses them too."""
    seen = set()
    for index, value in enumerate(values):
        found = identify(value)
        if found in seen:
            yield Problem(
                f"{path}[{index}]", f"{found!r} a second time", "keep one of them, or rename one"
            )
        seen.add(found)


def _shown(value: object) -> str:
    """A value that a rule has looked at: a name, a number, an address; never free text."""
    if isinstance(value, str | int) and len(text := repr(value)) <= _LONGEST_SHOWN:
        return text
    return _described(value)


def _described(value: object) -> str:
    """What kind of value stands there, without the value."""
    if isinstance(value, str):
        return f"a text of {len(value)} characters"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, bool) or value is None:
        return {None: "null", True: "true", False: "false"}[value]
    return "a number"
