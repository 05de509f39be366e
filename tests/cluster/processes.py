# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Processes of a test cluster: started in sessions of their own, ended by identity.

A process is known by its id and its start time together, so that an id the kernel has given to
somebody else since is never signalled. Nothing here ever looks a process up by its name.

A process inside other namespaces is started by a program that enters them and waits for it: the
process is then that program's only child, and it is the child that is known and signalled.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

GRACE = 3.0
"""Seconds between asking a process to end and ending it; its data are thrown away."""


MOMENT = 0.002
"""Seconds between two looks for a child that appears at once."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One process of this machine, for as long as it lives.

    Attributes:
        pid: process id.
        started: boot id and start time in clock ticks since boot.
    """

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        """The living process with this id; None when there is none, or only a zombie."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        except (FileNotFoundError, ProcessLookupError):
            return None
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else cls(pid, f"{boot}/{fields[19]}")

    @property
    def alive(self) -> bool:
        """Whether exactly this process still runs."""
        return Identity.of(self.pid) == self


class ProcessDiedError(RuntimeError):
    """A process of the cluster ended by itself; the message holds the end of its log."""


def end(identities: Iterable[Identity], grace: float = GRACE) -> None:
    """Ask all of them to end, wait, end by force what is left, and wait until it is gone."""
    handles = [handle for identity in identities if (handle := _handle(identity)) is not None]
    try:
        for number in (signal.SIGTERM, signal.SIGKILL):
            for handle in handles:
                _signal(handle, number)
            deadline = time.monotonic() + grace
            for handle in handles:
                select.select([handle], [], [], max(0.0, deadline - time.monotonic()))
    finally:
        for handle in handles:
            os.close(handle)


def _handle(identity: Identity) -> int | None:
    """A descriptor that names this process and no later one of the same id."""
    try:
        handle = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return None
    if identity.alive:
        return handle
    os.close(handle)
    return None


def _signal(handle: int, number: signal.Signals) -> None:
    try:
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return


class Process:
    """A program that can be started, stopped and started again with the same command.

    Attributes:
        began: when it was started for the last time, in seconds since the epoch.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        log: Path,
        folder: Path,
        env: Mapping[str, str] | None = None,
        account: tuple[int, int] | None = None,
        within: tuple[str, ...] = (),
        on_start: Callable[[str, Identity], None] = lambda name, identity: None,
    ) -> None:
        """Describe the program.

        Args:
            name: what people call it.
            command: path of the binary and its arguments.
            log: file that collects its output.
            folder: its working directory.
            env: its whole environment besides PATH and HOME (which is `folder`).
            account: user id and group id to run as; None keeps ours.
            within: the words of an `nsenter` that forks: the namespaces to run in; ours if empty.
            on_start: told the new identity, so that it can be ended if we die.
        """
        self.name = name
        self.log = log
        self.began = 0.0
        self._command = command
        self._folder = folder
        path = os.environ.get("PATH", "/usr/bin:/bin")
        self._env = {"PATH": path, "HOME": str(folder), **(env or {})}
        self._account = None if within else account
        self._enter = _entering(within, account, folder)
        self._on_start = on_start
        self._child: subprocess.Popen[bytes] | None = None
        self._identity: Identity | None = None

    @property
    def identity(self) -> Identity | None:
        """Of the running process; None when it is not running."""
        return self._identity if self._identity and self._identity.alive else None

    def start(self) -> None:
        """Start it, in a session of its own, so that a terminal's Ctrl-C reaches only us."""
        if self.identity is None:
            self._reap()  # it may have ended by itself, and then nobody has waited for it
        user, group = self._account or (None, None)
        self.began = time.time()
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [*self._enter, *self._command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env=self._env,
                user=user,
                group=group,
                extra_groups=None if user is None else [],
                start_new_session=True,
            )
        self._identity = self._only_child() if self._enter else Identity.of(self._child.pid)
        if self._identity is not None:
            self._on_start(self.name, self._identity)

    def check(self) -> None:
        """Raise when it has ended by itself.

        Raises:
            ProcessDiedError: it has.
        """
        if self._child is not None and self._child.poll() is not None:
            tail = self.log.read_text(errors="replace")[-2000:]
            raise ProcessDiedError(
                f"{self.name} ended with code {self._child.returncode}; its log ends:\n{tail}"
            )

    def stop(self, grace: float = GRACE) -> None:
        """End it and wait until it is gone."""
        stop_all([self], grace)

    def kill(self) -> None:
        """End it as a crash would: at once, with nothing said."""
        if self._identity is not None and (handle := _handle(self._identity)) is not None:
            _signal(handle, signal.SIGKILL)
            os.close(handle)
        self._reap()

    def _only_child(self) -> Identity | None:
        """The process that the entering one has started; None when that ended before."""
        assert self._child is not None
        pid = self._child.pid
        children = Path(f"/proc/{pid}/task/{pid}/children")
        while self._child.poll() is None:
            if found := children.read_text().split():
                return Identity.of(int(found[0]))
            time.sleep(MOMENT)
        return None

    def _reap(self) -> None:
        if self._child is not None:
            self._child.wait()
            self._child = None


def _entering(within: tuple[str, ...], account: tuple[int, int] | None, folder: Path) -> list[str]:
    """The words before a command that run it inside namespaces, in a folder and as a user."""
    if not within:
        return []
    user = [] if account is None else [f"--setuid={account[0]}", f"--setgid={account[1]}"]
    return [*within, f"--wd={folder}", *user, "--"]


def stop_all(processes: Iterable[Process], grace: float = GRACE) -> None:
    """End several at the same time and wait until all are gone."""
    mine = list(processes)
    end([process.identity for process in mine if process.identity is not None], grace)
    for process in mine:
        process._reap()
