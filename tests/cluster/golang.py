# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`go build` with progress: how many packages of all are done, and how long it will take.

The module's go.mod and go.sum decide everything; the Go tool may not change them.
"""

from __future__ import annotations

import json
import os
import queue
import re
import shutil
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.progress import Task
    from tests.cluster.tools import GoFiles, GoTool

NEEDED = (1, 26)
"""The oldest Go that the modules say they need."""

TICK = 1.0
"""Seconds of silence after which progress looks at the clock."""


class BuildError(RuntimeError):
    """A program cannot be had; the message says what to do about it."""


def go_problem() -> str:
    """Why nothing can be built here; empty when Go is there and new enough."""
    wanted = ".".join(map(str, NEEDED))
    if shutil.which("go") is None:
        return f"no `go` on PATH: install Go {wanted} or newer (https://go.dev/dl)"
    found = _output(["go", "env", "GOVERSION"]).strip()
    match = re.match(r"go(\d+)\.(\d+)", found)
    if match is None or tuple(map(int, match.groups())) < NEEDED:
        return f"`go` on PATH is {found}: install Go {wanted} or newer (https://go.dev/dl)"
    return ""


def build_go(tool: GoTool, target: Path, task: Task) -> Path:
    """Build `tool` into the file `target`; returns the folder of the module it comes from.

    Raises:
        BuildError: Go is missing or too old, or the build failed.
    """
    if problem := go_problem():
        raise BuildError(f"{tool.name} cannot be built: {problem}")
    task.phase("resolving Go modules")
    packages = 0
    for line in _lines(["go", "list", "-deps", tool.package], tool.module, task):
        if line.startswith("go: downloading "):
            task.now(f"downloading {line.split()[2]}")
        else:
            packages += 1
    task.phase("compiling", packages)
    main = tool.package.removeprefix("./")
    for line in _lines(
        ["go", "build", "-v", *tool.flags, "-o", str(target), tool.package], tool.module, task
    ):
        if line.endswith(main):
            task.phase("linking")  # silent, and takes about a tenth of the whole
        else:
            task.advance()
    listed = _output(["go", "list", "-f", "{{.Module.Dir}}", tool.package], tool.module)
    return Path(listed.strip())


def copy_files(tool: GoFiles, target: Path, task: Task) -> None:
    """Copy the tool's files out of the module that holds them; its go.sum says which content.

    Raises:
        BuildError: Go is missing or too old, or the module cannot be downloaded.
    """
    if problem := go_problem():
        raise BuildError(f"{tool.name} cannot be had: {problem}")
    task.phase("downloading")
    told = json.loads(_output(["go", "mod", "download", "-json", tool.source], tool.module))
    for name in tool.programs:
        content = (Path(told["Dir"]) / tool.under / name).read_bytes()
        (target / name).write_bytes(content)


def _environment() -> dict[str, str]:
    own = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}
    return {**os.environ, **own}


def _output(command: list[str], folder: Path | None = None) -> str:
    result = subprocess.run(
        command, cwd=folder, env=_environment(), capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise BuildError(f"{' '.join(command)} failed:\n{result.stderr.strip()}")
    return result.stdout


def _lines(command: list[str], folder: Path, task: Task) -> Iterator[str]:
    """The command's lines as they come, with a tick of the clock while it is silent."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=_pump, args=(process, lines), daemon=True).start()
        said: list[str] = []
        try:
            while True:
                try:
                    line = lines.get(timeout=TICK)
                except queue.Empty:
                    task.tick()
                    continue
                if line is None:
                    break
                said.append(line)
                yield line
        finally:
            if process.poll() is None and lines.empty():
                process.terminate()
    if process.returncode:
        tail = "\n".join([line for line in said if " " in line][-20:])  # names of packages aside
        raise BuildError(f"{' '.join(command[:2])} failed in {folder}:\n{tail}")


def _pump(process: subprocess.Popen[str], lines: queue.SimpleQueue[str | None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line.rstrip("\n"))
    process.wait()
    lines.put(None)
