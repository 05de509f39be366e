# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Readiness that GitOps tools can trust: four judges say the same, and none says it early."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

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

each_judge = pytest.mark.parametrize("judge", Verdicts._fields)
OLD_READY = [one for one in SITUATIONS if "old Ready" in one.name]


class Played(NamedTuple):
    """A situation, and every version of the workflow in it."""

    situation: Situation
    versions: list[Seen]


@pytest.fixture(scope="module", params=SITUATIONS, ids=lambda one: one.name)
def seen(request: pytest.FixtureRequest, stage: Stage) -> Played:
    """A situation, played once."""
    situation: Situation = request.param
    stage.settle()
    with fresh_place(stage) as place:
        versions = played(situation, place)
    keep(situation.name, versions[-1].workflow)
    return Played(situation, versions)


@each_judge
def test_no_judge_says_ready_of_a_version_that_does_not_run(seen: Played, judge: str) -> None:
    early = [
        one.workflow["metadata"]["resourceVersion"]
        for one in seen.versions
        if getattr(one.verdicts, judge) is Verdict.READY and not one.runs
    ]
    assert early == []


@each_judge
def test_at_the_end_a_judge_says_what_is_so(seen: Played, judge: str) -> None:
    assert getattr(seen.versions[-1].verdicts, judge) is seen.situation.end


def test_the_four_agree_about_every_version(seen: Played) -> None:
    differing = [
        (one.workflow["status"], one.verdicts) for one in seen.versions if one.verdicts.all is None
    ]
    assert differing == []


def test_within_a_generation_nobody_takes_back_that_it_is_ready(seen: Played) -> None:
    before: dict[int, Verdict | None] = {}
    taken_back = []
    for one in seen.versions:
        generation = one.workflow["metadata"]["generation"]
        if before.get(generation) is Verdict.READY and one.verdicts.all is not Verdict.READY:
            taken_back.append((generation, one.workflow["status"]))
        before[generation] = one.verdicts.all
    assert taken_back == []


def test_the_first_version_is_never_ready(seen: Played) -> None:
    assert seen.versions[0].workflow["status"] == {"observedGeneration": -1}
    assert seen.versions[0].verdicts.all is Verdict.PROGRESSING


@pytest.mark.parametrize("seen", OLD_READY, indirect=True, ids=lambda one: one.name)
def test_a_judge_that_looks_at_no_generation_is_found_out(seen: Played) -> None:
    naive = [room.run(NAIVE, one.workflow)["status"] == "Healthy" for one in seen.versions]
    assert any(said and not one.runs for said, one in zip(naive, seen.versions, strict=True))
