# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What the process shows of itself: probes, metrics, log lines, and settings that it refuses."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import requests

from tests.cluster.waiting import until
from tests.component.workflows import cron_job

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.stage import Obj, Stage
    from tests.e2e.stories import Place

METRICS = (
    "controller_runtime_active_workers",
    "controller_runtime_max_concurrent_reconciles",
    "controller_runtime_reconcile_errors_total",
    "controller_runtime_reconcile_time_seconds_bucket",
    "controller_runtime_reconcile_total",
    "leader_election_master_status",
    "process_resident_memory_bytes",
    "rest_client_request_duration_seconds_bucket",
    "rest_client_requests_total",
    "wardkeeper_drift_repaired_total",
    "wardkeeper_ready_seconds_bucket",
    "workqueue_adds_total",
    "workqueue_depth",
    "workqueue_longest_running_processor_seconds",
    "workqueue_queue_duration_seconds_bucket",
    "workqueue_retries_total",
    "workqueue_unfinished_work_seconds",
    "workqueue_work_duration_seconds_bucket",
)


def test_probes_say_that_loop_watches_and_caches_are_well(stage: Stage, place: Place) -> None:
    place.create(cron_job("export"))
    place.until_ready("export")
    for path, checks in (("healthz", ("loop", "watches")), ("readyz", ("caches",))):
        answer = requests.get(f"{stage.operator.address}/{path}", timeout=5)
        assert answer.status_code == 200
        assert all(f"[+] {check}: ok" in answer.text for check in checks)


def test_metrics_have_the_names_that_dashboards_know(stage: Stage, place: Place) -> None:
    place.create(cron_job("export"))
    place.until_ready("export")
    place.delete("NetworkPolicy", "export-deny")
    place.until_event("export", "DriftRepaired")
    found = {name.partition("{")[0] for name in stage.operator.metrics()}
    assert set(METRICS) <= found


def test_log_lines_are_json_and_name_the_workflow_and_the_pass(stage: Stage, place: Place) -> None:
    before = stage.operator.log.stat().st_size
    raw = cron_job("export")
    raw["spec"]["workload"]["timeZone"] = "Nowhere/Atlantis"
    uid = place.create(raw)["metadata"]["uid"]
    place.until_told("export", "Stalled", "SpecInvalid")
    place.delete("HealthcareWorkflow", "export")

    def about() -> list[Obj]:
        return [line for line in stage.operator.said(before) if line.get("uid") == uid]

    lines = until(about, "a pass over it left a line")
    said = stage.operator.said(before)
    assert all({"time", "level", "logger", "msg"} <= line.keys() for line in said)
    for line in lines:
        assert line["namespace"] == place.namespace
        assert line["name"] == "export"
        assert line["generation"] == 1
        assert line["reconcileID"]


def test_an_unknown_setting_is_refused_before_anything_starts(tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text("logging: {level: info, colour: green}\n")
    code, said = start(f"--settings={settings}")
    assert code == 2
    assert "logging.colour" in said


def test_an_unknown_setting_in_a_flag_is_refused_and_a_wrong_value_is_named() -> None:
    code, said = start("--set=http.prot=8081")
    assert (code, "http.prot" in said) == (2, True)
    code, said = start("--set=http.port=many")
    assert (code, "http.port" in said) == (2, True)


def test_a_kubeconfig_that_is_not_there_is_refused(tmp_path: Path) -> None:
    code, said = start(f"--kubeconfig={tmp_path / 'none'}")
    assert (code, "none" in said) == (2, True)


def start(*arguments: str) -> tuple[int, str]:
    """Start the operator where it must end by itself; its exit code and what it said."""
    command = [sys.executable, "-m", "wardkeeper.shell.main", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return ended.returncode, ended.stderr
