# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The namespaces that a node lives in, and the process that holds them.

Inside, `/run` is empty and `/var/lib` and `/var/log` take writes that nobody sees outside. Settings
of the kernel that a kubelet would change for the whole machine look as if they were set already.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster.node import addresses, cgroups
from tests.cluster.node.packages import NAMESPACES
from tests.cluster.processes import Process
from tests.cluster.runs import SANDBOX
from tests.cluster.waiting import until

if TYPE_CHECKING:
    from tests.cluster.runs import Run

PROGRAM = Path(__file__).with_name("init.py")
RELAY = Path(__file__).with_name("relay.py")

KERNEL = {"vm/overcommit_memory": "1", "kernel/panic": "10", "kernel/panic_on_oops": "1"}
"""What a kubelet wants to be set, and sets if it finds anything else."""

MOUNTS = """
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/netns /run/lock
for place in lib log; do
  mkdir -p "$1/$place/upper" "$1/$place/work"
  mount -t overlay -o "lowerdir=/var/$place,upperdir=$1/$place/upper,workdir=$1/$place/work" \
    overlay "/var/$place"
done
"""

KERNEL_SETTING = """
mkdir -p "$1/kernel"
printf '%s\\n' "$3" > "$1/kernel/${2##*/}"
mount --bind "$1/kernel/${2##*/}" "/proc/sys/$2"
"""

NETWORK = f"""
ip link set lo up
ip link add name {addresses.BRIDGE} type bridge
ip address add {addresses.NODE}/24 dev {addresses.BRIDGE}
ip link set {addresses.BRIDGE} up
ip netns add {addresses.BEYOND}
ip link add name outside0 type veth peer name node0 netns {addresses.BEYOND}
ip address add {addresses.NODE_SIDE}/30 dev outside0
ip link set outside0 up
ip route add default via {addresses.BEYOND_SIDE}
ip -n {addresses.BEYOND} link set lo up
ip -n {addresses.BEYOND} address add {addresses.BEYOND_SIDE}/30 dev node0
ip -n {addresses.BEYOND} link set node0 up
ip -n {addresses.BEYOND} route add {addresses.PODS} via {addresses.NODE_SIDE}
for address in {" ".join(addresses.OUTSIDE)}; do
  ip -n {addresses.BEYOND} address add "$address/32" dev lo
done
sysctl -q -w net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1
"""


class SandboxError(RuntimeError):
    """A sandbox cannot be made here; the message says what failed."""


class Sandbox:
    """The namespaces of one run.

    Attributes:
        process: holds them.
    """

    def __init__(self, run: Run) -> None:
        """Nothing is made yet."""
        self._run = run
        self.process = Process(
            SANDBOX,
            [sys.executable, "-I", str(PROGRAM)],
            log=run.logs / "sandbox.log",
            folder=run.folder,
            within=(*NAMESPACES, "--propagation=private", "--mount-proc"),
            on_start=run.started,
        )

    def start(self) -> None:
        """Make the namespaces and what belongs into them; afterwards the run is within.

        Raises:
            SandboxError: the kernel refused something.
        """
        cgroups.make(self._run.folder.name)
        self.process.start()
        until(self._in_place, "the sandbox is there", seconds=10, check=self.process.check)
        own = self._run.folder / "sandbox"
        self._run.within = (
            *("nsenter", f"--target={self._pid}", "--net", "--mount", "--ipc", "--pid"),
        )
        self._run.save()
        self._script(MOUNTS, str(own))
        for name, value in KERNEL.items():
            self._script(KERNEL_SETTING, str(own), name, value)
        self._script(NETWORK)

    def relay(self, *ports: int) -> list[str]:
        """The command, to be run outside, that makes these ports reachable from there."""
        return [sys.executable, "-I", str(RELAY), str(self._pid), *map(str, ports)]

    def call(self, *command: str, seconds: float = 60) -> str:
        """Run a command inside; returns its output.

        Raises:
            SandboxError: it did not end with 0.
        """
        result = subprocess.run(
            [*self._run.within, f"--wd={self._run.folder}", "--", *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )
        if result.returncode:
            raise SandboxError(f"{' '.join(command)[-200:]}: {result.stderr.strip()}")
        return result.stdout

    def _script(self, text: str, *arguments: str) -> None:
        self.call("sh", "-euc", text, "sh", *arguments)

    @property
    def root(self) -> Path:
        """The root of its files, as it is seen from outside."""
        return Path(f"/proc/{self._pid}/root")

    @property
    def _pid(self) -> int:
        identity = self.process.identity
        if identity is None:
            raise SandboxError("the sandbox is not running")
        return identity.pid

    def _in_place(self) -> bool:
        """Whether the first process has become ours, which is after its mounts were made."""
        return str(PROGRAM).encode() in Path(f"/proc/{self._pid}/cmdline").read_bytes()
