# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What sources that change without us said of themselves when they were last looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from wardkeeper.rotation.facts import Source

POLL_SECONDS = 300.0
"""How long an answer is believed; a person may have rotated the source by hand meanwhile."""


class Sources:
    """Answers by workflow uid and secret; forgotten after a while, so that they are asked anew."""

    def __init__(self, clock: Callable[[], float], poll: float = POLL_SECONDS) -> None:
        self._clock = clock
        self._poll = poll
        self._seen: dict[tuple[str, str], tuple[float, Source]] = {}

    def of(self, uid: str, secret: str) -> Source | None:
        """What the source said lately; None when it has to be asked."""
        seen = self._seen.get((uid, secret))
        if seen is None or self._clock() - seen[0] > self._poll:
            return None
        return seen[1]

    def put(self, uid: str, secret: str, source: Source | None) -> None:
        """Remember an answer."""
        if source is None:
            self._seen.pop((uid, secret), None)
        else:
            self._seen[uid, secret] = (self._clock(), source)

    def forget(self, uid: str) -> None:
        """The workflow is gone."""
        for key in [key for key in self._seen if key[0] == uid]:
            del self._seen[key]
