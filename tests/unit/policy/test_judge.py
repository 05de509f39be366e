# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The judgement on a workflow: schedules, time zones, and peers that are not there."""

from __future__ import annotations

from typing import Any

import pytest

from wardkeeper.api.reasons import Reason
from wardkeeper.api.status import EndpointState
from wardkeeper.api.workflow import HealthcareWorkflow
from wardkeeper.policy.judge import judge
from wardkeeper.policy.verdict import Problem, Verdict

_CONTAINER = {
    "name": "app",
    "image": "registry.example.org/app@sha256:" + "a" * 64,
    "ports": [{"name": "web", "port": 8080}],
    "resources": {
        "requests": {"cpu": "1", "memory": "1Mi"},
        "limits": {"cpu": "1", "memory": "1Mi"},
    },
}


def _workflow(workload: dict[str, Any] | None = None, **spec: Any) -> HealthcareWorkflow:
    return HealthcareWorkflow.model_validate(
        {
            "metadata": {"name": "hub", "namespace": "radiology"},
            "spec": {
                "owner": {"team": "t", "contact": "t@example.org"},
                "phi": {"classification": "PHI"},
                "workload": {"kind": "Job", "containers": [_CONTAINER], **(workload or {})},
                **spec,
            },
        }
    )


def _cron_job(**workload: Any) -> HealthcareWorkflow:
    return _workflow({"kind": "CronJob", "schedule": "30 2 * * *", **workload})


def _nobody(namespace: str, name: str) -> bool:
    return False


def _everybody(namespace: str, name: str) -> bool:
    return True


def test_a_workflow_without_schedule_and_peers_has_no_problem() -> None:
    assert judge(_workflow(), _nobody) == Verdict()


@pytest.mark.parametrize("zone", ["America/New_York", "Etc/UTC", "UTC", "Asia/Kolkata"])
def test_a_known_time_zone_is_taken(zone: str) -> None:
    assert not judge(_cron_job(timeZone=zone), _nobody).problems


@pytest.mark.parametrize("zone", ["America/Ney_York", "localtime", "utc+2"])
def test_an_unknown_time_zone_is_named_with_its_field_and_the_remedy(zone: str) -> None:
    (problem,) = judge(_cron_job(timeZone=zone), _nobody).problems
    said = problem.message("HealthcareWorkflow/hub")
    assert said.startswith(f"HealthcareWorkflow/hub: spec.workload.timeZone is '{zone}'")
    assert "write it like America/New_York" in said


def test_a_schedule_that_never_comes_is_named_with_its_field_and_the_reason() -> None:
    (problem,) = judge(_cron_job(schedule="0 0 31 4 *"), _nobody).problems
    assert problem.field == "spec.workload.schedule"
    assert "'0 0 31 4 *'" in problem.found
    assert "never runs" in problem.found
    assert "30 2 * * *" in problem.wanted


def test_every_problem_is_told_at_once() -> None:
    wrong = judge(_cron_job(schedule="20-10 * * * *", timeZone="Mars/Olympus"), _nobody)
    assert [one.field for one in wrong.problems] == [
        "spec.workload.schedule",
        "spec.workload.timeZone",
    ]


_CONNECTION = {"host": "db.example.org", "database": "labs"}


def _secret(name: str, source: dict[str, Any], *zones: str) -> dict[str, Any]:
    windows = [{"days": ["Mon"], "from": "06:00", "to": "20:00", "timeZone": z} for z in zones]
    return {"name": name, "source": source, "rotation": {"windows": windows}}


def _database(role: str, strategy: str = "Dynamic") -> dict[str, Any]:
    return {"database": {"role": role, "strategy": strategy, "connection": _CONNECTION}}


def test_the_zone_of_every_freeze_window_has_to_exist() -> None:
    generated = {"kvGenerated": {"fields": [{"name": "password"}]}}
    secrets = [
        _secret("a", generated, "Etc/UTC"),
        _secret("b", generated, "Asia/Kolkata", "Mars/Olympus"),
    ]
    (problem,) = judge(_workflow(secrets=secrets), _nobody).problems
    assert problem.field == "spec.secrets[1].rotation.windows[1].timeZone"
    assert "'Mars/Olympus'" in problem.found
    assert "write it like America/New_York" in problem.wanted


@pytest.mark.parametrize(
    ("one", "another", "field"),
    [
        (_database("labs"), _database("labs", "Static"), "database.role"),
        (_database("labs"), _database("labs"), "database.role"),
        ({"transit": {"key": "labs"}}, {"transit": {"key": "labs"}}, "transit.key"),
    ],
)
def test_two_secrets_that_would_rotate_the_same_thing_are_refused(
    one: dict[str, Any], another: dict[str, Any], field: str
) -> None:
    secrets = [_secret("a", one), _secret("b", _database("other")), _secret("c", another)]
    (problem,) = judge(_workflow(secrets=secrets), _nobody).problems
    assert problem.field == f"spec.secrets[2].source.{field}"
    assert problem.found == "'labs', which secret a names as well"
    assert "one of its own for each secret" in problem.wanted


def test_a_role_and_a_key_may_have_one_name() -> None:
    secrets = [_secret("a", _database("labs")), _secret("b", {"transit": {"key": "labs"}})]
    assert not judge(_workflow(secrets=secrets), _nobody).problems


@pytest.mark.parametrize("name", ["hub.radiology.svc", "a.hub.radiology.svc"])
def test_a_certificate_may_have_names_of_its_workflow(name: str) -> None:
    secrets = [_secret("a", {"pki": {"dnsNames": [name]}})]
    assert not judge(_workflow(secrets=secrets), _nobody).problems


@pytest.mark.parametrize(
    "name",
    ["other.radiology.svc", "hub.claims.svc", "nohub.radiology.svc", "fhir.example.org", "svc"],
)
def test_a_certificate_cannot_be_asked_for_in_the_name_of_somebody_else(name: str) -> None:
    secrets = [_secret("a", {"pki": {"dnsNames": ["a.hub.radiology.svc", name]}})]
    (problem,) = judge(_workflow(secrets=secrets), _nobody).problems
    assert problem.field == "spec.secrets[0].source.pki.dnsNames[1]"
    assert repr(name) in problem.found
    assert "write it like a.hub.radiology.svc" in problem.wanted


def test_an_endpoint_to_a_workflow_that_does_not_exist_is_closed_and_says_why() -> None:
    workflow = _workflow(
        endpoints=[
            {"name": "next", "kind": "HTTPS", "workflow": {"name": "archive"}, "port": 443},
            {
                "name": "db",
                "kind": "Database",
                "pods": {"matchLabels": {"app": "db"}},
                "port": 5432,
            },
        ]
    )
    verdict = judge(workflow, _nobody)
    closed, opened = verdict.endpoints
    assert (closed.name, closed.state, closed.reason) == (
        "next",
        EndpointState.CLOSED,
        Reason.PEER_MISSING,
    )
    assert "radiology/archive" in closed.message
    assert (opened.name, opened.state) == ("db", EndpointState.OPEN)
    assert verdict.open_endpoints() == {"db"}
    assert not verdict.problems


def test_an_endpoint_to_a_workflow_that_exists_is_open() -> None:
    endpoint = {
        "name": "next",
        "kind": "HTTPS",
        "workflow": {"name": "export", "namespace": "claims"},
        "port": 443,
    }
    verdict = judge(_workflow(endpoints=[endpoint]), lambda *found: found == ("claims", "export"))
    assert verdict.open_endpoints() == {"next"}
    assert verdict.missing_peers == ()


def test_missing_peers_are_told_once_each_whether_they_come_in_or_are_reached() -> None:
    workflow = _workflow(
        network={
            "ingress": [
                {"name": "a", "workflow": {"name": "intake"}, "ports": ["web"]},
                {"name": "b", "workflow": {"name": "intake", "namespace": "er"}, "ports": ["web"]},
                {"name": "c", "cidr": "10.1.0.0/16", "ports": ["web"]},
            ]
        },
        endpoints=[
            {"name": "back", "kind": "HTTPS", "workflow": {"name": "intake"}, "port": 443},
        ],
    )
    assert judge(workflow, _nobody).missing_peers == ("er/intake", "radiology/intake")
    assert judge(workflow, _everybody).missing_peers == ()


def test_a_problem_reads_as_one_sentence_with_subject_field_found_and_wanted() -> None:
    problem = Problem("spec.x", "'1'", "x must be 2")
    assert problem.message("Kind/name") == "Kind/name: spec.x is '1'; x must be 2"
