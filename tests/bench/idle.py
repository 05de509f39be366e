# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""B4 and B7: what the operator does when there is nothing to do, and when others label things."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import orjson

from tests.bench.figures import significant
from tests.bench.results import Check, Row
from tests.bench.wire import MERGE_PATCH, each
from wardkeeper.api.workflow import KIND
from wardkeeper.kube.resource import Ref, ref_of, resource_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.profile import Profile
    from tests.bench.specimen import Specimen
    from tests.bench.stage import Stage

PERCENT_OF_A_CORE = 1.0
AT_ONCE = 16
_LABEL = orjson.dumps({"metadata": {"labels": {"example.org/seen": "bench"}}})


async def measure_idle(stage: Stage, those: Sequence[Specimen], profile: Profile) -> list[Row]:
    """B4: nothing happens for a while. The operator must run."""
    await stage.subject.rest()
    since, spent = stage.audit.position(), stage.subject.processor_seconds()
    began = time.monotonic()
    with stage.report.task("B4") as task:
        task.phase("idle seconds", int(profile.idle))
        for _ in range(int(profile.idle)):
            await asyncio.sleep(1.0)
            task.advance()
    spent = stage.subject.processor_seconds() - spent
    took = time.monotonic() - began
    written = await stage.written(since)
    return [
        Row(
            "B4",
            f"{took:.0f} idle seconds with {len(those):,} workflows",
            (
                Check("writes", written.total + written.refused.total(), "", "==", 0),
                Check("of a core", 100 * spent / took, "%", "<", PERCENT_OF_A_CORE),
            ),
            {"seconds": significant(took, 4), **written.facts()},
        )
    ]


async def measure_labels(stage: Stage, those: Sequence[Specimen], profile: Profile) -> list[Row]:
    """B7: somebody puts a label on every workflow and every child."""
    refs = [ref for specimen in those for ref in _family(specimen)]

    async def label(ref: Ref) -> None:
        path = resource_of(ref.kind).path(ref.namespace, ref.name)
        await stage.wire.send("PATCH", f"{path}?fieldManager=labeller", _LABEL, MERGE_PATCH)

    since, spent = stage.audit.position(), stage.subject.processor_seconds()
    passes = await stage.subject.passes()
    with stage.report.task("B7") as task:
        task.phase("labels", len(refs))
        await each(refs, label, AT_ONCE, task.advance)
    written = await stage.written(since)
    spent = stage.subject.processor_seconds() - spent
    return [
        Row(
            "B7",
            f"a foreign label on {len(those):,} workflows and all their children",
            (Check("writes", written.total + written.refused.total(), "", "==", 0),),
            {
                "objects": len(refs),
                "passes": await stage.subject.passes() - passes,
                "processor_ms_per_object": significant(1000 * spent / len(refs), 3),
                **written.facts(),
            },
        )
    ]


def _family(specimen: Specimen) -> list[Ref]:
    return [
        Ref(KIND, specimen.namespace, specimen.name),
        *(ref_of(child) for child in specimen.children()),
    ]
