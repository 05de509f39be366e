# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Which objects are known to be gone, so that late news of them is not taken for news.

An answer to our own write, or a page of a list, may come after the event that tells of the
object's deletion. Taken for true, it would leave a child that exists in our books only.

An object that loses the label by which it is watched is told as deleted too, and may come back
under the same uid. So an object is gone up to a version: what is newer than its going is news.
"""

from __future__ import annotations

import sys

MOST = 8192
"""How many are remembered: news are late by seconds, not by thousands of deletions."""

FOR_EVER = sys.maxsize


class Gone:
    """Uids of objects that went, and the version up to which they are gone.

    The oldest are forgotten.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._uids: dict[str, int] = {}

    def holds(self, uid: str, version: int) -> bool:
        """Whether the object with this uid is gone, as far as news of this version can tell."""
        return version <= self._uids.get(uid, -1)

    def add(self, uid: str, version: int = FOR_EVER) -> None:
        """The object with this uid went at this version; without one it was deleted for good."""
        self._uids[uid] = version
        if len(self._uids) > self._most:
            del self._uids[next(iter(self._uids))]
