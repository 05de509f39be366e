# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Which request meets which fault: rules that wait for the n-th request that matches.

No fault happens by chance; a test says which, and can see that it did happen.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re


@dataclass(frozen=True, slots=True)
class LoseAnswer:
    """Let the server do it, and cut the connection instead of answering."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Cut the connection; the server never hears of the request."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer with this status instead of the server, which never hears of the request.

    Attributes:
        status: such as 429 or 503.
        errors: Vault's error strings.
        retry_after: seconds, for the header of that name.
    """

    status: int
    errors: tuple[str, ...] = ("injected",)
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Delay:
    """Wait so many seconds, before the server hears of it or before its answer is passed on."""

    seconds: float
    after: bool = False


@dataclass(frozen=True, slots=True)
class Quote:
    """Answer with this status and an error that quotes the request; the server never hears of it.

    Attributes:
        status: such as 400 or 500.
    """

    status: int


@dataclass(frozen=True, slots=True)
class Garble:
    """Let the server do it, and pass on an answer that breaks off in the middle."""


Fault = LoseAnswer | Cut | Answer | Delay | Quote | Garble


@dataclass
class Rule:
    """One fault, and the requests that it waits for.

    Attributes:
        method: such as `GET`, `PUT` or `LIST`; `*` is every method.
        path: has to match all of the path without `/v1/`.
        fault: what happens.
        nth: the first matching request that meets it, counted from 1.
        times: how many in a row meet it; None is all from then on.
        happened: how many have met it.
    """

    method: str
    path: re.Pattern[str]
    fault: Fault
    nth: int = 1
    times: int | None = 1
    happened: int = 0
    _matched: int = field(default=0, repr=False)
    _first: threading.Event = field(default_factory=threading.Event, repr=False)

    def wait(self, seconds: float = 30.0) -> None:
        """Wait until it has happened once.

        Raises:
            TimeoutError: it has not.
        """
        if not self._first.wait(seconds):
            raise TimeoutError(
                f"no request {self.method} {self.path.pattern} (number {self.nth}) came within "
                f"{seconds:g} s; {self._matched} matched"
            )

    def meets(self, method: str, path: str) -> bool:
        """Whether this request, which is counted, meets the fault."""
        if self.method not in ("*", method) or not self.path.fullmatch(path):
            return False
        self._matched += 1
        over = self.times is not None and self.happened >= self.times
        if self._matched < self.nth or over:
            return False
        self.happened += 1
        self._first.set()
        return True


class Plan:
    """The rules in force; may be changed at any time by any thread."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._lock = threading.Lock()

    def add(self, rule: Rule) -> Rule:
        """Put a rule into force, behind those that are."""
        with self._lock:
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """Let everything pass from now on."""
        with self._lock:
            self._rules.clear()

    def fault_for(self, method: str, path: str) -> Fault | None:
        """What this request meets; None lets it pass. Every rule counts it, the first one acts."""
        with self._lock:
            met = [rule for rule in self._rules if rule.meets(method, path)]
        return met[0].fault if met else None
