# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What the kernel says about a process: its memory and its time. Linux only."""

from __future__ import annotations

import os
import re
from pathlib import Path

_TICK = 1 / os.sysconf("SC_CLK_TCK")


def resident(status: str) -> int:
    """Bytes of resident memory, out of the text of `/proc/<pid>/status`.

    Raises:
        ValueError: the text says nothing about it; a zombie has no memory.
    """
    found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise ValueError("no VmRSS: the process has ended")
    return int(found[1]) * 1024


def processor_seconds(stat: str, tick: float = _TICK) -> float:
    """User and system time in seconds, out of the text of `/proc/<pid>/stat`."""
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * tick


def busy_seconds(stat: str, tick: float = _TICK) -> float:
    """Seconds of all cores in which something ran, out of the text of `/proc/stat`."""
    user, nice, system, _, _, irq, softirq, *_ = map(int, stat.splitlines()[0].split()[1:])
    return (user + nice + system + irq + softirq) * tick


def read_busy_seconds() -> float:
    """Seconds of all cores so far in which something ran."""
    return busy_seconds(Path("/proc/stat").read_text())


def read_resident(pid: int) -> int:
    """Bytes of resident memory of a process."""
    return resident(Path(f"/proc/{pid}/status").read_text())


def read_processor_seconds(pid: int) -> float:
    """User and system time of a process so far, in seconds."""
    return processor_seconds(Path(f"/proc/{pid}/stat").read_text())
