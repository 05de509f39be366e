# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""B5: resident memory, of nothing, of workflows, and of Secrets that are none of our business."""

from __future__ import annotations

import asyncio
import base64
import random
from typing import TYPE_CHECKING

import orjson

from tests.bench.figures import significant
from tests.bench.results import Check, Row
from tests.bench.stage import NAMESPACES, staged
from tests.bench.wire import each
from wardkeeper.kube.resource import resource_of

if TYPE_CHECKING:
    from tests.bench.profile import Profile
    from tests.bench.stage import Stage
    from tests.cluster.progress import Report

BASE_MB = 80.0
KB_PER_WORKFLOW = 20.0
FOREIGN_MB = 5.0
SECRET_BYTES = 1_000_000
ENOUGH = 500
"""Workflows from which on memory per workflow is more than noise."""

_AT_ONCE = 4


async def settled(stage: Stage, profile: Profile) -> int:
    """Bytes of resident memory of the operator after its rest."""
    await stage.subject.rest()
    await asyncio.sleep(profile.settle)
    return stage.subject.memory()


async def measure_empty(report: Report, profile: Profile) -> list[Row]:
    """The operator on an empty cluster, then with large Secrets of somebody else.

    On a stage of its own, for the API server keeps what it has once cached; with Vault, for without
    one the operator looks at no Secret.
    """
    async with staged(report, vault=True) as stage:
        await stage.subject.start()
        none = await settled(stage, profile)
        await _foreign_secrets(stage, profile.foreign)
        running = await settled(stage, profile)
        await stage.subject.stop()
        await stage.subject.start()
        restarted = await settled(stage, profile)
    return [
        Row(
            "B5",
            "memory with no workflow",
            (Check("resident", none / 1e6, "MB", "<=", BASE_MB),),
            {"settle_s": profile.settle},
        ),
        Row(
            "B5",
            f"{profile.foreign} foreign Secrets of 1 MB",
            (
                Check("while it ran", (running - none) / 1e6, "MB", "<", FOREIGN_MB),
                Check("after a restart", (restarted - none) / 1e6, "MB", "<", FOREIGN_MB),
            ),
            {"resident_mb": [significant(one / 1e6, 4) for one in (none, running, restarted)]},
        ),
    ]


def row_per_workflow(none: int, many: int, again: int, count: int) -> Row:
    """Memory that workflows cost; with few of them it is noise, and nothing is asked of it.

    Args:
        none: bytes of the process before the first workflow.
        many: bytes of the same process after the last, once it had settled.
        again: bytes of a process that found them all at its start.
        count: workflows.
    """
    bound = "<=" if count >= ENOUGH else ""
    each = [(one - none) / count / 1000 for one in (many, again)]
    return Row(
        "B5",
        f"memory of {count:,} workflows",
        (
            Check("each, converged", each[0], "KB", bound, KB_PER_WORKFLOW),
            Check("each, after a restart", each[1], "KB", bound, KB_PER_WORKFLOW),
        ),
        {"resident_mb": [significant(one / 1e6, 4) for one in (none, many, again)]},
    )


async def _foreign_secrets(stage: Stage, count: int) -> None:
    path = resource_of("Secret").path(NAMESPACES[0])
    data = base64.b64encode(random.Random(5).randbytes(SECRET_BYTES)).decode()

    async def create(index: int) -> None:
        body = {"metadata": {"name": f"foreign-{index:03}"}, "data": {"blob": data}}
        await stage.wire.send("POST", path, orjson.dumps(body))

    with stage.report.task("B5") as task:
        task.phase("foreign Secrets", count)
        await each(range(count), create, _AT_ONCE, task.advance)
