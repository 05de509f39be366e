# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What people do with their workflows. Each step says in words what it did; None: nothing to do."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.cluster.waiting import until
from tests.e2e.stage import RefusedError
from tests.histories.look import HELD
from tests.histories.scene import FREES_ITSELF, NAMES
from tests.histories.specs import KINDS, change, draw_traits
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from tests.histories.scene import Scene


def create(scene: Scene) -> str | None:
    """A new workflow."""
    free = [name for name in NAMES if name not in scene.traits]
    if not free:
        return None
    name, kind = scene.rng.choice(free), scene.rng.choice(KINDS)
    scene.create(name, draw_traits(scene.rng, kind, NAMES))
    return f"create {kind} {name}"


def edit(scene: Scene) -> str | None:
    """One to three changes of one spec, one right after the other."""
    name = scene.one()
    if name is None:
        return None
    drawn = []
    for _ in range(scene.rng.choice((1, 1, 2, 3))):
        trait, traits = change(scene.rng, scene.traits[name], NAMES)
        scene.change(name, traits)
        drawn.append(f"{trait}={getattr(traits, trait)!r}")
    return f"edit {name}: {', then '.join(drawn)}"


def delete(scene: Scene) -> str | None:
    """Delete a workflow in one of the three ways, and do not wait.

    With Foreground it stays as long as somebody holds one of its children.
    """
    name = scene.one()
    if name is None:
        return None
    way = scene.rng.choice(("Background", "Background", "Foreground", "Orphan"))
    if way == "Foreground" and scene.held:
        way = "Background"
    scene.forget(name)
    scene.place.delete(KIND, name, propagationPolicy=way)
    if way == "Orphan":
        scene.hurt(name)
        until(lambda: scene.place.get(KIND, name) is None, f"{name} is gone", seconds=FREES_ITSELF)
    return f"delete {name} ({way})"


def make_anew(scene: Scene) -> str | None:
    """Delete a workflow and make another one of the same name, as soon as that can be."""
    name = scene.one()
    if name is None:
        return None
    kind = scene.rng.choice(KINDS)
    traits = draw_traits(scene.rng, kind, NAMES)
    scene.forget(name)
    scene.place.delete(KIND, name)
    scene.create(name, traits)
    return f"make {name} anew as {kind}"


def audit(scene: Scene) -> str | None:
    """Put a workflow into mode Audit, or back."""
    name = scene.one()
    if name is None:
        return None
    traits = scene.traits[name]
    mode = "Enforce" if traits.mode == "Audit" else "Audit"
    scene.change(name, replace(traits, mode=mode))
    return f"mode of {name} is {mode}"


def quarantine(scene: Scene) -> str | None:
    """Cut a workflow off, or lift that."""
    name = scene.one()
    if name is None:
        return None
    lifted = name in scene.cut_off
    scene.cut_off ^= {name}
    scene.burst.isolated.add(name)
    scene.touch(name)
    scene.place.annotate(name, quarantine=None if lifted else "SEC-7")
    return f"{'lift' if lifted else 'begin'} quarantine of {name}"


def look_again(scene: Scene) -> str | None:
    """Ask for a look at everything of a workflow."""
    name = scene.one()
    if name is None:
        return None
    value = str(scene.rng.randrange(1_000_000))
    scene.place.annotate(name, reconcile_at=value)
    return f"reconcile-at {name}={value}"


def label(scene: Scene) -> str | None:
    """Label and annotate a workflow for somebody else."""
    name = scene.one()
    if name is None:
        return None
    theirs = {"team": str(scene.rng.randrange(9))}
    metadata = {"labels": theirs, "annotations": {"example.org/note": theirs["team"]}}
    scene.place.edit(KIND, name, {"metadata": metadata}, "labeller")
    return f"label {name}"


def end_run(scene: Scene) -> str | None:
    """Delete the Job of a workflow, which may run or have completed."""
    jobs = [name for name, traits in sorted(scene.traits.items()) if traits.kind == "Job"]
    if not jobs:
        return None
    name = scene.rng.choice(jobs)
    scene.hurt(name)
    with suppress(RefusedError):
        scene.place.delete("Job", name, propagationPolicy="Background")
    return f"delete Job {name}"


def hold(scene: Scene) -> str | None:
    """Delete a workflow that somebody's finalizer holds, and let it go a little later."""
    name = scene.one()
    if name is None:
        return None
    scene.forget(name)
    scene.place.edit(KIND, name, {"metadata": {"finalizers": [HELD]}}, "holder")
    scene.place.delete(KIND, name)
    scene.place.annotate(name, reconcile_at="held")
    drop = [{"op": "remove", "path": "/metadata/finalizers"}]
    scene.place.edit(KIND, name, drop, "holder")
    return f"delete {name} while somebody's finalizer holds it"
