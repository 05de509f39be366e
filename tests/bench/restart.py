# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""B2: a crash and a fresh start, with nothing to do and with children damaged meanwhile."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

from tests.bench.audit import Target
from tests.bench.damage import child_of, content_of, damage
from tests.bench.edits import KINDS, Mischief, content
from tests.bench.figures import Spread, significant
from tests.bench.results import Check, Row
from tests.bench.watching import watching
from wardkeeper.kube.resource import Ref, resource_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.profile import Profile
    from tests.bench.specimen import Specimen
    from tests.bench.stage import Stage
    from tests.bench.watching import Seen

READY_SECONDS = 10.0
DAMAGED = 20


async def measure(stage: Stage, those: Sequence[Specimen], profile: Profile) -> list[Row]:
    """The two rows. The operator must run and rest."""
    return [
        await _untouched(stage, len(those), profile.restarts),
        await _damaged(stage, those),
    ]


async def _untouched(stage: Stage, count: int, times: int) -> Row:
    subject = stage.subject
    ready, writes, spent, memory = [], [], [], []
    facts: dict[str, Any] = {}
    for index in range(times):
        stage.report.say(f"B2: kill -9 and restart, {index + 1} of {times}")
        since = stage.audit.position()
        subject.kill()
        ready.append(await subject.start_again())
        written = await stage.written(since)
        writes.append(written.total + written.refused.total())
        spent.append(subject.processor_seconds())
        memory.append(subject.memory() / 1e6)
        facts = written.facts()
    return Row(
        "B2",
        f"kill -9 and restart with {count:,} workflows",
        (
            Check("writes", max(writes), "", "==", 0),
            Check("ready", Spread.of(ready).most, "s", "<", READY_SECONDS),
        ),
        {
            "ready_s": Spread.of(ready).facts(),
            "processor_s_until_rest": Spread.of(spent).facts(),
            "resident_mb_after": Spread.of(memory).facts(),
            **facts,
        },
    )


async def _damaged(stage: Stage, those: Sequence[Specimen]) -> Row:
    """Damage children of as many workflows while nobody watches."""
    chosen = those[:: max(1, len(those) // DAMAGED)][:DAMAGED]
    plan = list(zip(chosen, cycle(KINDS), cycle(Mischief), strict=False))
    before: dict[Ref, dict[str, Any]] = {}
    back: dict[Ref, float] = {}

    def look(seen: Seen) -> None:
        metadata = seen.obj["metadata"]
        ref = Ref(seen.kind, metadata["namespace"], metadata["name"])
        if ref in before and seen.type != "DELETED" and content(seen.obj) == before[ref]:
            back.setdefault(ref, seen.at)

    stage.subject.kill()
    stage.report.say(f"B2: kill -9, {len(plan)} children damaged, restart")
    for specimen, kind, mischief in plan:
        ref = child_of(specimen, kind)
        before[ref] = await content_of(stage.wire, ref)
        await damage(stage.wire, ref, mischief)
    since = stage.audit.position()
    async with watching(stage.wire, *KINDS) as eyes, eyes.telling(look):
        ready = await stage.subject.start_again()
        written = await stage.written(since)
    touched = written.of(*(resource_of(kind).plural for kind in KINDS))
    wanted = {Target(resource_of(ref.kind).plural, ref.namespace, ref.name) for ref in before}
    whole = [ref for ref, was in before.items() if await content_of(stage.wire, ref) == was]
    return Row(
        "B2",
        f"the same with {len(plan)} children edited or deleted while it was down",
        (
            Check("repaired", len(whole), "", "==", len(plan)),
            Check("other children written", len(touched - wanted), "", "==", 0),
        ),
        {
            "seen_back": len(back),
            "ready_s": significant(ready, 3),
            "repaired_without_a_write": len(wanted - touched),
            **written.facts(),
        },
    )
