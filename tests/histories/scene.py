# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Where a history happens, and what is remembered of it that the cluster does not tell."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.cluster.waiting import until
from tests.e2e.stage import RefusedError
from tests.histories.specs import spec_of
from wardkeeper.api.schema import GROUP, VERSION
from wardkeeper.api.workflow import KIND
from wardkeeper.engine.digest import spec_digest

if TYPE_CHECKING:
    from random import Random

    from tests.e2e.stage import Stage
    from tests.e2e.stories import Place
    from tests.histories.specs import Traits

Obj = dict[str, Any]

NAMES = ("intake", "router", "archive", "nightly", "backfill")
FREES_ITSELF = 60.0
"""Seconds after which the name of a deleted workflow is free."""


@dataclass
class Burst:
    """What happened since the operator was last at rest.

    Attributes:
        rough: the operator or the API server was killed.
        deleted: children that somebody deleted, by kind and name.
        touched: workflows whose spec, mode or quarantine changed, or that were made.
        isolated: workflows whose quarantine began or was lifted.
        hurt: workflows whose children somebody else wrote to.
        forged: workflows whose status somebody else wrote.
    """

    rough: bool = False
    deleted: set[tuple[str, str]] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)
    isolated: set[str] = field(default_factory=set)
    hurt: set[str] = field(default_factory=set)
    forged: set[str] = field(default_factory=set)


@dataclass
class Scene:
    """A namespace, who is in it, and what was done.

    Attributes:
        stage: the cluster.
        place: the namespace.
        rng: where all chance comes from.
        traits: what each workflow that should exist asks for.
        specs: every spec there ever was, by digest.
        cut_off: workflows under quarantine.
        held: children with a finalizer of somebody else, by kind and name.
        damaged: workflows that were hurt and have not been seen as wanted since.
        lost_spec: workflows whose last good spec nobody may know any more.
        burst: what happened since the operator was last at rest.
    """

    stage: Stage
    place: Place
    rng: Random
    traits: dict[str, Traits] = field(default_factory=dict)
    specs: dict[str, Obj] = field(default_factory=dict)
    cut_off: set[str] = field(default_factory=set)
    held: set[tuple[str, str]] = field(default_factory=set)
    damaged: set[str] = field(default_factory=set)
    lost_spec: set[str] = field(default_factory=set)
    burst: Burst = field(default_factory=Burst)

    def one(self) -> str | None:
        """A workflow; None when there is none."""
        return self.rng.choice(sorted(self.traits)) if self.traits else None

    def create(self, name: str, traits: Traits) -> None:
        """Make a workflow, as soon as the name is free."""
        made = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": KIND,
            "metadata": {"name": name},
            "spec": spec_of(name, traits),
        }
        self.traits[name] = traits
        self.touch(name)
        until(lambda: self._created(made), f"{name} is created", seconds=FREES_ITSELF, pause=0.02)

    def change(self, name: str, traits: Traits) -> None:
        """Give a workflow another spec."""
        self.traits[name] = traits
        self.touch(name)
        patch = [{"op": "replace", "path": "/spec", "value": spec_of(name, traits)}]
        self._remember(self.place.edit(KIND, name, patch, "kubectl-edit"))

    def forget(self, name: str) -> None:
        """A workflow is being deleted."""
        del self.traits[name]
        self.cut_off.discard(name)
        self.lost_spec.discard(name)
        self.touch(name)

    def touch(self, name: str) -> None:
        """Note that somebody who may do so changed a workflow."""
        self.burst.touched.add(name)

    def hurt(self, name: str) -> None:
        """Note that somebody else wrote to what belongs to a workflow."""
        self.burst.hurt.add(name)
        self.damaged.add(name)

    def _created(self, made: Obj) -> bool:
        try:
            self._remember(self.place.create(made))
        except RefusedError as error:
            if str(error).startswith("409 "):
                return False
            raise
        return True

    def _remember(self, stored: Obj) -> None:
        self.specs[spec_digest(json.dumps(stored["spec"]).encode())] = stored["spec"]
