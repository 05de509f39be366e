# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The cgroups of one node: made under a name of its own in every hierarchy, and taken away."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
CONTROLLERS = ("cpu", "cpuset", "memory", "pids")


def make(name: str) -> None:
    """One group of this name in every hierarchy, with the controllers that a kubelet wants.

    Raises:
        OSError: the kernel refuses; what was made until then stays.
    """
    for hierarchy in hierarchies():
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        if (hierarchy / "cgroup.subtree_control").exists():
            _delegate(hierarchy)
            _delegate(group)
        for file in ("cpuset.cpus", "cpuset.mems"):  # version 1 leaves them empty
            if (group / file).exists() and not (group / file).read_text().strip():
                (group / file).write_text((hierarchy / file).read_text())


def remove(name: str) -> None:
    """Take every group of this name away, innermost first; no process may be in them."""
    for hierarchy in hierarchies():
        for folder, _, _ in os.walk(hierarchy / name, topdown=False):
            os.rmdir(folder)


def processes(name: str, inner: str = "") -> set[int]:
    """The processes in the groups of this name; only in groups within them when those are named.

    Args:
        name: of the groups of a run.
        inner: part of the name of a group in them, such as a pod's uid.
    """
    files = (file for group in left(name) for file in group.rglob("cgroup.procs"))
    return {int(pid) for file in files if inner in str(file) for pid in file.read_text().split()}


def left(name: str) -> list[Path]:
    """The groups of this name that are there."""
    return [hierarchy / name for hierarchy in hierarchies() if (hierarchy / name).exists()]


def hierarchies() -> list[Path]:
    """The roots of all hierarchies: one of version 2, or one for each controller of version 1."""
    if not ROOT.is_dir():
        return []
    if (ROOT / "cgroup.controllers").exists():
        return [ROOT]
    return [path for path in sorted(ROOT.iterdir()) if path.is_dir() and not path.is_symlink()]


def _delegate(group: Path) -> None:
    offered = (group / "cgroup.controllers").read_text().split()
    given = (group / "cgroup.subtree_control").read_text().split()
    missing = [one for one in CONTROLLERS if one in offered and one not in given]
    if missing:
        (group / "cgroup.subtree_control").write_text(" ".join(f"+{one}" for one in missing))
