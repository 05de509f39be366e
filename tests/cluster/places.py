# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Where things lie: sources in the checkout, builds and state in the user's cache.

Nothing here makes a folder; whoever writes into one makes it.
"""

from __future__ import annotations

import os
from pathlib import Path

SOURCES = Path(__file__).resolve().parent
"""The Go modules and pinned wheels of the test cluster."""

FOLDER_PREFIX = "wardkeeper-"
"""Every temporary folder of a run starts so; nothing else is ever removed."""


def cache() -> Path:
    """The folder for builds, downloads and the state of runs; shared by all checkouts."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if base.startswith("/") else Path.home() / ".cache"
    return root / "wardkeeper" / "cluster"


def runs() -> Path:
    """The folder of state files, one for each run."""
    return cache() / "runs"
