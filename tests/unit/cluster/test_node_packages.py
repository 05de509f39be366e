# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Where no node can run, it is said what is missing and how to get it."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

from tests.cluster.node import cgroups, packages
from tests.cluster.node.packages import LIST, PROGRAMS, node_problem

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_without_root_nothing_else_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "needs root" in node_problem()


def test_missing_packages_are_named_with_the_line_that_installs_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    there = set(PROGRAMS) - {"runc", "ctr", "containerd"}
    monkeypatch.setattr(shutil, "which", lambda name: name if name in there else None)
    told = node_problem()
    assert told.startswith("a real node needs containerd, runc: apt-get install")
    assert told.endswith(" ".join(LIST.read_text().split()))


def test_what_the_kernel_has_not_loaded_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: name)
    (tmp_path / "filesystems").write_text("nodev\ttmpfs\n")
    monkeypatch.setattr(packages, "KERNEL", str(tmp_path / "filesystems"))
    assert node_problem() == "a real node needs the kernel's overlay: modprobe overlay"


def test_a_kernel_that_refuses_namespaces_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: name)

    def refuse(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "unshare failed: Not permitted\n")

    monkeypatch.setattr(subprocess, "run", refuse)
    assert (
        node_problem() == "a real node needs namespaces of its own: unshare failed: Not permitted"
    )


def test_a_kernel_that_refuses_cgroups_is_quoted_and_nothing_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: name)
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0)
    )
    for name in ("cpu", "memory"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    assert node_problem() == ""
    (tmp_path / "memory" / f"wardkeeper-look-{os.getpid()}").touch()
    assert node_problem().startswith("a real node needs cgroups of its own: ")
    assert not list((tmp_path / "cpu").iterdir())


def test_every_program_is_in_a_package_of_the_list_or_of_every_debian() -> None:
    assert set(PROGRAMS.values()) - set(LIST.read_text().split()) == {"apt", "dpkg"}
