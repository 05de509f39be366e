# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The labels that are known of a workflow's pods are those that its template carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from tests.component.workflows import cron_job, job, small
from tests.unit.render.workflows import workflows
from wardkeeper.api.read import read_workflow
from wardkeeper.api.workflow import HealthcareWorkflow
from wardkeeper.engine.pod_labels import any_labels_of, labels_of
from wardkeeper.policy.judge import judge
from wardkeeper.policy.selector import read_selector
from wardkeeper.render.children import render
from wardkeeper.render.surroundings import Surroundings

if TYPE_CHECKING:
    from wardkeeper.policy.selector import PodLabels

CLASS = "wardkeeper.io/data-class"


def read(raw: dict[str, Any]) -> HealthcareWorkflow:
    raw["metadata"] |= {"uid": "u", "generation": 1}
    found = read_workflow(raw)
    assert isinstance(found, HealthcareWorkflow), found
    return found


def selects(labels: PodLabels, key: str, operator: str, *values: str) -> bool:
    one = {"key": key, "operator": operator, "values": list(values)}
    return read_selector({"matchExpressions": [one]}).may_select(labels)


@given(workflows())
def test_what_is_known_is_what_the_template_carries(workflow: HealthcareWorkflow) -> None:
    verdict = judge(workflow, lambda *_: True)
    workload = render(workflow, verdict, Surroundings(version="1"), macs={}).workload
    spec = workload["spec"].get("jobTemplate", workload)["spec"]
    carried = spec["template"]["metadata"]["labels"]
    assert labels_of(workflow, runs=True).written == carried
    known = labels_of(workflow, runs=False).written
    assert known == {key: value for key, value in carried.items() if key != CLASS}


@given(workflows())
def test_what_may_select_a_workflow_may_select_any_of_its_name(
    workflow: HealthcareWorkflow,
) -> None:
    labels, some = labels_of(workflow, runs=True), any_labels_of(workflow.metadata.name)
    assert some.written.items() <= labels.written.items()
    keys = {*some.written, *some.perhaps}
    assert {*labels.written, *labels.added, *labels.perhaps} <= keys


@pytest.mark.parametrize(
    ("made", "key", "values", "selected"),
    [
        (small("router"), "pod-template-hash", ("5d4f",), True),
        (small("router"), "job-name", ("router",), False),
        (job("backfill"), "job-name", ("backfill",), True),
        (job("backfill"), "batch.kubernetes.io/job-name", ("import",), False),
        (job("backfill"), "controller-uid", ("0e0c",), True),
        (job("backfill"), "pod-template-hash", ("5d4f",), False),
        (cron_job("export"), "batch.kubernetes.io/job-name", ("export-29",), True),
        (cron_job("export"), "job-name", ("import-29",), False),
        (cron_job("export"), "batch.kubernetes.io/controller-uid", ("0e0c",), True),
        (small("router"), CLASS, ("PHI",), True),
        (small("router"), CLASS, ("None",), False),
    ],
)
def test_what_kubernetes_adds_to_the_pods_of_each_kind_counts(
    made: dict[str, Any], key: str, values: tuple[str, ...], selected: bool
) -> None:
    assert selects(labels_of(read(made), runs=True), key, "In", *values) is selected


def test_what_a_node_may_give_to_its_pods_may_be_there_or_not() -> None:
    labels = labels_of(read(small("router")), runs=True)
    for operator in ("Exists", "DoesNotExist"):
        assert selects(labels, "topology.kubernetes.io/zone", operator)


def test_the_class_that_kept_pods_had_before_a_change_is_not_ruled_out() -> None:
    assert selects(labels_of(read(small("router")), runs=False), CLASS, "In", "None")
