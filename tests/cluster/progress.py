# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Saying how far things are: a bar on a terminal, a line every few seconds elsewhere.

Nothing over two seconds is silent. What is said goes to standard error, so that the output of a
command stays usable in a shell.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from types import TracebackType

EVERY = 5.0
"""Seconds between two lines where there is no terminal."""


class Report:
    """Where progress is said."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to `stream`, by default what is standard error now."""
        self.stream = sys.stderr if stream is None else stream
        self.began = time.monotonic()

    def say(self, text: str) -> None:
        """One line, with the seconds since the start."""
        self.stream.write(f"{time.monotonic() - self.began:6.1f} s  {text}\n")
        self.stream.flush()

    def task(self, title: str) -> Task:
        """Progress of one thing that takes a while; a context manager."""
        return BarTask(self, title) if self.stream.isatty() else Task(self, title)


class Task:
    """Plain lines: one at each new phase, and one every few seconds."""

    def __init__(self, report: Report, title: str) -> None:
        self.title = title
        self.done = 0
        self.total = 0
        self._report = report
        self._phase = ""
        self._began = self._said = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close("failed" if error else f"done in {time.monotonic() - self._began:.1f} s")

    def phase(self, text: str, total: int = 0) -> None:
        """A new phase, of `total` steps if that is known."""
        self._phase, self.done, self.total = text, 0, total
        self._began_phase = time.monotonic()
        self._line(self._text())

    def now(self, text: str) -> None:
        """What the phase is doing; said when it is time to say something."""
        self._phase = text
        self.tick()

    def advance(self) -> None:
        """One step of the phase is done."""
        self.done += 1
        self.tick()

    def tick(self) -> None:
        """Time has passed."""
        if time.monotonic() - self._said >= EVERY:
            self._line(self._text())

    def close(self, text: str) -> None:
        """Say how it ended."""
        self._line(text)

    def _text(self) -> str:
        if not self.total or not self.done:
            return self._phase
        left = (time.monotonic() - self._began_phase) / self.done * (self.total - self.done)
        return f"{self._phase}: {self.done} of {self.total}, about {max(left, 0):.0f} s left"

    def _line(self, text: str) -> None:
        self._said = time.monotonic()
        self._report.say(f"{self.title}: {text}")


class BarTask(Task):
    """A bar that moves."""

    def __init__(self, report: Report, title: str) -> None:
        super().__init__(report, title)
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(file=report.stream),
            transient=True,
        )
        self._row = self._bar.add_task(title, total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def phase(self, text: str, total: int = 0) -> None:
        """A new phase, of `total` steps if that is known."""
        self._bar.reset(self._row, description=f"{self.title}: {text}", total=total or None)

    def now(self, text: str) -> None:
        """What the phase is doing."""
        self._bar.update(self._row, description=f"{self.title}: {text}")

    def advance(self) -> None:
        """One step of the phase is done."""
        self._bar.advance(self._row)

    def tick(self) -> None:
        """The bar moves by itself."""

    def close(self, text: str) -> None:
        """Take the bar away and say how it ended."""
        self._bar.stop()
        super().close(text)
