# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What differs between an object as it is wanted and as it is. Pure.

Three things can be wrong with a live object, and nothing else counts:

- a field that is wanted has another value or is gone;
- a field that we set before is not wanted any more;
- a field that we never asked for was set by somebody else (a sidecar, `hostNetwork`, a key).

Values that the server filled in belong to nobody and are left alone, so are labels, annotations,
finalizers and owner references that others add, status, and the few fields of `fields.TOLERATED`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wardkeeper.engine.fields import TOLERATED, is_immutable, is_tolerated, with_room
from wardkeeper.engine.ownership import (
    Path,
    Setter,
    overwritten,
    setter_of,
    setters,
    undesired,
)
from wardkeeper.engine.unequal import unequal, without

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RECORD: Path = ("metadata", "managedFields")
OLDER = "before-first-apply"
"""The server's name for whoever set what was there when nobody was on record."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that is not as wanted; never its value.

    Attributes:
        path: where, for people: `spec.template.spec.containers[router].image`.
        manager: the field manager that set it, or `unknown`.
    """

    path: str
    manager: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is wrong with a live object.

    Attributes:
        apply: a server-side apply of the wanted object is needed.
        foreign: fields that others added; an apply cannot remove them.
        differences: everything that is wrong, for people.
        given_up: fields that we set and that are others' to set now; an apply would not leave
            them as they are, but put the server's default there.
        recorded: the server has on record what we applied. Somebody may have wiped that; what
            others added can then not be told from defaults before an apply, to which the server
            notes everything else as older.
    """

    apply: bool
    foreign: tuple[Path, ...]
    differences: tuple[Difference, ...]
    given_up: tuple[Path, ...] = ()
    recorded: bool = True

    @property
    def clean(self) -> bool:
        """The live object is as wanted."""
        return not self.apply and not self.foreign


def compare(desired: Mapping[str, Any], live: Mapping[str, Any]) -> Comparison:
    """What is wrong with `live`, an object with its managedFields.

    Secrets are compared by who set what alone, for `live` is then metadata only.
    """
    kind = str(desired["kind"])
    ours, others = setters(live)
    known = desired if kind == "Secret" else live
    allowed = with_room(kind, desired)
    foreign = _outermost(
        path
        for setter in others
        for path in undesired(setter.fields, _visible(known, setter.fields, kind), allowed)
        if not (is_tolerated(kind, path) or _as_made(setter, kind, path, live))
    )
    foreign += tuple(_older(live))
    lost = [path for setter in ours for path in undesired(setter.fields, known, desired)]
    changed = list(unequal(_comparable(desired), without(live, foreign)))
    if kind == "Secret":
        changed += _taken_keys(desired, live)
    else:
        for setter in others:
            changed += overwritten(setter.fields, live, desired)
    if not ours:
        changed.append(RECORD)
    wrong = [*changed, *lost]
    keys = (*_keys_set(others, ("data",)), *desired.get("data", {}))
    seen = {**live, "data": dict.fromkeys(keys)} if kind == "Secret" else live
    return Comparison(
        apply=bool(wrong),
        foreign=foreign,
        differences=tuple(
            Difference(describe(path, live), setter_of(path, seen, others))
            for path in dict.fromkeys([*wrong, *foreign])
        ),
        given_up=tuple(path for path in lost if (kind, path) in TOLERATED),
        recorded=bool(ours),
    )


def describe(path: Path, live: Mapping[str, Any]) -> str:
    """A path for people: items of lists by name where they have one."""
    text = ""
    here: Any = live
    for step in path:
        if isinstance(step, int):
            here = here[step] if isinstance(here, list) and step < len(here) else None
            name = here.get("name", step) if isinstance(here, dict) else step
            text += f"[{name}]"
        else:
            here = here.get(step) if isinstance(here, dict) else None
            text += f".{step}" if text else step
    return text


def has_older(live: Mapping[str, Any]) -> bool:
    """Whether the server has noted what was there before the first apply on record."""
    return any(True for _ in _older(live))


def _older(live: Mapping[str, Any]) -> Iterator[Path]:
    """Records of what was there before: with them removed, defaults belong to nobody again."""
    for at, entry in enumerate(live.get("metadata", {}).get("managedFields", ())):
        if entry.get("manager") == OLDER:
            yield (*RECORD, at)


def _as_made(setter: Setter, kind: str, path: Path, live: Mapping[str, Any]) -> bool:
    """Whether nobody can have set a field since the object was made, though nobody is on record."""
    return setter.manager == OLDER and is_immutable(kind, describe(path, live))


def _comparable(desired: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a wanted object that a live one can be held against."""
    left_out = {"apiVersion", "kind"}
    if desired["kind"] == "Secret":
        left_out |= {"data", "type", "immutable"}
    return {key: value for key, value in desired.items() if key not in left_out}


def _outermost(paths: Iterator[Path]) -> tuple[Path, ...]:
    """Each path once, and none inside another."""
    found = sorted(set(paths), key=len)
    kept: list[Path] = []
    for path in found:
        if not any(path[: len(outer)] == outer for outer in kept):
            kept.append(path)
    return tuple(kept)


def _visible(known: Mapping[str, Any], fields: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """`known`, and for a Secret also every key that a manager says it set."""
    if kind != "Secret":
        return known
    said = {key[2:]: None for key in fields.get("f:data", {}) if key.startswith("f:")}
    return {**known, "data": {**said, **known.get("data", {})}}


def _taken_keys(desired: Mapping[str, Any], live: Mapping[str, Any]) -> list[Path]:
    """Keys and annotations of a Secret that are wanted and are not, or not only, set by us."""
    ours, others = setters(live)
    taken: list[Path] = []
    for place, wanted in (
        (("data",), desired.get("data", {})),
        (("metadata", "annotations"), desired["metadata"].get("annotations", {})),
    ):
        mine, theirs = _keys_set(ours, place), _keys_set(others, place)
        taken += [(*place, key) for key in wanted if key not in mine or key in theirs]
    return taken


def _keys_set(by: list[Setter], place: tuple[str, ...]) -> set[str]:
    keys: set[str] = set()
    for setter in by:
        fields: Mapping[str, Any] = setter.fields
        for step in place:
            fields = fields.get(f"f:{step}", {})
        keys |= {key[2:] for key in fields if key.startswith("f:")}
    return keys
