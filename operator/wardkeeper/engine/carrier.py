# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Plans what the children of one workflow need, does it, and notes what of others that undoes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wardkeeper.engine.drift import drift_of
from wardkeeper.engine.gather import gather
from wardkeeper.engine.outcome import Terminal
from wardkeeper.engine.plan import fingerprint, plan
from wardkeeper.engine.writer import taken
from wardkeeper.kube.client import Lane
from wardkeeper.kube.resource import ref_of
from wardkeeper.rotation.record import write_time

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping, Sequence

    from wardkeeper.api.status import DriftRecord
    from wardkeeper.engine.outcome import Outcome
    from wardkeeper.engine.plan import Change, Plan
    from wardkeeper.engine.seen import Child, Key, Observed
    from wardkeeper.engine.tools import Tools
    from wardkeeper.kube.resource import Ref
    from wardkeeper.render.metadata import Obj


class Carrier:
    """Carries out changes in one pass over one workflow.

    Args:
        tools: what a pass works with.
        key: which workflow.
        seen: the workflow as it was last seen.
        repaired: gains what others did and is undone.
        stood: what is wanted was all there before, so what is not is somebody's doing.

    Attributes:
        now: when the pass began, RFC 3339.
        missed: children that were believed to be there, and were not when they were read.
    """

    def __init__(
        self,
        tools: Tools,
        key: Key,
        seen: Observed,
        repaired: list[DriftRecord],
        *,
        stood: bool,
    ) -> None:
        self._tools = tools
        self._key = key
        self._seen = seen
        self._repaired = repaired
        self._stood = stood
        self._lost = tools.world.lost(key)
        self.now = write_time(tools.clock())
        self.missed: set[Ref] = set()

    @property
    def children(self) -> Mapping[Ref, Child]:
        """The children as they were last seen."""
        return self._tools.world.children(self._key)

    async def plan(self, guards: Sequence[Obj], workload: Obj | None, *, fresh: bool) -> Plan:
        """What to do; `fresh` reads everything, whatever is known.

        Raises:
            ApiError: a child could not be read.
        """
        desired = (*guards, workload) if workload else guards
        believed = {ref_of(one) for one in desired} & self.children.keys()
        live = await gather(self._tools.client, self.children, desired, fresh=fresh)
        self.missed |= believed - live.keys()
        todo = plan(guards, workload, live, owner=self._seen.uid)
        equal = set(todo.equal)
        for one in desired:
            ref = ref_of(one)
            if ref in equal:
                self._tools.world.compared(self._key, ref, live[ref].version, fingerprint(one))
        return todo

    async def carry_out(self, changes: Iterable[Change]) -> None:
        """Do independent things at once.

        Raises:
            Outcome: the first of them that could not be done, after all have ended.
        """
        await all_of(self._one(change) for change in changes)

    async def _one(self, change: Change) -> None:
        await self._tools.writer.carry_out(change, Lane.LIVE)
        record = drift_of(change, lost=self._lost, settled=self._stood, now=self.now)
        if record:
            self._repaired.append(record)


async def all_of(steps: Iterable[Awaitable[None]]) -> None:
    """Do independent things at once; the first failure is raised when all have ended."""
    done = await asyncio.gather(*steps, return_exceptions=True)
    for result in done:
        if isinstance(result, BaseException):
            raise result


def refused(todo: Plan) -> Outcome:
    """The outcome of a plan with wanted objects whose names are taken."""
    outcomes = [taken(one.desired, one.live) for one in todo.refused if one.desired and one.live]
    return next((one for one in outcomes if isinstance(one, Terminal)), outcomes[0])
