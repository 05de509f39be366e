# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Readiness that GitOps tools can trust: four judges say the same, and none says it early."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.stories import fresh_place
from tests.gitops import room
from tests.gitops.judges import Verdict, Verdicts
from tests.gitops.recorded import keep
from tests.gitops.situations import SITUATIONS, Seen, Situation, played

if TYPE_CHECKING:
    from tests.e2e.stage import Stage

NAIVE = """
for _, condition in ipairs(obj.status.conditions or {}) do
  if condition.type == "Ready" and condition.status == "True" then
    return {status = "Healthy"}
  end
end
return {status = "Progressing"}
"""
"""What health scripts often look like: they do not ask which generation a condition speaks of."""

each_situation = pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: one.name)
each_judge = pytest.mark.parametrize("judge", Verdicts._fields)

_PLAYED: dict[str, list[Seen]] = {}


@pytest.fixture
def seen(stage: Stage, situation: Situation) -> list[Seen]:
    """The versions of a situation, which is played once."""
    if situation.name not in _PLAYED:
        stage.settle()
        with fresh_place(stage) as place:
            _PLAYED[situation.name] = played(situation, place)
        keep(situation.name, _PLAYED[situation.name][-1].workflow)
    return _PLAYED[situation.name]


@each_judge
@each_situation
def test_no_judge_says_ready_of_a_version_that_does_not_run(
    seen: list[Seen], situation: Situation, judge: str
) -> None:
    early = [
        one.workflow["metadata"]["resourceVersion"]
        for one in seen
        if getattr(one.verdicts, judge) is Verdict.READY and not one.runs
    ]
    assert early == []


@each_judge
@each_situation
def test_at_the_end_a_judge_says_what_is_so(
    seen: list[Seen], situation: Situation, judge: str
) -> None:
    assert getattr(seen[-1].verdicts, judge) is situation.end


@each_situation
def test_the_four_agree_about_every_version(seen: list[Seen], situation: Situation) -> None:
    differing = [(one.workflow["status"], one.verdicts) for one in seen if one.verdicts.all is None]
    assert differing == []


@each_situation
def test_the_first_version_is_never_ready(seen: list[Seen], situation: Situation) -> None:
    assert seen[0].workflow["status"] == {"observedGeneration": -1}
    assert seen[0].verdicts.all is Verdict.PROGRESSING


@pytest.mark.parametrize(
    "situation", [one for one in SITUATIONS if "old Ready" in one.name], ids=["old Ready"]
)
def test_a_judge_that_looks_at_no_generation_is_found_out(
    seen: list[Seen], situation: Situation
) -> None:
    naive = [room.run(NAIVE, one.workflow)["status"] == "Healthy" for one in seen]
    assert any(said and not one.runs for said, one in zip(naive, seen, strict=True))
