# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The order of a run: what needs an empty cluster first, then what needs many workflows.

A measurement that fails is told as not measured, and the others go on.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.bench import alternating, drift, idle, memory, restart, rotation
from tests.bench.converge import Converging, row
from tests.bench.results import Row
from tests.bench.stage import specimens, staged

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tests.bench.profile import Profile
    from tests.bench.stage import Stage
    from tests.cluster.progress import Report

MEASUREMENTS = {
    "B0": "the floor: the same writes without an operator",
    "B1": "new workflows become Ready",
    "B2": "a crash and a fresh start",
    "B3": "damaged children are repaired",
    "B4": "nothing happens",
    "B5": "memory",
    "B6": "secrets are rotated, all at once",
    "B7": "foreign labels",
}
MINUTES = 8.0
"""After so long any one measurement is given up."""

LONGEST_WHY = 160

_BATCH = "wf"


class Suite:
    """One run.

    Attributes:
        rows: what has been found so far.
    """

    def __init__(self, report: Report, profile: Profile, chosen: frozenset[str]) -> None:
        self.rows: list[Row] = []
        self._report = report
        self._profile = profile
        self._chosen = chosen

    async def run(self) -> list[Row]:
        """Measure everything that is chosen; the rows in the order of their names."""
        if "B5" in self._chosen:
            await self._attempt("B5", memory.measure_empty(self._report, self._profile))
        if "B6" in self._chosen:
            await self._attempt("B6", rotation.measure(self._report, self._profile))
            await self._attempt("B6", alternating.measure(self._report, self._profile))
        if self._chosen - {"B6"}:
            await self._on_one_stage()
        return sorted(self.rows, key=lambda found: found.id)

    async def _on_one_stage(self) -> None:
        async with staged(self._report) as stage:
            converging = Converging(stage, self._profile)
            if self._chosen & {"B0", "B1"}:
                await self._attempt("B0", _one(converging.find_floor()))
            if "B1" in self._chosen:
                await self._attempt("B1", _one(converging.small_rounds()))
            if self._chosen - {"B0"}:
                await self._with_many(stage, converging)
                for complaint in stage.subject.complaints():
                    self._report.say(f"the operator complained: {complaint}")

    async def _with_many(self, stage: Stage, converging: Converging) -> None:
        """What is measured on many workflows that stay."""
        later = {
            "B3": drift.measure,
            "B7": idle.measure_labels,
            "B4": idle.measure_idle,
            "B2": restart.measure,
        }
        those = specimens(_BATCH, self._profile.many)
        there = await self._attempt("B1", self._populate(stage, converging))
        for name, measure in later.items():
            if name not in self._chosen:
                continue
            if there:
                await self._attempt(name, measure(stage, those, self._profile))
            else:
                self._give_up(name, "the workflows to measure on could not be made")

    async def _populate(self, stage: Stage, converging: Converging) -> list[Row]:
        """Make many workflows; on the way B1 and what B5 wants of them, if they are chosen."""
        profile, subject = self._profile, stage.subject
        rows: list[Row] = []
        await subject.stop()
        before = await converging.floor("before", profile.floor, converging.at_once)
        await subject.start()
        none = await memory.settled(stage, profile)
        turn = await converging.turn(_BATCH, profile.many)
        many = await memory.settled(stage, profile)
        await subject.stop()
        after = await converging.floor("after", profile.floor, converging.at_once)
        await subject.start()
        again = await memory.settled(stage, profile)
        if "B1" in self._chosen:
            rows.append(row(turn, before, after))
        if "B5" in self._chosen:
            rows.append(memory.row_per_workflow(none, many, again, profile.many))
        return rows

    async def _attempt(self, name: str, measure: Awaitable[list[Row]]) -> bool:
        try:
            async with asyncio.timeout(MINUTES * 60):
                self.rows += await measure
        except Exception as error:
            self._give_up(name, f"{type(error).__name__}: {error}")
            return False
        return True

    def _give_up(self, name: str, why: str) -> None:
        self._report.say(f"{name} could not be measured: {why}")
        self.rows.append(Row(name, MEASUREMENTS[name], problem=in_short(why)))


def in_short(why: str) -> str:
    """The first line of a failure: results are published, logs and paths of a machine are not."""
    first, *_ = why.splitlines()
    return first if len(first) <= LONGEST_WHY else f"{first[:LONGEST_WHY]}..."


async def _one(measure: Awaitable[Row]) -> list[Row]:
    return [await measure]
