# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Which objects are known to be gone, so that late news of them is not taken for news.

An answer to our own write, or a page of a list, may come after the event that tells of the
object's deletion. Taken for true, it would leave a child that exists in our books only.
"""

from __future__ import annotations

MOST = 8192
"""How many are remembered: news are late by seconds, not by thousands of deletions."""


class Gone:
    """Uids of deleted objects; the oldest are forgotten. A uid is never given out twice."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._uids: dict[str, None] = {}

    def __contains__(self, uid: str) -> bool:
        """Whether the object with this uid is known to be gone."""
        return uid in self._uids

    def add(self, uid: str) -> None:
        """The object with this uid was deleted."""
        self._uids[uid] = None
        if len(self._uids) > self._most:
            del self._uids[next(iter(self._uids))]
