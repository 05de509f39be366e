# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""How the tests are shared out when several processes run them.

Each process gets whole files, for the tests of a file share what they started; or whole folders,
where that is too costly to have twice. What takes long comes first, so that no process is left
with it at the end.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    import pytest

HERE = Path(__file__).parent
ROOMS = ("node", "docs", "e2e", "upgrade", "gitops", "chart", "component", "unit")
"""The folders, in the order in which they are run."""

UNDIVIDED = ("node", "gitops")
"""Those that stay in one process."""


def rank(item: pytest.Item) -> int:
    """Where the folder of a test stands in the order."""
    return ROOMS.index(item.path.relative_to(HERE).parts[0])


class Shares(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """Shares out files, and folders that stay together."""

    def _split_scope(self, nodeid: str) -> str:
        """The file or folder of a test."""
        path = nodeid.partition("::")[0]
        room = path.split("/")[1]
        return room if room in UNDIVIDED else path
