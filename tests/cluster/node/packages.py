# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a node can run on this machine, and what to install where it cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.cluster.node import cgroups

LIST = Path(__file__).with_name("packages.txt")
CNI = Path("/usr/lib/cni")

PROGRAMS = {
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
    "busybox": "busybox-static",
    "conntrack": "conntrack",
    "containerd": "containerd",
    "ctr": "containerd",
    f"{CNI}/bridge": "containernetworking-plugins",
    f"{CNI}/host-local": "containernetworking-plugins",
    f"{CNI}/portmap": "containernetworking-plugins",
    "ipset": "ipset",
    "ip": "iproute2",
    "iptables": "iptables",
    "nft": "nftables",
    "sysctl": "procps",
    "/usr/bin/python3": "python3",
    "/usr/bin/pip3": "python3-pip",
    "runc": "runc",
    "nsenter": "util-linux",
    "unshare": "util-linux",
}
"""What is called, and the Debian package it comes from."""

KERNEL = "/proc/filesystems"
MODULES = {
    "overlay": "\toverlay\n",
    "br_netfilter": "/proc/sys/net/bridge/bridge-nf-call-iptables",
}
"""What the kernel must have loaded, and the line or file that shows it."""

NAMESPACES = ("unshare", "--fork", "--kill-child", "--pid", "--mount", "--net", "--ipc")
"""What a sandbox is made with; the program started ends with this one."""


def node_problem() -> str:
    """Why no node can run here, and what to do about it; empty when one can."""
    if os.geteuid() != 0:
        return "a real node needs root, for namespaces and cgroups: run the tests as root"
    missing = sorted({package for name, package in PROGRAMS.items() if not shutil.which(name)})
    if missing:
        return (
            f"a real node needs {', '.join(missing)}: "
            f"apt-get install --no-install-recommends {' '.join(LIST.read_text().split())}"
        )
    for module, sign in MODULES.items():
        if sign not in Path(KERNEL).read_text() and not Path(sign).exists():
            return f"a real node needs the kernel's {module}: modprobe {module}"
    made = subprocess.run(
        [*NAMESPACES, "--mount-proc", "--", "true"], capture_output=True, text=True, check=False
    )
    if made.returncode:
        return f"a real node needs namespaces of its own: {made.stderr.strip()}"
    return _cgroup_problem()


def _cgroup_problem() -> str:
    name = f"wardkeeper-look-{os.getpid()}"
    try:
        cgroups.make(name)
    except OSError as error:
        return f"a real node needs cgroups of its own: {error}"
    finally:
        cgroups.remove(name)
    return ""
