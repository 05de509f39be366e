# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""B0 and B1: how fast new workflows become Ready, and how fast they could at most.

The floor is measured before and after each turn of the operator, for the machine changes its speed
while a run lasts; a rate of the operator is only ever divided by the floors beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tests.bench.batch import make, write_all, write_workflow
from tests.bench.figures import Spread, significant
from tests.bench.results import Check, Row
from tests.bench.stage import FLOOR_NAMESPACES, NAMESPACES, specimens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.audit import Tally
    from tests.bench.batch import Made
    from tests.bench.profile import Profile
    from tests.bench.specimen import Specimen
    from tests.bench.stage import Stage

AT_ONCE = (4, 8, 16)
WARM_UP = 20
"""Workflows that are made before the first measurement, so that no server is cold in it."""

SHARE = 0.85
"""Of the floor's rate."""


class Converging:
    """Measures on one stage, from the best floor on.

    Attributes:
        at_once: the concurrency at which the floor is fastest; the smallest before it is known.
    """

    def __init__(self, stage: Stage, profile: Profile) -> None:
        self._stage = stage
        self._profile = profile
        self.at_once = AT_ONCE[0]

    async def find_floor(self) -> Row:
        """B0: the floor at each concurrency; from here on the fastest is used."""
        await self.floor("warm", WARM_UP, AT_ONCE[0])
        found = [
            await self.floor(f"knee{at_once}", self._profile.floor, at_once) for at_once in AT_ONCE
        ]
        best = max(found, key=lambda made: made.rate)
        self.at_once = best.at_once
        return Row(
            "B0",
            f"floor: the same writes without an operator, best of {_listed(AT_ONCE)} at once",
            (
                Check("workflows", best.rate, "per s"),
                Check("at once", best.at_once),
            ),
            {
                "workflows": self._profile.floor,
                "per_s": {str(made.at_once): significant(made.rate, 4) for made in found},
                "ready_s": {str(made.at_once): made.waits.facts() for made in found},
                "cores_of_others": [significant(made.strangers, 2) for made in found],
            },
        )

    async def small_rounds(self) -> Row:
        """B1 with few workflows, several times, each beside its own floor."""
        count = self._profile.few
        shares: list[float] = []
        turns: list[Turn] = []
        before = await self.floor("floor", count, self.at_once)
        for index in range(self._profile.rounds):
            self._stage.report.say(f"B1: round {index + 1} of {self._profile.rounds}")
            await self._stage.subject.start()
            turns.append(turn := await self.turn(f"round{index}", count))
            await self._stage.subject.stop()
            await self._stage.clear(NAMESPACES)
            after = await self.floor(f"floor-{index}", count, self.at_once)
            shares.append(_share(turn, before, after))
            before = after
        return Row(
            "B1",
            f"converge {count} new workflows",
            (
                Check("share of the floor", Spread.of(shares).p50, "", ">=", SHARE),
                *counted(turns),
            ),
            {
                "rounds": self._profile.rounds,
                "share": Spread.of(shares).facts(),
                "workflows_per_s": Spread.of([turn.made.rate for turn in turns]).facts(),
                "at_once": self.at_once,
                "cores_of_others": [significant(turn.made.strangers, 2) for turn in turns],
                **turns[-1].written.facts(),
            },
        )

    async def floor(self, batch: str, count: int, at_once: int) -> Made:
        """One measurement of the floor; nothing of it stays. The operator must not run."""
        those = specimens(batch, count, FLOOR_NAMESPACES)
        made = await make(self._stage, those, at_once, write_all)
        await self._stage.clear(FLOOR_NAMESPACES)
        return made

    async def turn(self, batch: str, count: int) -> Turn:
        """The operator's turn: it must run and rest. What it made stays."""
        stage = self._stage
        since, spent = stage.audit.position(), stage.subject.processor_seconds()
        those = specimens(batch, count)
        made = await make(stage, those, self.at_once, write_workflow)
        written = await stage.written(since)
        spent = stage.subject.processor_seconds() - spent
        return Turn(made, written, account(written, those), spent / count)


class Account(NamedTuple):
    """Writes by workflow.

    Attributes:
        wanted: what a workflow needs: one write for each child and one for the status.
        least: writes of the workflow with the fewest.
        most: writes of the workflow with the most.
        others: writes to anything else.
    """

    wanted: int
    least: int
    most: int
    others: int


class Turn(NamedTuple):
    """What the operator did with a batch; `processor` is its seconds per workflow."""

    made: Made
    written: Tally
    account: Account
    processor: float


def row(turn: Turn, before: Made, after: Made) -> Row:
    """B1 with one batch, beside the floors before and after it."""
    return Row(
        "B1",
        f"converge {turn.made.count:,} new workflows",
        (
            Check("share of the floor", _share(turn, before, after), "", ">=", SHARE),
            *counted([turn]),
        ),
        {
            "workflows_per_s": significant(turn.made.rate, 4),
            "floor_per_s": [significant(one.rate, 4) for one in (before, after)],
            "cores_of_others": [
                significant(one.strangers, 2) for one in (before, turn.made, after)
            ],
            "at_once": turn.made.at_once,
            "ready_s": turn.made.waits.facts(),
            "processor_ms_per_workflow": significant(turn.processor * 1000, 3),
            **turn.written.facts(),
        },
    )


def _share(turn: Turn, before: Made, after: Made) -> float:
    return turn.made.rate / between(before.rate, after.rate)


def between(before: float, after: float) -> float:
    """The rate over two equal batches, one after the other: their harmonic mean."""
    return 2 / (1 / before + 1 / after)


def account(written: Tally, those: Sequence[Specimen]) -> Account:
    """Hold what was written against what the workflows needed. Pure."""
    targets = [tuple(specimen.targets()) for specimen in those]
    writes = [sum(written.writes[target] for target in each) for each in targets]
    return Account(len(targets[0]), min(writes), max(writes), written.total - sum(writes))


def counted(turns: Sequence[Turn]) -> tuple[Check, ...]:
    """The checks on writes; of several turns the worst counts."""
    wanted = turns[0].account.wanted
    all_writes = [number for turn in turns for number in (turn.account.least, turn.account.most)]
    worst = max(all_writes, key=lambda number: abs(number - wanted))
    return (
        Check("writes per workflow", worst, "", "==", wanted),
        Check("other writes", sum(turn.account.others for turn in turns), "", "==", 0),
        Check("conflicts", sum(turn.written.conflicts for turn in turns), "", "==", 0),
        Check("retries", sum(turn.written.repeated for turn in turns), "", "==", 0),
    )


def _listed(numbers: Sequence[Any]) -> str:
    *first, last = map(str, numbers)
    return f"{', '.join(first)} and {last}"
