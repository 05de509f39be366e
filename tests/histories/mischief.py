# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What strangers do to the children of workflows, and to their names."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tests.e2e.stage import RefusedError
from tests.histories.look import HELD, controller, look

if TYPE_CHECKING:
    from tests.histories.scene import Scene

Obj = dict[str, Any]
Child = tuple[str, str]

TEMPLATED = ("Deployment", "CronJob")
_SOMEBODY = {"kind": "ServiceAccount", "name": "somebody", "namespace": "default"}
_SIDECAR = {"name": "sniffer", "image": "example.org/sniffer:1"}
_NODES_NETWORK: Obj = {"hostNetwork": True}

EDITS: dict[str, tuple[Any, ...]] = {
    "ServiceAccount": ({"automountServiceAccountToken": True}, {"secrets": [{"name": "theirs"}]}),
    "NetworkPolicy": (
        {"spec": {"ingress": [{}]}},
        {"spec": {"egress": [{}]}},
        {"spec": {"podSelector": {"matchLabels": {"app": "other"}}}},
        {"spec": {"policyTypes": ["Ingress"]}},
    ),
    "Role": ({"rules": []}, {"rules": [{"apiGroups": [""], "resources": ["*"], "verbs": ["*"]}]}),
    "RoleBinding": ({"subjects": [_SOMEBODY]}, [{"op": "remove", "path": "/subjects"}]),
    "Service": (
        {"spec": {"selector": {"app": "other"}}},
        {"spec": {"type": "NodePort"}},
        {"spec": {"externalIPs": ["198.51.100.1"]}},
        {"spec": {"sessionAffinity": "ClientIP"}},
    ),
    "PodDisruptionBudget": ({"spec": {"maxUnavailable": "100%"}},),
    "Deployment": (
        {"spec": {"template": {"spec": {"containers": [_SIDECAR]}}}},
        {"spec": {"template": {"spec": _NODES_NETWORK}}},
        {"spec": {"paused": True}},
        {"spec": {"template": {"metadata": {"labels": {"wardkeeper.io/net": "no"}}}}},
        {"spec": {"strategy": {"rollingUpdate": {"maxUnavailable": 1}}}},
    ),
    "CronJob": (
        {"spec": {"suspend": True}},
        {"spec": {"schedule": "0 0 1 1 *"}},
        {"spec": {"jobTemplate": {"spec": {"template": {"spec": _NODES_NETWORK}}}}},
    ),
    "Job": ({"spec": {"suspend": True}}, {"spec": {"backoffLimit": 1}}),
}
"""Changes of each kind of child that weaken or break it; a list is a JSON patch."""


def children_of(scene: Scene, name: str) -> list[Child]:
    """The children that a workflow should have, by what it asks for."""
    traits = scene.traits[name]
    found = [
        ("ServiceAccount", name),
        ("NetworkPolicy", f"{name}-deny"),
        ("NetworkPolicy", f"{name}-allow"),
        (traits.kind, name),
    ]
    if traits.rules:
        found += [("Role", name), ("RoleBinding", name)]
    if traits.ports:
        found.append(("Service", name))
    if traits.kind == "Deployment" and (traits.replicas or 0) > 1:
        found.append(("PodDisruptionBudget", name))
    return found


def edit_child(scene: Scene) -> str | None:
    """Weaken a child."""
    name = scene.one()
    if name is None:
        return None
    kind, child = scene.rng.choice(children_of(scene, name))
    patch = scene.rng.choice(EDITS[kind])
    return f"edit {kind} {child}: {patch}{_done(scene, name, kind, child, patch)}"


def delete_child(scene: Scene) -> str | None:
    """Delete a child, or two."""
    name = scene.one()
    if name is None:
        return None
    chosen = scene.rng.choices(children_of(scene, name), k=scene.rng.choice((1, 1, 2)))
    way = scene.rng.choice(("Background", "Foreground", "Orphan"))
    for kind, child in chosen:
        _delete(scene, name, kind, child, way)
    return f"delete {chosen} ({way})"


def hold_child(scene: Scene) -> str | None:
    """Put a finalizer on a child and delete it: it neither stays nor goes."""
    name = scene.one()
    if name is None:
        return None
    kind, child = scene.rng.choice(children_of(scene, name))
    note = _done(scene, name, kind, child, {"metadata": {"finalizers": [HELD]}})
    if not note:
        scene.held.add((kind, child))
        if scene.rng.random() < 0.7:
            _delete(scene, name, kind, child, "Background")
    return f"hold {kind} {child}{note}"


def let_go(scene: Scene) -> str | None:
    """Take all such finalizers away."""
    if not scene.held:
        return None
    held, scene.held = sorted(scene.held), set()
    for kind, child in held:
        found = scene.place.get(kind, child)
        if found is None or HELD not in found["metadata"].get("finalizers", ()):
            continue
        left = [one for one in found["metadata"]["finalizers"] if one != HELD]
        patch = [
            {"op": "test", "path": "/metadata/uid", "value": found["metadata"]["uid"]},
            {"op": "replace", "path": "/metadata/finalizers", "value": left},
        ]
        scene.burst.deleted.add((kind, child))
        for name in _whose(scene, child):
            scene.hurt(name)
        scene.place.edit(kind, child, patch)
    return f"let go {held}"


def label_child(scene: Scene) -> str | None:
    """Label and annotate a child for somebody else; nobody minds."""
    name = scene.one()
    if name is None:
        return None
    kind, child = scene.rng.choice(children_of(scene, name))
    marks = {"labels": {"team": "lab"}, "annotations": {"example.org/note": "x"}}
    with suppress(RefusedError):
        scene.place.edit(kind, child, {"metadata": marks}, "labeller")
    return f"label {kind} {child}"


def strip(scene: Scene) -> str | None:
    """Take labels, owner or the record of field owners from a child."""
    name = scene.one()
    if name is None:
        return None
    kind, child = scene.rng.choice(children_of(scene, name))
    field = scene.rng.choice(("labels", "ownerReferences", "managedFields"))
    op: Obj = {"op": "remove", "path": f"/metadata/{field}"}
    if field == "managedFields":
        op = {**op, "op": "add", "value": [{}]}
    return f"strip {kind} {child} of {field}{_done(scene, name, kind, child, [op])}"


def take_name(scene: Scene) -> str | None:
    """Put an object of somebody else where a child would be, if that name is free."""
    name = scene.one()
    if name is None:
        return None
    kind = scene.rng.choice(("ServiceAccount", "Role", "NetworkPolicy"))
    child = f"{name}-allow" if kind == "NetworkPolicy" else name
    others: Obj = {"podSelector": {"matchLabels": {"app": "other"}}}
    content = {"spec": others} if kind == "NetworkPolicy" else {}
    _delete(scene, name, kind, child, "Background")
    try:
        scene.place.create({"kind": kind, "metadata": {"name": child}, **content})
    except RefusedError as error:
        return f"take the name {kind} {child}: {str(error)[:40]}"
    return f"take the name {kind} {child}"


def leave(scene: Scene) -> str | None:
    """Everybody who has taken a name gives it back, and the workflows are looked at again."""
    loose = [ref for ref, one in look(scene.place).objects.items() if not controller(one)]
    for kind, child in loose:
        with suppress(RefusedError):
            scene.place.delete(kind, child, propagationPolicy="Background")
        for name in _whose(scene, child):
            scene.hurt(name)
    for name in sorted(scene.traits):
        scene.place.annotate(name, reconcile_at=f"left-{scene.rng.randrange(1_000_000)}")
    return f"give back {loose}"


def _done(scene: Scene, name: str, kind: str, child: str, patch: Obj | list[Obj]) -> str:
    scene.hurt(name)
    try:
        scene.place.edit(kind, child, patch)
    except RefusedError as error:
        return f" ({str(error)[:60]})"
    return ""


def _delete(scene: Scene, name: str, kind: str, child: str, way: str) -> None:
    scene.hurt(name)
    scene.burst.deleted.add((kind, child))
    with suppress(RefusedError):
        scene.place.delete(kind, child, propagationPolicy=way)


def _whose(scene: Scene, child: str) -> list[str]:
    return [name for name in scene.traits if child in (name, f"{name}-deny", f"{name}-allow")]
