# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Makes a batch of workflows and waits until the last is seen to be Ready.

The floor and the operator are measured by the same creator, at the same concurrency, with the same
eyes; they differ only in who writes the children and the status.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from tests.bench.figures import Spread
from tests.bench.specimen import UID
from tests.bench.watching import watching
from tests.bench.wire import APPLY, JSON_PATCH, each
from wardkeeper.api.workflow import KIND
from wardkeeper.kube.resource import resource_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from tests.bench.specimen import Specimen
    from tests.bench.stage import Stage
    from tests.bench.watching import Seen

Request = tuple[str, bytes]
"""Path and body."""

READY_SECONDS = 240.0
_APPLY_QUERY = "fieldManager=wardkeeper&force=true"


@dataclass(frozen=True, slots=True)
class Made:
    """A batch that has become Ready.

    Attributes:
        count: workflows.
        at_once: how many were created at the same time.
        seconds: from the first creation to the last Ready.
        waits: seconds from sending a creation to Ready, over the batch.
        strangers: cores that others on this machine kept busy meanwhile; they distort the rate.
    """

    count: int
    at_once: int
    seconds: float
    waits: Spread
    strangers: float

    @property
    def rate(self) -> float:
        """Workflows a second."""
        return self.count / self.seconds


class Prepared:
    """One workflow to be, as bytes that are ready to be sent."""

    def __init__(self, specimen: Specimen) -> None:
        workflows = resource_of(KIND)
        where = specimen.namespace, specimen.name
        self.key = where
        self.create = workflows.path(specimen.namespace), orjson.dumps(specimen.manifest())
        *guards, self.workload = (_apply(child) for child in specimen.children())
        *self.guards, self.binding = sorted(guards, key=lambda apply: "/rolebindings/" in apply[0])
        ops = [
            {"op": "test", "path": "/metadata/uid", "value": UID},
            {"op": "add", "path": "/status", "value": specimen.status()},
        ]
        self.status = workflows.path(*where, "status"), orjson.dumps(ops)


async def write_all(stage: Stage, one: Prepared) -> None:
    """The floor: the workflow, its guards at once, its workload, its status; nothing is decided.

    Only the RoleBinding comes after the other guards: Kubernetes looks up its Role to admit it.
    """
    path, body = one.create
    stored = orjson.loads(await stage.wire.send("POST", path, body))
    uid, mark = stored["metadata"]["uid"].encode(), UID.encode()

    async def patch(request: Request, content_type: str = APPLY) -> None:
        path, body = request
        await stage.floor_wire.send("PATCH", path, body.replace(mark, uid), content_type)

    await asyncio.gather(*(patch(guard) for guard in one.guards))
    await patch(one.binding)
    await patch(one.workload)
    await patch(one.status, JSON_PATCH)


async def write_workflow(stage: Stage, one: Prepared) -> None:
    """What a user does: the workflow alone; the rest is the operator's."""
    path, body = one.create
    await stage.wire.send("POST", path, body)


async def make(
    stage: Stage,
    specimens: Sequence[Specimen],
    at_once: int,
    write: Callable[[Stage, Prepared], Awaitable[None]],
) -> Made:
    """Create all of them, so many at once, and wait until each is seen Ready.

    Raises:
        NotSeenError: one is not Ready in time.
    """
    prepared = [Prepared(specimen) for specimen in specimens]
    sent: dict[tuple[str, str], float] = {}
    ready: dict[tuple[str, str], float] = {}
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def look(seen: Seen) -> None:
        metadata = seen.obj["metadata"]
        key = (metadata["namespace"], metadata["name"])
        if key not in ready and is_ready(seen.obj):
            ready[key] = seen.at
            if len(ready) == len(prepared) and not done.done():
                done.set_result(None)

    async def create(one: Prepared) -> None:
        sent[one.key] = time.monotonic()
        await write(stage, one)

    with stage.report.task(f"{len(prepared)} workflows") as task:
        task.phase("creating", len(prepared))
        async with watching(stage.wire, KIND) as eyes, eyes.telling(look):
            strangers = stage.strangers_seconds()
            began = time.monotonic()
            await each(prepared, create, at_once, task.advance)
            await eyes.until(done, READY_SECONDS, f"{len(prepared)} workflows are Ready")
            strangers = stage.strangers_seconds() - strangers
    seconds = max(ready.values()) - began
    return Made(
        count=len(prepared),
        at_once=at_once,
        seconds=seconds,
        waits=Spread.of([ready[key] - at for key, at in sent.items()]),
        strangers=max(0.0, strangers / seconds),
    )


def is_ready(workflow: Mapping[str, Any]) -> bool:
    """Whether Ready is True for the current generation."""
    generation = workflow["metadata"]["generation"]
    return any(
        one["type"] == "Ready" and one["status"] == "True"
        for one in workflow.get("status", {}).get("conditions", ())
        if one.get("observedGeneration") == generation
    )


def _apply(child: Mapping[str, Any]) -> Request:
    metadata = child["metadata"]
    path = resource_of(child["kind"]).path(metadata["namespace"], metadata["name"])
    return f"{path}?{_APPLY_QUERY}", orjson.dumps(child)
