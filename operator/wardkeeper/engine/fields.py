# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What is known beforehand of single fields: some others may set, some nobody can change. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wardkeeper.engine.ownership import Path

TOLERATED: tuple[tuple[str, Path], ...] = (
    ("Deployment", ("spec", "replicas")),
    ("ServiceAccount", ("imagePullSecrets",)),
    (
        "Deployment",
        ("spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt"),
    ),
)
"""Fields that others may set when the workflow does not: an autoscaler's number of replicas, a
platform's pull secrets, the stamp of `kubectl rollout restart`."""

_IMMUTABLE = {
    "Job": ("spec.template", "spec.completions", "spec.selector"),
    "Deployment": ("spec.selector",),
    "RoleBinding": ("roleRef",),
}
"""Fields that Kubernetes lets nobody change: the object is replaced when one must differ."""


def is_immutable(kind: str, path: str) -> bool:
    """Whether nobody can change a field, named as `describe` names it, once the object is made."""
    return path.startswith(_IMMUTABLE.get(kind, ()))


def with_room(kind: str, desired: Mapping[str, Any]) -> Mapping[str, Any]:
    """`desired` with the maps in which others may set a field, though it wants none of them."""
    for of, field in TOLERATED:
        if of == kind and len(field) > 1:
            desired = _with_map(desired, field[:-1])
    return desired


def is_tolerated(kind: str, path: Path) -> bool:
    """Whether others may set a field that is not wanted."""
    if path[0] in ("metadata", "status"):
        return True
    return any(kind == of and path[: len(field)] == field for of, field in TOLERATED)


def _with_map(obj: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    step, rest = str(path[0]), path[1:]
    inner = obj.get(step, {})
    return {**obj, step: _with_map(inner, rest) if rest else inner}
