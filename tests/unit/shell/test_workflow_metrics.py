# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Workflows are counted by what their conditions say, and never by name."""

from __future__ import annotations

from typing import Any

import pytest

from wardkeeper.engine.seen import Key
from wardkeeper.engine.world import World
from wardkeeper.shell.metrics import Metrics


class Told:
    """A world, and what the metrics tell of it."""

    def __init__(self) -> None:
        self.world = World()
        self.metrics = Metrics(host="h", workers=1)
        self.metrics.workflows.follow(self.world)
        self._version = 0

    def say(self, name: str, **conditions: tuple[str, str]) -> None:
        """Have a workflow say this."""
        self._version += 1
        said = [
            {"type": kind, "status": status, "reason": reason}
            for kind, (status, reason) in conditions.items()
        ]
        metadata = {"namespace": "n", "name": name, "uid": name}
        raw: dict[str, Any] = {"metadata": {**metadata, "resourceVersion": str(self._version)}}
        self.world.observe_workflow({**raw, "spec": {}, "status": {"conditions": said}})

    def many(self, kind: str, status: str, reason: str) -> float | None:
        labels = {"type": kind, "status": status, "reason": reason}
        return self.metrics.registry.get_sample_value("wardkeeper_workflow_conditions", labels)

    def all(self) -> float | None:
        return self.metrics.registry.get_sample_value("wardkeeper_workflows")


@pytest.fixture
def told() -> Told:
    return Told()


def test_without_workflows_there_are_none(told: Told) -> None:
    assert told.all() == 0
    assert told.many("Ready", "True", "Converged") is None


def test_workflows_that_say_the_same_are_counted_together(told: Told) -> None:
    told.say("a", Ready=("True", "Converged"))
    told.say("b", Ready=("True", "Converged"))
    told.say("c", Ready=("False", "SpecInvalid"), Stalled=("True", "SpecInvalid"))
    assert told.all() == 3
    assert told.many("Ready", "True", "Converged") == 2
    assert told.many("Ready", "False", "SpecInvalid") == 1
    assert told.many("Stalled", "True", "SpecInvalid") == 1


def test_a_workflow_that_says_something_else_is_counted_anew(told: Told) -> None:
    told.say("a", Ready=("False", "RolloutInProgress"))
    assert told.many("Ready", "False", "RolloutInProgress") == 1
    told.say("a", Ready=("True", "Converged"))
    assert told.many("Ready", "False", "RolloutInProgress") is None
    assert told.many("Ready", "True", "Converged") == 1


def test_a_workflow_that_is_gone_is_counted_no_more(told: Told) -> None:
    told.say("a", Ready=("True", "Converged"))
    told.world.forget_workflow(Key("n", "a"), "a")
    assert told.all() == 0
    assert told.many("Ready", "True", "Converged") is None


def test_words_that_are_not_known_cannot_make_series_without_end(told: Told) -> None:
    told.say("a", Newer=("Perhaps", "ForeignReason"))
    assert told.many("Other", "Other", "Other") == 1


def test_a_workflow_that_says_nothing_yet_is_counted(told: Told) -> None:
    told.say("a")
    assert told.all() == 1
