# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""On what it was measured: hardware and versions, and nothing that names the machine."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.cluster.tools import KUBERNETES

PACKAGES = ("wardkeeper", "kopf", "aiohttp", "orjson", "pydantic")


def describe() -> dict[str, Any]:
    """Hardware and versions, and how busy the machine was before the run."""
    return {
        "cpu": _first(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo")),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(int(_first(r"^MemTotal:\s+(\d+)", Path("/proc/meminfo"))) / 1e6),
        "kernel": platform.release(),
        "load_before": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "kubernetes": KUBERNETES,
        **{package: version(package) for package in PACKAGES},
    }


def _first(pattern: str, path: Path) -> str:
    found = re.search(pattern, path.read_text(), re.MULTILINE)
    return found[1] if found else "0"
