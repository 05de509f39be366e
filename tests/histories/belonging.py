# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Strangers change whose a child is, how many pods it has, and how it and its pods are marked."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tests.e2e.stage import RefusedError
from tests.histories.mischief import children_of
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.histories.scene import Scene

Obj = dict[str, Any]

_ENFORCE = "pod-security.kubernetes.io/enforce"
_WARN = "pod-security.kubernetes.io/warn"


def scale(scene: Scene) -> str | None:
    """Scale a Deployment, as `kubectl scale` and autoscalers do."""
    named = [name for name, traits in sorted(scene.traits.items()) if traits.kind == "Deployment"]
    if not named:
        return None
    name, replicas = scene.rng.choice(named), scene.rng.randrange(4)
    scene.hurt(name)
    with suppress(RefusedError):
        scene.stage.send(
            "PATCH",
            "Deployment",
            scene.place.namespace,
            name,
            body={"spec": {"replicas": replicas}},
            content="application/merge-patch+json",
            subresource="scale",
            fieldManager="scaler",
        )
    return f"scale {name} to {replicas}"


def add_owner(scene: Scene) -> str | None:
    """Have somebody else own a child as well, who does not control it; nobody minds."""
    also = scene.place.get("ConfigMap", "kube-root-ca.crt")
    if also is None:
        return None
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "kube-root-ca.crt"}
    return _own(scene, "add an owner to", lambda _: {**owner, "uid": also["metadata"]["uid"]})


def give_away(scene: Scene) -> str | None:
    """Have another workflow control a child."""
    return _own(scene, "give away", lambda name: _controller(scene, name))


def mistake(scene: Scene) -> str | None:
    """Have a child say that it belongs to a workflow of this name that is not there."""
    lost = {"uid": "00000000-0000-4000-8000-000000000000"}
    return _own(scene, "mistake the owner of", lambda name: {**_ours(scene, name), **lost})


def strip_marks(scene: Scene) -> str | None:
    """Take all annotations off a child."""
    name = scene.one()
    if name is None:
        return None
    kind, child = scene.rng.choice(children_of(scene, name))
    with suppress(RefusedError):
        scene.place.edit(kind, child, [{"op": "remove", "path": "/metadata/annotations"}])
    return f"strip {kind} {child} of its annotations"


def mark_pods(scene: Scene) -> str | None:
    """Label and annotate the running pods of a workflow by hand."""
    name = scene.one()
    if name is None:
        return None
    marks = scene.rng.choice(({"debug": "yes"}, {"wardkeeper.io/net": None}))
    pods = scene.place.items("Pod", f"wardkeeper.io/workflow={name}")
    for one in pods:
        with suppress(RefusedError):
            scene.place.edit("Pod", one["metadata"]["name"], {"metadata": {"labels": marks}})
    return f"mark {len(pods)} pods of {name}: {marks}"


def mark_namespace(scene: Scene) -> str:
    """Have Pod Security enforce something else in the namespace, or warn of it."""
    label = scene.rng.choice((_ENFORCE, _WARN))
    level = scene.rng.choice(("restricted", "baseline", "privileged"))
    scene.stage.send(
        "PATCH",
        "Namespace",
        name=scene.place.namespace,
        body={"metadata": {"labels": {label: level}}},
        content="application/merge-patch+json",
    )
    return f"label the namespace {label}={level}"


def _own(scene: Scene, what: str, owner: Callable[[str], Obj]) -> str | None:
    name = scene.one()
    if name is None:
        return None
    kind, child = scene.rng.choice(children_of(scene, name))
    live, wanted = scene.place.get(kind, child), owner(name)
    if live is None or not wanted:
        return None
    kept = live["metadata"].get("ownerReferences", [])
    kept = [one for one in kept if not (wanted.get("controller") and one.get("controller"))]
    kept = [one for one in kept if one["uid"] != wanted["uid"]]
    scene.hurt(name)
    if wanted.get("controller"):
        scene.burst.deleted.add((kind, child))
    with suppress(RefusedError):
        scene.place.edit(
            kind,
            child,
            [
                {"op": "test", "path": "/metadata/uid", "value": live["metadata"]["uid"]},
                {"op": "add", "path": "/metadata/ownerReferences", "value": [*kept, wanted]},
            ],
        )
    return f"{what} {kind} {child}: {wanted['kind']} {wanted['name']}"


def _ours(scene: Scene, name: str) -> Obj:
    found = scene.place.get(KIND, name)
    if found is None:
        return {}
    return {
        "apiVersion": found["apiVersion"],
        "kind": KIND,
        "name": name,
        "uid": found["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _controller(scene: Scene, name: str) -> Obj:
    others = [one for one in sorted(scene.traits) if one != name]
    return _ours(scene, scene.rng.choice(others)) if others else {}
