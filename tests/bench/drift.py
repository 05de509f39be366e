# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""B3: how long a damaged child stays damaged, with many workflows present.

One at a time, each on a workflow of its own. The time begins when the request that does the damage
is sent, so it holds that request too, and ends with the event of an independent watch that shows
the child exactly as it was before.
"""

from __future__ import annotations

import asyncio
import random
import time
from itertools import cycle
from typing import TYPE_CHECKING

from tests.bench.damage import child_of, content_of, damage
from tests.bench.edits import KINDS, Mischief, content
from tests.bench.figures import Spread
from tests.bench.results import Check, Row
from tests.bench.watching import watching
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.profile import Profile
    from tests.bench.specimen import Specimen
    from tests.bench.stage import Stage
    from tests.bench.watching import Eyes, Seen
    from wardkeeper.kube.resource import Ref

P50_MS = 60.0
P99_MS = 300.0
REPAIR_SECONDS = 10.0
PAUSE_SECONDS = 0.2
"""Between two repairs. To admit a Role or RoleBinding of somebody who may not escalate, the API
server makes its caches of bindings current, at most every 100 ms; who writes more often waits."""


class Repair:
    """Follows one child from its damage to its repair; a listener.

    Attributes:
        repaired: when it was seen whole again (monotonic seconds).
        told: the workflow's status tells of the repair.
    """

    def __init__(self, ref: Ref, before: dict[str, object]) -> None:
        self._ref = ref
        self._before = before
        self._damaged = False
        loop = asyncio.get_running_loop()
        self.repaired: asyncio.Future[float] = loop.create_future()
        self.told: asyncio.Future[None] = loop.create_future()

    def look(self, seen: Seen) -> None:
        """A change of something."""
        metadata = seen.obj["metadata"]
        if metadata["namespace"] != self._ref.namespace:
            return
        if seen.kind == KIND and self._ref.name.startswith(metadata["name"]):
            if seen.obj.get("status", {}).get("drift") and not self.told.done():
                self.told.set_result(None)
        elif (seen.kind, metadata["name"]) == (self._ref.kind, self._ref.name):
            whole = seen.type != "DELETED" and content(seen.obj) == self._before
            self._damaged |= not whole
            if whole and self._damaged and not self.repaired.done():
                self.repaired.set_result(seen.at)


async def measure(stage: Stage, those: Sequence[Specimen], profile: Profile) -> list[Row]:
    """One row for each kind of child. The operator must run and rest.

    Raises:
        NotSeenError: a child was not repaired.
    """
    victims = iter(random.Random(3).sample(those, len(KINDS) * profile.samples))
    rows = []
    async with watching(stage.wire, KIND, *KINDS) as eyes:
        for kind in KINDS:
            since = stage.audit.position()
            found: dict[Mischief, list[float]] = {mischief: [] for mischief in Mischief}
            with stage.report.task(f"B3 {kind}") as task:
                task.phase("repairs", profile.samples)
                for _, mischief in zip(range(profile.samples), cycle(Mischief), strict=False):
                    ref = child_of(next(victims), kind)
                    found[mischief].append(await _repair(stage, eyes, ref, mischief))
                    await asyncio.sleep(PAUSE_SECONDS)
                    task.advance()
            rows.append(_row(kind, found, (await stage.written(since)).facts()))
    return rows


async def _repair(stage: Stage, eyes: Eyes, ref: Ref, mischief: Mischief) -> float:
    """Damage one child; milliseconds until it was whole again."""
    repair = Repair(ref, await content_of(stage.wire, ref))
    what = f"{ref.kind} {ref.namespace}/{ref.name} after {mischief}"
    async with eyes.telling(repair.look):
        began = time.monotonic()
        await damage(stage.wire, ref, mischief)
        await eyes.until(repair.repaired, REPAIR_SECONDS, f"repair of {what}")
        await eyes.until(repair.told, REPAIR_SECONDS, f"status.drift of the workflow of {what}")
    return (repair.repaired.result() - began) * 1000


def _row(kind: str, found: dict[Mischief, list[float]], facts: dict[str, object]) -> Row:
    every = Spread.of([one for each in found.values() for one in each])
    return Row(
        "B3",
        f"drift repair: {kind}",
        (Check("p50", every.p50, "ms", "<=", P50_MS), Check("p99", every.p99, "ms", "<=", P99_MS)),
        {
            "repairs_ms": every.facts(),
            **{f"{how}_ms": Spread.of(times).facts() for how, times in found.items()},
            **facts,
        },
    )
