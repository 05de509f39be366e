# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A build is named by what it is made from, and by nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.cluster import tools
from tests.cluster.tools import (
    CLIENTS,
    HELM_DOCS,
    HELM_UNITTEST,
    JUDGES,
    KUBEALL,
    KUBECONFORM,
    KWOK,
    MONITORING,
    OLDER_HELM,
    OLDER_OPENBAO,
    Tool,
)

if TYPE_CHECKING:
    from pathlib import Path

ALL = (
    CLIENTS,
    HELM_DOCS,
    HELM_UNITTEST,
    JUDGES,
    KUBEALL,
    KUBECONFORM,
    KWOK,
    MONITORING,
    OLDER_HELM,
    OLDER_OPENBAO,
)


@pytest.fixture
def inputs(tmp_path: Path) -> tuple[Path, Path]:
    """Two input files."""
    first, second = tmp_path / "go.sum", tmp_path / "main.go"
    first.write_text("sum")
    second.write_text("main")
    return first, second


def test_the_same_content_in_another_folder_has_the_same_key(
    inputs: tuple[Path, Path], tmp_path: Path
) -> None:
    copies = []
    for path in inputs:
        copy = tmp_path / "elsewhere" / path.name
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
        copies.append(copy)
    assert Tool("t", inputs, ("t",)).key == Tool("t", tuple(copies), ("t",)).key


@pytest.mark.parametrize("changed", [0, 1])
def test_a_change_of_any_input_changes_the_key(inputs: tuple[Path, Path], changed: int) -> None:
    before = Tool("t", inputs, ("t",)).key
    inputs[changed].write_text(inputs[changed].read_text().upper())
    assert Tool("t", inputs, ("t",)).key != before


def test_content_cannot_move_between_inputs_unnoticed(inputs: tuple[Path, Path]) -> None:
    tool = Tool("t", inputs, ("t",))
    inputs[0].write_text("x")
    inputs[1].write_text("y\nmain.go \nz")
    before = tool.key
    inputs[0].write_text("x\nmain.go \ny")
    inputs[1].write_text("z")
    assert tool.key != before


def test_a_change_of_the_build_flags_changes_the_key(inputs: tuple[Path, Path]) -> None:
    tool = Tool("t", inputs, ("t",), recipe=("-s",))
    assert replace(tool, recipe=("-s", "-w")).key != tool.key


def test_another_machine_has_another_key(
    inputs: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = Tool("t", inputs, ("t",))
    before = tool.key
    monkeypatch.setattr("tests.cluster.tools.platform.machine", lambda: "riscv64")
    assert tool.key != before


def test_every_go_tool_is_keyed_by_its_module_files_and_flags() -> None:
    for tool in (HELM_DOCS, HELM_UNITTEST, JUDGES, KUBEALL, KUBECONFORM, KWOK):
        assert {"go.mod", "go.sum"} <= {path.name for path in tool.inputs}
        assert set(tool.flags) <= set(tool.recipe)
    assert "main.go" in {path.name for path in KUBEALL.inputs}
    assert set(tools.STAGES) <= set(KWOK.recipe)


def test_no_pin_names_a_host() -> None:
    for tool in ALL:
        for path in tool.inputs:
            text = path.read_text()
            assert not re.search("[a-z]://", text), path  # a hash may hold the rest by chance


def test_builds_lie_in_the_cache_of_the_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert KWOK.bin.is_relative_to(tmp_path / "wardkeeper" / "cluster")
    assert not KWOK.built


def test_a_relative_cache_folder_is_not_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert KWOK.bin.is_relative_to(tmp_path / ".cache" / "wardkeeper" / "cluster")
