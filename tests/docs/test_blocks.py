# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Every code block of the pages is run or validated, or says that it is output."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.docs.blocks import DOCUMENT, LANGUAGES, PAGES, Block, blocks, way_of
from tests.docs.ways import NOT_RUN, WAYS
from tests.unit.api.samples.sample import DEPLOYMENT
from wardkeeper.api.read import read_workflow
from wardkeeper.api.workflow import HealthcareWorkflow
from wardkeeper.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

ALL = blocks()
WHAT_TO_DO = f"""
Every code block of README.md and docs/ is tried. Name its language: {", ".join(LANGUAGES)}.
  sh             is run, in the order of the page, on a real cluster; tests/docs/ways.py says how,
                 and names the few that cannot be run, each with its reason
  yaml           whole objects go to the real API server in a dry run; a part of a workflow's spec
                 and settings of the operator are read by their models; `# values.yaml` in its first
                 line makes it values of the chart, `# folder/name.yaml` that file for commands
  json           has to be JSON
  text, console  are output or a drawing, and are not tried
For another language, teach tests/docs to try it first."""


def of(way: str) -> list[Block]:
    """The blocks that are tried in one way."""
    return [one for one in ALL if way_of(one) == way]


def test_blocks_are_found() -> None:
    assert {one.page for one in ALL} >= {"README.md", "docs/secrets.md", "docs/gitops.md"}
    for way in ("commands", "spec", "settings", "manifests"):
        assert of(way), way


@pytest.mark.parametrize("block", ALL, ids=str)
def test_a_block_says_what_it_is(block: Block) -> None:
    assert block.language in LANGUAGES, (
        f"{block}, {block.first!r}: its language is {block.language or 'not named'!r}." + WHAT_TO_DO
    )


@pytest.mark.parametrize("block", [one for one in ALL if one.language == DOCUMENT], ids=str)
def test_there_is_a_way_to_try_a_yaml_block(block: Block) -> None:
    assert way_of(block), (
        f"{block} is neither whole objects, nor fields of a HealthcareWorkflow's spec, nor "
        "settings of the operator." + WHAT_TO_DO
    )


@pytest.mark.parametrize(
    "block", [one for one in ALL if way_of(one) in ("spec", "settings", "json")], ids=str
)
def test_what_stands_in_a_block_is_accepted(block: Block, tmp_path: Path) -> None:
    way = way_of(block)
    if way == "spec":
        read_as_spec(block)
    elif way == "settings":
        file = tmp_path / "settings.yaml"
        file.write_text(block.text)
        load_settings(file)
    else:
        json.loads(block.text)


def read_as_spec(block: Block) -> None:
    """Read a part of a spec in a whole workflow."""
    raw: dict[str, Any] = deepcopy(DEPLOYMENT)
    raw["metadata"] = {"name": "lab-results-router", "namespace": "radiology"}
    raw["spec"] |= yaml.safe_load(block.text)
    read = read_workflow(raw, unknown="forbid")
    assert isinstance(read, HealthcareWorkflow), [one.message(str(block)) for one in read]


@pytest.mark.parametrize("entry", NOT_RUN, ids=lambda entry: f"{entry.page}: {entry.first}")
def test_what_is_not_run_is_there_and_has_a_reason(entry: Any) -> None:
    firsts = [one.first for one in of("commands") if one.page == entry.page]
    assert entry.first in firsts, f"no sh block of {entry.page} begins so; take the entry out"
    assert len(entry.reason.split()) >= 5


def test_what_is_not_run_is_the_exception() -> None:
    assert len(NOT_RUN) * 4 <= len(of("commands"))


def test_ways_are_for_pages_that_are_there() -> None:
    assert set(WAYS) <= set(PAGES)
