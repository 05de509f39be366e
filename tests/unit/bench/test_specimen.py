# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The floor writes what the operator writes."""

from __future__ import annotations

from collections import Counter

import orjson
import pytest

from tests.bench.audit import Target, Write, tally
from tests.bench.batch import Prepared, is_ready
from tests.bench.converge import account, between
from tests.bench.edits import KINDS, Mischief, content, patch
from tests.bench.specimen import SETTINGS, SURROUNDINGS, UID, Specimen
from wardkeeper.settings import load_settings
from wardkeeper.settings.surroundings import from_settings

SPECIMEN = Specimen("radiology", "wf-0001")


def test_a_cron_job_has_six_children_and_needs_seven_writes() -> None:
    kinds = Counter(child["kind"] for child in SPECIMEN.children())
    assert kinds == Counter([*KINDS, "NetworkPolicy"])
    targets = list(SPECIMEN.targets())
    assert len(set(targets)) == 7
    assert targets[-1] == Target("healthcareworkflows/status", "radiology", "wf-0001")


def test_a_deployment_has_a_service_too() -> None:
    children = Specimen("radiology", "wf", "Deployment").children()
    assert [child["kind"] for child in children][-2:] == ["Service", "Deployment"]


def test_a_specimen_with_a_secret_still_has_the_same_children() -> None:
    supplied = SPECIMEN._replace(secret="db")
    kinds = [child["kind"] for child in supplied.children()]
    assert kinds == [child["kind"] for child in SPECIMEN.children()]
    assert supplied.manifest()["spec"]["secrets"][0]["name"] == "db"
    assert "secrets" not in SPECIMEN.manifest()["spec"]


def test_every_child_names_the_uid_that_the_floor_puts_in() -> None:
    assert all(UID in orjson.dumps(child).decode() for child in SPECIMEN.children())


def test_the_status_says_ready_for_the_first_generation() -> None:
    workflow = {"metadata": {"generation": 1}, "status": SPECIMEN.status()}
    assert is_ready(workflow)
    assert not is_ready({**workflow, "metadata": {"generation": 2}})


def test_the_operator_is_told_the_surroundings_that_the_floor_assumes() -> None:
    settings = load_settings(None, ['network.apiServer={"cidrs":["10.96.0.1/32"],"ports":[443]}'])
    assert SETTINGS["network"]["apiServer"] == {"cidrs": ["10.96.0.1/32"], "ports": [443]}
    assert from_settings(settings).api_server == SURROUNDINGS.api_server


def test_the_binding_and_the_workload_are_no_parallel_guards() -> None:
    prepared = Prepared(SPECIMEN)
    assert len(prepared.guards) == 4
    assert "/rolebindings/wf-0001?" in prepared.binding[0]
    assert "/cronjobs/wf-0001?" in prepared.workload[0]


def test_writes_are_held_against_what_each_workflow_needs() -> None:
    other = Specimen("radiology", "wf-0002")
    stray = Target("events", "radiology", "wf-0001.17")
    targets = [*SPECIMEN.targets(), *list(other.targets())[:-1], stray]
    written = tally(Write("wardkeeper/1", "", "patch", target, 200) for target in targets)
    assert account(written, [SPECIMEN, other]) == (7, 6, 7, 1)


def test_the_floor_between_two_turns_is_that_of_both_batches_together() -> None:
    assert between(20, 60) == pytest.approx(30)


@pytest.mark.parametrize("kind", KINDS)
def test_a_child_can_be_loosened_and_unlabelled(kind: str) -> None:
    assert patch(kind, Mischief.LOOSEN)
    (op,) = patch(kind, Mischief.UNLABEL)
    assert op["path"] == "/metadata/labels/app.kubernetes.io~1managed-by"


def test_a_deletion_is_no_patch() -> None:
    with pytest.raises(ValueError, match="no patch"):
        patch("Role", Mischief.DELETE)


def test_content_is_what_the_operator_answers_for() -> None:
    ours = {"app.kubernetes.io/name": "wf", "wardkeeper.io/workflow": "wf"}
    role = {
        "kind": "Role",
        "metadata": {"uid": "1", "resourceVersion": "7", "labels": {**ours, "example.org/x": "y"}},
        "rules": [],
        "status": {"seen": True},
    }
    again = {"kind": "Role", "metadata": {"uid": "2", "labels": ours}, "rules": []}
    assert content(role) == content(again)
    assert content(role) != content({**again, "rules": [{}]})
    assert content(role) != content({**again, "metadata": {"labels": {}}})
