# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Paths to fields in the form of `fieldsV1`, and which lists and maps have parts of their own.

A path is a tuple of steps: `f:image`, `k:{"name":"router"}`, `v:"a-finalizer"`. The item of a
keyed list is a path too, besides the fields in it.
"""

from __future__ import annotations

from typing import Any

import orjson

Path = tuple[str, ...]
Leaves = dict[Path, Any]

_KEYS: dict[str, tuple[str, ...]] = {
    "conditions": ("type",),
    "containers": ("name",),
    "env": ("name",),
    "imagePullSecrets": ("name",),
    "initContainers": ("name",),
    "ownerReferences": ("uid",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
}
_PORT_KEYS = {"containers": ("containerPort", "protocol"), "spec": ("port", "protocol")}
_WORKFLOW_KEYS = ("endpoints", "ingress", "ports", "secrets", "tokens")
_KEY_DEFAULTS = {"protocol": "TCP"}
_SETS = frozenset({"finalizers"})
_WHOLE_MAPS = frozenset(
    {
        "configMapKeyRef",
        "fieldRef",
        "labelSelector",
        "namespaceSelector",
        "nodeSelector",
        "podSelector",
        "regarding",
        "requiredDuringSchedulingIgnoredDuringExecution",
        "resourceFieldRef",
        "roleRef",
        "secretKeyRef",
        "selector",
    }
)
_UNOWNED = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "name",
        "namespace",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
ITEM = object()
"""The value of a path to an item as such."""


def keys_of(kind: str, names: Path) -> tuple[str, ...]:
    """What tells the items of the list at these field names apart; empty when it is one value."""
    last = names[-1]
    if kind == "HealthcareWorkflow" and last in _WORKFLOW_KEYS:
        return () if names[-2:] == ("ingress", "ports") else ("name",)
    if last == "ports":
        return _PORT_KEYS.get(names[-2], ())
    return _KEYS.get(last, ())


def is_set(names: Path) -> bool:
    """Whether the list at these field names is a set of strings."""
    return names[-1] in _SETS


def is_whole(names: Path) -> bool:
    """Whether the map at these field names is one value; items of ownerReferences are, too."""
    return names[-1] in _WHOLE_MAPS or names[-1] == "ownerReferences"


def key_step(item: dict[str, Any], keys: tuple[str, ...]) -> str:
    """The step to an item of a keyed list."""
    told = {key: item.get(key, _KEY_DEFAULTS.get(key)) for key in keys}
    return "k:" + orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode()


def leaves(kind: str, obj: dict[str, Any]) -> Leaves:
    """Every owned path of an object with its value."""
    found: Leaves = {}
    for name, value in obj.items():
        if name in ("apiVersion", "kind"):
            continue
        if name == "metadata":
            value = {key: part for key, part in value.items() if key not in _UNOWNED}
            if not value:
                continue
        _collect(kind, value, (f"f:{name}",), (name,), found)
    return found


def _collect(kind: str, value: Any, path: Path, names: Path, found: Leaves) -> None:
    if isinstance(value, dict) and value and not is_whole(names):
        for name, part in value.items():
            _collect(kind, part, (*path, f"f:{name}"), (*names, name), found)
    elif isinstance(value, list) and value and is_set(names):
        for part in value:
            found[(*path, f"v:{orjson.dumps(part).decode()}")] = ITEM
    elif isinstance(value, list) and value and (keys := keys_of(kind, names)):
        for part in value:
            step = (*path, key_step(part, keys))
            found[step] = part if is_whole(names) else ITEM
            if not is_whole(names):
                for name, deeper in part.items():
                    _collect(kind, deeper, (*step, f"f:{name}"), (*names, name), found)
    else:
        found[path] = value


def to_fields_v1(paths: frozenset[Path]) -> dict[str, Any]:
    """The nested form; a path that goes on has `.` for itself."""
    root: dict[str, Any] = {}
    for path in sorted(paths):
        node = root
        for step in path:
            node = node.setdefault(step, {})
        node["."] = {}
    return _without_lone_dots(root)


def _without_lone_dots(node: dict[str, Any]) -> dict[str, Any]:
    if node.keys() == {"."}:
        return {}
    return {step: _without_lone_dots(part) if part else part for step, part in node.items()}
