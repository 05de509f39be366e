# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Things that go wrong between the operator and the API server, on demand and exactly once.

A fault waits for the first request that matches. What happens before the request reaches the
store leaves no trace there; what happens after has been committed all the same.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.component.apiserver.call import ApiCall


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with this code; the request is not carried out."""

    code: int
    reason: str = ""
    message: str = "injected"
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Reset:
    """Cut the connection, before the request is carried out or after it."""

    committed: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    """Never answer, whether the request was carried out or not."""

    committed: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """Carry the request out, or answer it when it has been carried out, once `release` is set."""

    release: asyncio.Event = field(default_factory=asyncio.Event)
    committed: bool = False


@dataclass(frozen=True, slots=True)
class DropWatch:
    """Cut a watch after so many events."""

    after: int = 0


@dataclass(frozen=True, slots=True)
class EndWatch:
    """End a watch in good order as soon as it is open."""


@dataclass(frozen=True, slots=True)
class StallWatch:
    """Bring nothing more after so many events, no bookmark either, and stay connected."""

    after: int = 0


@dataclass(frozen=True, slots=True)
class DuplicateEvents:
    """Bring every event of a watch twice."""


Fault = Refuse | Reset | Silence | Hold | DropWatch | EndWatch | StallWatch | DuplicateEvents


@dataclass(slots=True)
class _Plan:
    match: Callable[[ApiCall], bool]
    fault: Fault
    left: int


class Faults:
    """The faults still to come, in the order they were asked for."""

    def __init__(self) -> None:
        self._plans: deque[_Plan] = deque()

    def next(
        self, *, match: Callable[[ApiCall], bool] = lambda call: True, fault: Fault, times: int = 1
    ) -> None:
        """Let this go wrong for the next requests that match."""
        self._plans.append(_Plan(match, fault, times))

    @property
    def pending(self) -> int:
        """How many have not happened yet; a test that injects a fault should see none left."""
        return sum(plan.left for plan in self._plans)

    def clear(self) -> None:
        """Nothing more goes wrong."""
        self._plans.clear()

    def take(self, call: ApiCall) -> Fault | None:
        """What goes wrong with this request."""
        for plan in self._plans:
            if plan.match(call):
                plan.left -= 1
                if plan.left == 0:
                    self._plans.remove(plan)
                return plan.fault
        return None
