# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""docs/secrets.md: each example is accepted as it stands, and what the page names is there."""

from __future__ import annotations

import re
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.unit.api.samples.sample import DEPLOYMENT
from wardkeeper.api.credential import CREDENTIAL_KIND, CREDENTIAL_SHORT, Engine
from wardkeeper.api.read import read_workflow
from wardkeeper.api.reasons import Reason
from wardkeeper.api.secret_rotation import Rotation
from wardkeeper.api.workflow import HealthcareWorkflow
from wardkeeper.render.secret import keys_of
from wardkeeper.rotation.times import times_of

if TYPE_CHECKING:
    from wardkeeper.api.secrets import SecretSpec

PAGE = Path(__file__).resolve().parents[3] / "docs" / "secrets.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def specs(block: str) -> tuple[SecretSpec, ...]:
    """The secrets of an example, read as part of a whole workflow."""
    raw: dict[str, Any] = deepcopy(DEPLOYMENT)
    metadata = {"name": "lab-results-router", "namespace": "radiology"}
    raw["metadata"] = metadata
    raw["spec"] |= yaml.safe_load(block)
    read = read_workflow(raw, unknown="forbid")
    assert isinstance(read, HealthcareWorkflow), [one.message("example") for one in read]
    return read.spec.secrets


def source(spec: SecretSpec) -> str:
    """What the first column of the table calls its source."""
    if spec.source.database:
        return f"`database`, `{spec.source.database.strategy}`"
    return f"`{spec.engine[0].lower()}{spec.engine[1:]}`"


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_an_example_is_accepted_as_it_stands(block: str) -> None:
    assert len(specs(block)) == 1


def test_every_source_has_an_example() -> None:
    shown = {spec.engine for block in BLOCKS for spec in specs(block)}
    assert shown == set(Engine) - {Engine.TOKEN}


@pytest.mark.parametrize("engine", sorted(set(Engine) - {Engine.TOKEN}))
def test_every_source_has_an_example_of_a_few_lines(engine: Engine) -> None:
    lengths = [len(block.splitlines()) for block in BLOCKS if specs(block)[0].engine is engine]
    assert min(lengths) <= 6


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_the_table_names_the_files_that_pods_see(block: str) -> None:
    [spec] = specs(block)
    if spec.engine in (Engine.KV_GENERATED, Engine.KV_SYNCED):
        return
    files = " ".join(f"`{key}`" for key in keys_of(spec)) or "none"
    line = next(line for line in TEXT.splitlines() if line.startswith(f"| {source(spec)} |"))
    assert files in line


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_the_table_tells_the_defaults(block: str) -> None:
    [spec] = specs(block)
    plain = spec.model_copy(update={"rotation": Rotation()})
    line = next(line for line in TEXT.splitlines() if line.startswith(f"| {source(spec)} |"))
    hours = re.search(r" (\d+)h ", line)
    if spec.engine is Engine.PKI:
        assert "two thirds of `ttl`" in line
    elif spec.engine is not Engine.KV_SYNCED:
        assert hours
        assert times_of(plain).every == timedelta(hours=int(hours[1]))


def test_the_reasons_that_the_page_names_are_reasons() -> None:
    named = set(re.findall(r"`((?:Secret|Source|Rotation|Authority)[A-Z]\w+)`", TEXT))
    assert named
    assert named <= {one.value for one in Reason}


def test_the_ledger_is_called_as_the_api_server_calls_it() -> None:
    assert f"kubectl get {CREDENTIAL_SHORT} -n" in TEXT
    assert f"`{CREDENTIAL_KIND}`" in TEXT
