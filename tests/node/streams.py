# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""New connections at a steady rate, from a pod or from beyond the node, and what became of them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple, Self

from tests.cluster.node import addresses, stock
from tests.cluster.node.probe import ANSWERED
from tests.cluster.waiting import until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.cluster.node.cluster import NodeCluster

RATE = 50
"""Connections a second."""


class Count(NamedTuple):
    """How many connections were tried, and how many of them were made."""

    asked: int
    made: int

    def __str__(self) -> str:
        return f"{self.made} of {self.asked}"


class Stream:
    """Connections to one place until the end of the `with` block.

    Attributes:
        total: what became of all of them; known afterwards.
    """

    def __init__(self, command: Sequence[str], log: Path) -> None:
        """Not begun yet; `command` ends when its input does and prints into `log`."""
        self._command = list(command)
        self._log = log
        self.total = Count(0, 0)

    def __enter__(self) -> Self:
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=log, stderr=log
            )
        until(lambda: self.now().asked, "the stream has begun", seconds=20, check=self._check)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self.total = self.now()

    def now(self) -> Count:
        """What became of them up to the last full second."""
        return last_count(self._log.read_text())

    def goes_on(self, more: int = RATE) -> Count:
        """Wait until this many more have been tried; what became of all up to then."""
        before = self.now().asked
        until(lambda: self.now().asked >= before + more, "the stream goes on", check=self._check)
        return self.now()

    def _check(self) -> None:
        if self._process.poll() is not None:
            raise RuntimeError(f"the stream has ended: {self._log.read_text()[-500:]}")


def last_count(text: str) -> Count:
    """The last line that a stream has written in full."""
    lines = [line for line in text.splitlines(keepends=True) if line.startswith("{")]
    whole = [line for line in lines if line.endswith("}\n")]
    if not whole:
        return Count(0, 0)
    told = json.loads(whole[-1])
    return Count(told["asked"], told.get(ANSWERED, 0))


def from_pod(node: NodeCluster, namespace: str, pod: str, place: str, log: Path) -> Stream:
    """A stream from a pod."""
    command = (
        *(node.kubectl_program, f"--kubeconfig={node.kubeconfig()}", "exec", "-i", pod),
        *("-n", namespace, "--", "python3", "/probe.py", "stream", place, f"--rate={RATE}"),
    )
    return Stream(command, log)


def from_world(node: NodeCluster, source: str, place: str, log: Path) -> Stream:
    """A stream from an address beyond the node."""
    program = (sys.executable, "-I", str(stock.PROBE), "stream", place)
    command = (
        *(*node.run.within, "--"),
        *("nsenter", f"--net=/run/netns/{addresses.BEYOND}", "--"),
        *(*program, f"--rate={RATE}", f"--source={source}"),
    )
    return Stream(command, log)
