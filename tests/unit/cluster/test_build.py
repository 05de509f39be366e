# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Building into the cache: once, whole or not at all, with a `go` that is only a script."""

from __future__ import annotations

import io
import os
import threading
from typing import TYPE_CHECKING

import pytest

from tests.cluster import places
from tests.cluster.build import ensure
from tests.cluster.golang import BuildError, go_problem
from tests.cluster.progress import Report
from tests.cluster.tools import GoTool

if TYPE_CHECKING:
    from pathlib import Path

GO = """#!/bin/sh
echo "$*" >> "{log}"
case "$1 $2" in
  "env GOVERSION") echo {version} ;;
  "list -deps") echo "go: downloading a.example/one v1.0.0" >&2; printf 'a\\nb\\nsome/tool\\n' ;;
  "list -f") echo "{folder}" ;;
  "build -v") printf 'a\\nb\\n' >&2; {build} ;;
esac
"""

COMPILES = 'while [ "$1" != -o ]; do shift; done; echo binary > "$2"'
BREAKS = (
    'while [ "$1" != -o ]; do shift; done; echo hal > "$2"; echo "b.go:1: no such thing"; exit 1'
)


class Workshop:
    """A cache, a tool to build, and a `go` that does as it is told."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self.bin = folder / "bin"
        self.bin.mkdir()
        module = folder / "module"
        module.mkdir()
        sums = module / "go.sum"
        sums.write_text("sums")
        self.tool = GoTool("tool", (sums,), ("tool",), module=module, package="some/tool")

    def go(self, build: str = COMPILES, version: str = "go1.26.3") -> None:
        """Put a `go` on PATH."""
        script = self.bin / "go"
        text = GO.format(log=self.log, version=version, folder=self.bin, build=build)
        script.write_text(text)
        script.chmod(0o755)

    def builds(self) -> int:
        """How often `go build` was called."""
        return sum(line.startswith("build") for line in self.log.read_text().splitlines())


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """An empty cache and a PATH on which only our `go` can be."""
    made = Workshop(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(made.bin))
    return made


def test_what_was_built_once_is_not_built_again(workshop: Workshop) -> None:
    workshop.go()
    said = io.StringIO()
    first = ensure(workshop.tool, Report(said))
    assert (first / "tool").read_text() == "binary\n"
    assert ensure(workshop.tool, Report(said)) == first
    assert workshop.builds() == 1
    assert "tool: compiling" in said.getvalue()


def test_a_broken_build_leaves_no_half_binary_and_says_why(workshop: Workshop) -> None:
    workshop.go(BREAKS)
    with pytest.raises(BuildError, match=r"b\.go:1: no such thing"):
        ensure(workshop.tool, Report(io.StringIO()))
    assert not workshop.tool.built
    assert [path.suffix for path in places.cache().iterdir()] == [".lock"]
    workshop.go()
    assert ensure(workshop.tool, Report(io.StringIO())).is_dir()


def test_two_at_the_same_time_build_once(workshop: Workshop) -> None:
    gate = workshop.bin / "gate"
    os.mkfifo(gate)
    workshop.go(f'read -r line < "{gate}"; {COMPILES}')
    said = [io.StringIO(), io.StringIO()]
    threads = [
        threading.Thread(target=ensure, args=(workshop.tool, Report(stream))) for stream in said
    ]
    for thread in threads:
        thread.start()
    gate.write_text("go on\n")  # returns when the one that builds has begun to read
    for thread in threads:
        thread.join(timeout=30)
    assert workshop.builds() == 1
    assert workshop.tool.built


@pytest.mark.parametrize("version", ["go1.25.9", "go1.9", "devel"])
def test_an_old_go_is_refused_with_the_version_that_is_wanted(
    workshop: Workshop, version: str
) -> None:
    workshop.go(version=version)
    with pytest.raises(BuildError, match=rf"is {version}: install Go 1\.26 or newer"):
        ensure(workshop.tool, Report(io.StringIO()))
    assert not workshop.tool.built


@pytest.mark.parametrize("version", ["go1.26", "go1.26.8", "go1.30rc1", "go2.0"])
def test_a_newer_go_will_do(workshop: Workshop, version: str) -> None:
    workshop.go(version=version)
    assert go_problem() == ""


def test_a_missing_go_is_named(workshop: Workshop) -> None:
    with pytest.raises(BuildError, match="no `go` on PATH"):
        ensure(workshop.tool, Report(io.StringIO()))
