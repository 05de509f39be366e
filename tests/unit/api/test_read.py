# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Reading accepts what the API server accepts, refuses what it refuses, and never raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.api.samples.largest import largest
from tests.unit.api.samples.sample import DEPLOYMENT, Sample
from tests.unit.api.samples.table import ACCEPTED, REFUSED
from wardkeeper.api.read import read_workflow
from wardkeeper.api.status import WorkflowStatus
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


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
MEMBERS = st.sampled_from(
    (
        "metadata",
        "spec",
        "spec.owner",
        "spec.workload",
        "spec.workload.containers",
        "spec.workload.containers[0].env",
        "spec.workload.containers[0].probes",
        "spec.access.rules",
        "spec.network",
        "spec.endpoints",
        "spec.endpoints[0].cidrs",
        "spec.secrets[0].rotation",
        "status",
    )
)


@given(MEMBERS, JSON)
def test_reading_answers_for_whatever_stands_anywhere(member: str, value: Any) -> None:
    read = read_workflow(Sample("", {member: value}).raw())
    if not isinstance(read, HealthcareWorkflow):
        assert read
        assert all(isinstance(problem.message("it"), str) for problem in read)


def test_an_unknown_field_of_a_newer_definition_does_not_hinder() -> None:
    raw = Sample("", {"spec.future": 1, "spec.owner.pager": "x"}).raw()
    assert isinstance(read_workflow(raw), HealthcareWorkflow)


def test_a_status_of_another_shape_counts_as_none() -> None:
    read = read_workflow({**DEPLOYMENT, "status": {"observedGeneration": "seven"}})
    assert isinstance(read, HealthcareWorkflow)
    assert read.status == WorkflowStatus()


def test_names_of_python_are_no_names_of_the_api() -> None:
    raw = Sample("", {"spec.workload.init_containers": []}).raw()
    assert [problem.field for problem in _problems(raw)] == ["spec.workload.init_containers"]


def test_free_text_is_never_repeated() -> None:
    secret = "hunter2-" + "x" * 4096
    env = [{"name": "PASSWORD", "value": secret}]
    raw = Sample("", {"spec.workload.containers[0].env": env}).raw()
    raw["spec"]["workload"]["containers"][0]["args"] = [secret]
    problems = _problems(raw)
    assert [problem.field for problem in problems] == [
        "spec.workload.containers[0].args[0]",
        "spec.workload.containers[0].env[0].value",
    ]
    assert not [problem for problem in problems if "hunter2" in problem.message("it")]


def test_a_value_of_the_wrong_type_is_not_repeated_either() -> None:
    env = [{"name": "PIN", "value": 123456}]
    (problem,) = _problems(Sample("", {"spec.workload.containers[0].env": env}).raw())
    assert problem.message("HealthcareWorkflow/router") == (
        "HealthcareWorkflow/router: spec.workload.containers[0].env[0].value is a number; write a "
        "text, in quotes where it looks like something else"
    )


def test_a_list_is_not_called_short_because_its_entries_are_wrong() -> None:
    raw = Sample("", {"spec.workload.containers[0].image": 7}).raw()
    assert [problem.field for problem in _problems(raw)] == ["spec.workload.containers[0].image"]


def test_every_problem_is_named_at_once() -> None:
    raw = Sample("", {"spec.mode": "Dry", "spec.endpoints[0].port": 0, "metadata": {}}).raw()
    assert [problem.field for problem in _problems(raw)] == [
        "metadata.name",
        "metadata.namespace",
        "spec.mode",
        "spec.endpoints[0].port",
    ]


def test_the_largest_workflow_is_read() -> None:
    assert isinstance(read_workflow(largest(), unknown="forbid"), HealthcareWorkflow)
