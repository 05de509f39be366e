# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Tells a history: bursts of steps, and after each one the truth about what came of them."""

from __future__ import annotations

import secrets
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from tests.cluster.waiting import COLLECTS, NotReadyError, until
from tests.e2e.stories import condition_of, fresh_place
from tests.histories import belonging, forgery, mischief, outages, people
from tests.histories.chronicle import (
    GUARDED,
    drift_complaints,
    guard_complaints,
    log_complaints,
)
from tests.histories.ideal import Ideal
from tests.histories.judge import Judge
from tests.histories.look import look
from tests.histories.scene import NAMES, Burst, Scene
from tests.histories.specs import KINDS, draw_traits
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.stage import Obj, Stage
    from tests.e2e.stories import Place
    from tests.histories.look import Look

    Step = Callable[[Scene], str | None]

SETTLES = COLLECTS
"""Seconds after which the operator must be at rest, and what has lost its owner gone."""

STEPS: dict[Step, float] = {
    people.create: 6,
    people.edit: 10,
    people.delete: 2,
    people.make_anew: 2,
    people.audit: 2,
    people.quarantine: 2,
    people.look_again: 1,
    people.label: 1,
    people.end_run: 2,
    people.hold: 1,
    mischief.edit_child: 8,
    mischief.delete_child: 6,
    mischief.hold_child: 2,
    mischief.let_go: 3,
    mischief.label_child: 2,
    mischief.strip: 4,
    mischief.take_name: 1.5,
    mischief.leave: 3,
}
"""What happens, and how often."""

WIDER: dict[Step, float] = {
    forgery.forge_status: 3,
    belonging.scale: 3,
    belonging.add_owner: 2,
    belonging.give_away: 2,
    belonging.mistake: 2,
    belonging.strip_marks: 1,
    belonging.mark_pods: 1,
    belonging.mark_namespace: 1,
}
"""What happens besides in a history that is told to find what nobody has met yet."""

ROUGH: dict[Step, float] = {
    outages.kill: 2,
    outages.kill_and_wait: 1,
    outages.restart: 1,
    outages.restart_api_server: 1,
}
"""What happens besides in a history with outages."""

REACHES_THE_END = ("Converged", "WouldChange", "AuditMode", "Quarantined")
"""Reasons for Ready after which a pass has honoured reconcile-at."""

OUTAGES = 0.25
"""Share of the bursts in which there is one."""


class History:
    """One history in one namespace.

    Args:
        place: the namespace.
        elsewhere: another one, in which there is nothing.
        seed: of all chance.
        rough: with outages.
        wide: with everything that could be thought of.
        tell: told each step in words.
    """

    def __init__(
        self,
        place: Place,
        elsewhere: Place,
        seed: int,
        *,
        rough: bool = True,
        wide: bool = False,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._scene = Scene(place.stage, place, Random(seed))
        self._judge = Judge(self._scene, Ideal(elsewhere))
        self._rough = rough
        self._steps = STEPS | WIDER if wide else STEPS
        self._tell = tell
        self._rest = look(place)

    def burst(self, steps: int) -> None:
        """Some steps, and everything that must hold after them.

        Raises:
            AssertionError: something does not hold.
        """
        scene, rng = self._scene, self._scene.rng
        scene.burst = Burst()
        since, mark, log = scene.place.version(), scene.stage.mark(), self._log_size()
        chosen = rng.choices(list(self._steps), list(self._steps.values()), k=steps)
        if not scene.traits:
            chosen[:0] = [people.create] * 3
        if self._rough and rng.random() < OUTAGES:
            outage = rng.choices(list(ROUGH), list(ROUGH.values()))[0]
            chosen.insert(rng.randrange(len(chosen) + 1), outage)
        for step in chosen:
            told = step(scene)
            if told is not None:
                self._tell(told)
        outages.wake(scene)
        if scene.burst.rough:
            unknown = scene.burst.touched | scene.burst.forged
            scene.lost_spec |= {name for name in unknown if self._is_wrong(name)}
        wrong = self._quiet(self._until_settled())
        there = look(scene.place)
        wrong += self._judge.complaints(there)
        writes = scene.place.writes(mark)
        wrong += drift_complaints(self._rest, there, writes, scene.burst, scene.damaged)
        if outages.restart_api_server not in chosen:
            history = scene.place.history(since, *GUARDED)
            wrong += guard_complaints(self._rest, history, scene.burst)
            wrong += log_complaints(scene.stage.operator.log, log)
        assert not wrong, "\n".join(wrong)
        self._rest = there
        scene.damaged -= self._whole(there)
        scene.lost_spec -= self._whole(there)

    def end(self) -> None:
        """Strangers leave, everybody asks for something that can be had, then everything goes.

        Raises:
            AssertionError: something does not hold.
        """
        scene = self._scene
        for step in (mischief.let_go, mischief.leave):
            step(scene)
        for name in sorted(scene.cut_off):
            scene.place.annotate(name, quarantine=None)
        scene.cut_off.clear()
        scene.lost_spec.clear()
        for name, traits in sorted(scene.traits.items()):
            scene.change(name, replace(traits, mode="Enforce", zone=None, rules=()))
        self._tell("everybody becomes reasonable")
        self._until_settled()
        mischief.leave(scene)
        self._until_settled()
        for name in sorted(scene.traits):
            scene.place.delete(KIND, name)
            scene.forget(name)
        self._tell("everything is deleted")
        until(lambda: not look(scene.place).workflows, "every workflow is gone", seconds=SETTLES)
        self._until_settled()

    def _until_settled(self) -> Look:
        """Wait until nothing is wrong; what there is then."""
        said: list[str] = []

        def settled() -> Look | None:
            there = look(self._scene.place)
            said[:] = self._judge.complaints(there)
            return None if said else there

        try:
            return until(settled, "the operator is at rest", seconds=SETTLES, check=self._alive)
        except NotReadyError:
            raise AssertionError("\n".join(said)) from None

    def _quiet(self, there: Look) -> list[str]:
        """Have everything looked at again: that must lead to no write but of what was asked."""
        scene = self._scene
        mark = scene.stage.mark()
        value = secrets.token_hex(4)
        answering = [name for name, one in there.workflows.items() if _answers(one)]
        for name in there.workflows:
            scene.place.annotate(name, reconcile_at=value)
        for name in answering:
            until(
                lambda name=name: (  # type: ignore[misc]
                    scene.place.status(name).get("lastHandledReconcileAt") == value
                ),
                f"{name} was looked at",
                check=self._alive,
            )
        writes = [
            one
            for one in scene.place.writes(mark)
            if one.resource != "healthcareworkflows/status" and one.code < 300
        ]
        return [f"written at rest: {one}" for one in writes]

    def _whole(self, there: Look) -> set[str]:
        """Workflows that are as wanted in every way, so that no damage is left to repair."""
        return {name for name, one in there.workflows.items() if _converged(one)} | {
            name for name in self._scene.damaged if name not in there.workflows
        }

    def _is_wrong(self, name: str) -> bool:
        traits = self._scene.traits.get(name)
        return traits is not None and not (traits.can_be_carried_out and traits.may_be_granted)

    def _log_size(self) -> int:
        log = self._scene.stage.operator.log
        return log.stat().st_size if log.exists() else 0

    def _alive(self) -> None:
        process = self._scene.stage.operator.process
        if process is not None:
            process.check()


def vanish(stage: Stage, seed: int) -> None:
    """A namespace is deleted right after workflows were made in it.

    Raises:
        NotReadyError: it does not end.
    """
    rng = Random(seed)
    with fresh_place(stage) as place:
        scene = Scene(stage, place, rng)
        for name in NAMES:
            scene.create(name, draw_traits(rng, rng.choice(KINDS), NAMES))
    gone = place.namespace
    until(lambda: stage.get("Namespace", "", gone) is None, f"{gone} is gone", seconds=SETTLES)


def _converged(workflow: Obj) -> bool:
    return bool(condition_of(workflow, "Ready").get("reason") == "Converged")


def _answers(workflow: Obj) -> bool:
    """Whether a pass over it comes to its end, so that a request to look again is echoed."""
    return condition_of(workflow, "Ready").get("reason") in REACHES_THE_END
