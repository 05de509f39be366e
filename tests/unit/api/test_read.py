# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Reading accepts what the API server accepts, refuses what it refuses, and never raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.api.samples.sample import DEPLOYMENT, Sample
from tests.unit.api.samples.table import ACCEPTED, REFUSED
from wardkeeper.api.read import read_workflow
from wardkeeper.api.workflow import HealthcareWorkflow

if TYPE_CHECKING:
    from wardkeeper.api.problem import Problem


def _problems(raw: dict[str, Any]) -> tuple[Problem, ...]:
    read = read_workflow(raw, unknown="forbid")
    assert not isinstance(read, HealthcareWorkflow), "it was accepted"
    return read


@pytest.mark.parametrize("sample", ACCEPTED, ids=lambda sample: sample.name)
def test_a_good_workflow_is_read(sample: Sample) -> None:
    read = read_workflow(sample.raw(), unknown="forbid")
    assert isinstance(read, HealthcareWorkflow), read


@pytest.mark.parametrize("sample", REFUSED, ids=lambda sample: sample.name)
def test_a_bad_workflow_is_refused_with_the_field_and_the_remedy(sample: Sample) -> None:
    field = sample.field or "metadata.name"
    said = [one.wanted + one.found for one in _problems(sample.raw()) if one.field == field]
    wanted = sample.reads or sample.says
    assert any(wanted in one for one in said), _problems(sample.raw())
