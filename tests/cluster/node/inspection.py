# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What a process in a pod finds out about itself: who it is, and what it can write. Prints JSON.

It tries instead of asking: a folder is writable when a file could be made in it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

KERNEL = ("/proc", "/sys")
"""Where files are no files."""

STATUS = ("NoNewPrivs", "Seccomp", "CapEff", "CapPrm", "CapBnd", "CapAmb")
TOKENS = ("/var/run/secrets/kubernetes.io", "/run/secrets/kubernetes.io")
SETUID = "/data/setuid"


def main() -> None:
    """Look, and print."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    found = {
        "user": os.getuid(),
        "group": os.getgid(),
        "groups": sorted(os.getgroups()),
        **{name: status[name].strip() for name in STATUS},
        "by_setuid": _by_setuid_program(),
        "becomes_root": _becomes_root(),
        "writable": _writable_folders(),
        "writable_kernel": _writable_kernel_files(),
        "api_token": [place for place in TOKENS if Path(place).exists()],
        "environment": sorted(os.environ),
    }
    sys.stdout.write(json.dumps(found) + "\n")


def _by_setuid_program() -> int:
    """Who a program that would become root is."""
    program = "import os; print(os.geteuid())"
    told = subprocess.run([SETUID, "-Ic", program], capture_output=True, text=True, check=True)
    return int(told.stdout)


def _becomes_root() -> bool:
    """Whether this process can make itself root; asked in a child, which then ends."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    try:
        os.setuid(0)
    except PermissionError:
        os._exit(1)
    os._exit(0)


def _writable_folders() -> list[str]:
    """Every folder in which a file can be made, outermost ones first."""
    found = []
    for folder, inner, _ in os.walk("/"):
        inner[:] = sorted(name for name in inner if f"{folder.rstrip('/')}/{name}" not in KERNEL)
        file = Path(folder, ".written")
        try:
            file.touch()
            file.unlink()
        except OSError:
            continue
        found.append(folder)
    return found


def _writable_kernel_files() -> list[str]:
    """Settings of the kernel, and its cgroups, that can be opened for writing."""
    found = []
    for root in ("/proc/sys", "/sys"):
        for folder, _, names in os.walk(root):
            for name in names:
                path = f"{folder}/{name}"
                try:
                    os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
                except OSError:
                    continue
                found.append(path)
    return found


if __name__ == "__main__":
    main()
