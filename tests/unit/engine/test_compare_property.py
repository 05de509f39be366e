# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Any change of any guarded field of any child is found, and undone by removal and apply.

The field owners are kept by the fake API server's own bookkeeping, whose honesty is tried against
a real one.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.component.apiserver.kinds import BY_NAME
from tests.component.apiserver.store import Store, Stored
from tests.component.apiserver.target import Target
from tests.component.apiserver.writes import Writer
from tests.unit.render.workflows import workflows
from wardkeeper.engine.compare import Comparison, compare
from wardkeeper.engine.removal import removal
from wardkeeper.policy.judge import judge
from wardkeeper.render.children import render
from wardkeeper.render.surroundings import AddressAndPort, Surroundings

Path = tuple[Any, ...]
SURROUNDINGS = Surroundings(api_server=(AddressAndPort("192.0.2.10/32", 6443),), version="1")
EVIL = "evil"
KEYS = ("name", "mountPath", "containerPort", "port", "topologyKey", "whenUnsatisfiable")
FREE = {("Deployment", ("spec", "replicas")), ("ServiceAccount", ("imagePullSecrets",))}


@dataclass
class Cluster:
    """One object in a store that knows who set which field."""

    desired: dict[str, Any]
    store: Store = field(default_factory=Store)

    def __post_init__(self) -> None:
        self.writer = Writer(self.store, lambda: datetime(2026, 1, 1, tzinfo=UTC))
        self.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.space}})
        self.apply()

    @property
    def space(self) -> str:
        return str(self.desired["metadata"]["namespace"])

    @property
    def live(self) -> dict[str, Any]:
        target = self._target("wardkeeper")
        stored = self.store.get(target.kind, target.key)
        assert stored is not None
        return stored.obj

    def put(self, obj: dict[str, Any]) -> None:
        kind = BY_NAME[obj["kind"]]
        self.writer.create(Target(kind, "", obj["metadata"]["name"], manager="kubectl"), obj)

    def apply(self) -> None:
        self.writer.apply(self._target("wardkeeper"), copy.deepcopy(self.desired), force=True)

    def default(self, path: Path, value: Any) -> None:
        """Fill in a field as the server does: nobody owns it."""
        target = self._target("")
        stored = self.store.get(target.kind, target.key)
        assert stored is not None
        obj = copy.deepcopy(stored.obj)
        at(obj, path[:-1])[path[-1]] = value
        self.store.put(target.kind, target.key, Stored(obj, stored.owners))

    def edit(self, obj: dict[str, Any]) -> None:
        self.writer.update(self._target("kubectl-edit"), obj)

    def repair(self, comparison: Comparison) -> None:
        """What the writer does."""
        if comparison.foreign:
            obj = copy.deepcopy(self.live)
            for op in removal(comparison.foreign, obj):
                steps = [
                    step.replace("~1", "/").replace("~0", "~") for step in op["path"].split("/")[1:]
                ]
                parent = obj
                for step in steps[:-1]:
                    parent = parent[int(step)] if isinstance(parent, list) else parent[step]
                last: Any = int(steps[-1]) if isinstance(parent, list) else steps[-1]
                if op["op"] == "test":
                    assert parent[last] == op["value"]
                else:
                    del parent[last]
            self.writer.update(self._target("wardkeeper"), obj)
        if comparison.apply:
            self.apply()

    def _target(self, manager: str) -> Target:
        name = self.desired["metadata"]["name"]
        return Target(BY_NAME[self.desired["kind"]], self.space, name, manager=manager)


def at(obj: Any, path: Path) -> Any:
    for step in path:
        obj = obj[step]
    return obj


def places(obj: Any, path: Path = ()) -> list[Path]:
    """Every place below the guarded fields of an object."""
    found = [path] if path else []
    inner: list[tuple[Any, Any]] = []
    if isinstance(obj, dict):
        inner = list(obj.items())
    elif isinstance(obj, list):
        inner = list(enumerate(obj))
    for step, value in inner:
        if not path and step in ("apiVersion", "kind", "metadata", "status"):
            continue
        found += places(value, (*path, step))
    return found


@st.composite
def children(draw: st.DrawFn) -> dict[str, Any]:
    """A child of some workflow."""
    workflow = draw(workflows())
    verdict = judge(workflow, lambda namespace, name: True)
    made = render(workflow, verdict, SURROUNDINGS, macs={}).children
    return copy.deepcopy(draw(st.sampled_from(made)))


def _changed(draw: st.DrawFn, obj: dict[str, Any]) -> dict[str, Any] | None:
    """A copy with one guarded thing changed; None when nothing can be changed there."""
    obj = copy.deepcopy(obj)
    path = draw(st.sampled_from([(), *places(obj)]))
    value = at(obj, path)
    if isinstance(value, dict) and draw(st.booleans()):
        value[EVIL] = EVIL
        return obj
    if isinstance(value, list) and draw(st.booleans()):
        value.insert(draw(st.integers(0, len(value))), _item(value))
        return obj
    if not path or path[-1] in KEYS or (obj["kind"], path) in FREE:
        return None
    parent = at(obj, path[:-1])
    if isinstance(value, dict | list) or draw(st.booleans()):
        if isinstance(parent, list) and len(parent) == 1:
            return None
        del parent[path[-1]]
    else:
        parent[path[-1]] = (not value) if isinstance(value, bool) else _other(value)
    return obj


def _item(items: list[Any]) -> Any:
    if items and isinstance(items[0], dict):
        return {key: _other(value) for key, value in items[0].items() if key in KEYS} or {EVIL: 1}
    return EVIL


def _other(value: Any) -> Any:
    return value + 1 if isinstance(value, int) else f"{value}x"


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_the_server_fills_in_is_no_difference(data: st.DataObject) -> None:
    cluster = Cluster(data.draw(children()))
    assert compare(cluster.desired, cluster.live).clean
    maps = [
        path for path in [(), *places(cluster.live)] if isinstance(at(cluster.live, path), dict)
    ]
    for path in data.draw(st.lists(st.sampled_from(maps), max_size=4)):
        cluster.default((*path, "defaulted"), "by the server")
    assert compare(cluster.desired, cluster.live).clean


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_change_by_somebody_else_is_found_and_undone(data: st.DataObject) -> None:
    cluster = Cluster(data.draw(children()))
    before = _content(cluster.live)
    draw: Any = data.draw
    changed = _changed(draw, cluster.live)
    assume(changed is not None)
    assert changed is not None
    cluster.edit(changed)
    assume(_content(cluster.live) != before)

    comparison = compare(cluster.desired, cluster.live)
    assert not comparison.clean
    assert comparison.differences
    cluster.repair(comparison)
    assert compare(cluster.desired, cluster.live).clean
    assert _content(cluster.live) == before


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_labels_annotations_and_finalizers_of_others_are_left_alone(data: st.DataObject) -> None:
    cluster = Cluster(data.draw(children()))
    theirs = copy.deepcopy(cluster.live)
    theirs["metadata"]["labels"]["team"] = "x"
    theirs["metadata"]["annotations"] = {"example.org/note": "y"}
    theirs["metadata"]["finalizers"] = ["example.org/keep"]
    theirs["metadata"]["ownerReferences"].append(
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "u"}
    )
    cluster.edit(theirs)
    assert compare(cluster.desired, cluster.live).clean


def _content(obj: dict[str, Any]) -> dict[str, Any]:
    """Sorted by key where order means nothing, without what the server notes."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(part) for key, part in sorted(value.items())}
        if isinstance(value, list):
            parts = [plain(part) for part in value]
            if parts and isinstance(parts[0], dict) and any(key in parts[0] for key in KEYS):
                return sorted(parts, key=str)
            return parts
        return value

    labels = obj["metadata"]["labels"]
    rest = {key: value for key, value in obj.items() if key not in ("metadata", "status")}
    return {"labels": labels, **dict(plain(rest))}
