# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""While Vault is away, one request in a while asks for all: no storm, not even at unsealing.

Waiting never ends in giving up: sealed is a state to wait in, not an error to stay in.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from wardkeeper.vault.errors import VaultError

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from wardkeeper.vault.errors import Kind

FIRST_WAIT = 1.0
LONGEST_WAIT = 30.0


class Breaker:
    """Refuses requests for a growing while after Vault turned out to be away.

    Attributes:
        probe_time: seconds that one request may take to find out, before another one may try.
        changed: told when Vault turns out to be away, and when it answers again.
    """

    def __init__(
        self,
        random: Random,
        *,
        clock: Callable[[], float] = time.monotonic,
        probe_time: float = 10.0,
        changed: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self.probe_time = probe_time
        self.changed = changed
        self._random = random
        self._clock = clock
        self._kind: Kind | None = None
        self._wait = 0.0
        self._until = 0.0
        self._probing = False

    def check(self, words: str) -> None:
        """Let a request pass, or refuse it.

        Args:
            words: what the request would do.

        Raises:
            VaultError: Vault was away a moment ago; `retry_after` says when it is asked again.
        """
        if self._kind is None:
            return
        left = self._until - self._clock()
        if left > 0:
            raise VaultError(self._kind, words, retry_after=left + self._random.random())
        self._until = self._clock() + self.probe_time
        self._probing = True

    def note(self, error: VaultError | None) -> None:
        """Take in how a request ended: with an error, or well."""
        if error is None or not error.outage:
            was_away = self._kind is not None
            self._kind, self._wait, self._probing = None, 0.0, False
            if was_away:
                self.changed(False)
            return
        if self._kind is None:
            self.changed(True)
        if self._kind is None or self._probing:
            self._wait = min(LONGEST_WAIT, max(FIRST_WAIT, 2 * self._wait))
            asked = min(error.retry_after or 0.0, LONGEST_WAIT)
            drawn = self._wait * (0.75 + self._random.random() / 4)
            self._kind, self._probing = error.kind, False
            self._until = self._clock() + max(asked, drawn)
        error.retry_after = max(0.0, self._until - self._clock()) + self._random.random()
