# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Long lives of workflows and their secrets, drawn by a seed; after each burst the truth is told.

    WARDKEEPER_LIVES_SEED=17 make test ARGS="tests/e2e/test_lives.py -q"

plays another one, `17-40` one after the other, and WARDKEEPER_LIVES_BURSTS longer ones. A failure
tells everything that was done before it; the seed alone plays it again.
"""

from __future__ import annotations

import os
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.e2e.canaries import leaks, outside
from tests.e2e.stories import fresh_place
from tests.lives.acts import ACTS, NEEDS_SECRETS, NEEDS_VAULT
from tests.lives.life import SLOTS, Life
from tests.lives.scene import Scene, open_scene
from tests.lives.truth import Truth
from wardkeeper.api.credential import CREDENTIAL_PLURAL
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.pool import Clusters
    from tests.e2e.stage import Obj
    from tests.e2e.stories import Place

SEED = 1
BURSTS = int(os.environ.get("WARDKEEPER_LIVES_BURSTS", "2"))
PATIENCE = 300
"""Seconds that a burst may take, though most take a few."""

MOST_ACTS = 4
FAILED = "the pass failed"
"""What the operator logs of an error that it does not know."""


def seeds() -> list[int]:
    """The seed of the suite, or what the environment asks for instead."""
    asked = os.environ.get("WARDKEEPER_LIVES_SEED", "")
    if not asked:
        return [SEED]
    first, _, last = asked.partition("-")
    return list(range(int(first), int(last or first) + 1))


@pytest.fixture(scope="module")
def scene(clusters: Clusters, postgresql: Path) -> Iterator[Scene]:
    with open_scene() as made:
        yield made


class Lives:
    """Two workflows, and what happens to them."""

    def __init__(self, scene: Scene, place: Place, seed: int) -> None:
        self.scene = scene
        self.place = place
        self.random = Random(seed)
        self.lives = [
            Life(scene, place, name, self.random, periodic=name == "export")
            for name in ("export", "router")
        ]
        self.truth = Truth(scene, self.lives)
        self.done: list[str] = []
        self.failed_before = scene.stage.operator.log.read_text().count(FAILED)

    def begin(self) -> None:
        """Both are created."""
        self.since = self.place.version()
        for life in self.lives:
            life.prepare()
            for name in self.random.sample(SLOTS, self.random.randint(1, len(SLOTS))):
                life.declared[name] = life.draw(name)
            self.done.append(f"{life.name}: {', '.join(map(life.told, life.declared))}")
        self.truth.begin()
        for life in self.lives:
            life.create()
        self.rest()

    def burst(self) -> None:
        """A few acts in quick succession, then rest and truth.

        Each act draws from a source of its own: so the next ones are the same whenever the seed
        is, however far the operator was when this one was done.
        """
        self.since = self.place.version()
        for _ in range(self.random.randint(1, MOST_ACTS)):
            life = self.random.choice(self.lives)
            [act] = self.random.choices(list(ACTS), list(ACTS.values()))
            sealed = self.scene.bao("GET", "sys/seal-status")["sealed"]
            if (act in NEEDS_SECRETS and not life.declared) or (act in NEEDS_VAULT and sealed):
                continue
            life.random = Random(self.random.getrandbits(64))
            self.done.append(f"{life.name}: {act.__name__}")
            self.done[-1] = f"{life.name}: {act(life)}"
        self.rest()

    def rest(self) -> None:
        """Mend what is broken from outside, wait until nothing is under way, tell the truth."""
        self.done.append("-- rest")
        self.scene.vault.clear()
        self.scene.stage.settle()
        for life in self.lives:
            broken = sorted(life.broken & life.declared.keys())
            if broken:
                life.ask(*broken)
            life.broken.clear()
        for life in self.lives:
            life.until_settled()
            self.truth.whole(life, self.since)
            life.cut_off = False
        self.truth.check()
        for life in self.lives:
            self.quiet(life)

    def quiet(self, life: Life) -> None:
        """A look at a workflow at rest asks nothing of OpenBao and writes nothing but that."""
        mark = self.place.stage.mark()
        self.scene.vault.forget()
        self.place.reconciled(life.name)
        assert not self.scene.vault.counts()
        assert {one.resource for one in self.place.writes(mark)} == {"healthcareworkflows/status"}
        kept = [one for one in self.place.stage.audit(mark) if _is_of_ledger(one)]
        assert kept == []

    def end(self) -> None:
        """Both are deleted, and nothing is left of them; no secret ever left its place."""
        places = outside(self.place, self.lives[0].name)
        assert leaks(self.scene.heard.values, places) == []
        assert places["log"].count(FAILED) == self.failed_before
        for life in self.lives:
            self.place.delete(KIND, life.name)
        for life in self.lives:
            life.until_gone()
        self.truth.nothing()


def _is_of_ledger(told: Obj) -> bool:
    """Whether somebody wrote to the ledger."""
    return bool(told.get("objectRef", {}).get("resource") == CREDENTIAL_PLURAL)


@pytest.mark.timeout(PATIENCE * (BURSTS + 2))
@pytest.mark.parametrize("seed", seeds())
def test_whatever_happens_what_is_delivered_works_and_nothing_else_does(
    scene: Scene, seed: int
) -> None:
    scene.stage.settle()
    with fresh_place(scene.stage) as place:
        lives = Lives(scene, place, seed)
        try:
            lives.begin()
            for _ in range(BURSTS):
                lives.burst()
            lives.end()
        except BaseException as error:
            error.add_note(f"seed {seed}:\n" + "\n".join(lives.done))
            raise
