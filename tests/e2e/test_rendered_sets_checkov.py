# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Every golden set of children, put before checkov: nothing failed, and nothing skipped.

No check is switched off. Checks that checkov itself does not apply to these kinds (probes of a
CronJob or Job, PodSecurityPolicy, flags of the control plane) are not in its count.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.e2e.checkov import failed, findings, program
from tests.unit.render.golden import Case, all_cases

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def checkov() -> Path:
    """The program of checkov."""
    return program()


def test_every_set_passes_checkov_with_nothing_failed_and_nothing_skipped(
    checkov: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "sets"
    folder.mkdir()
    for case in all_cases():
        shutil.copy(case.expected, folder / f"{case.name}.yaml")
    found = findings(checkov, folder)
    summary = found["summary"]
    assert failed(found) == []
    assert (summary["skipped"], summary["parsing_errors"]) == (0, 0)
    assert summary["passed"] > 500


def test_a_weakened_set_fails_so_that_the_check_can_fail(checkov: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sets"
    folder.mkdir()
    workload = Case("lab-results-router").render().workload
    del workload["spec"]["template"]["spec"]["containers"][0]["securityContext"]
    (folder / "weak.yaml").write_text(yaml.safe_dump(workload))
    ids = {one.partition(" ")[0] for one in failed(findings(checkov, folder))}
    assert {"CKV_K8S_20", "CKV_K8S_22", "CKV_K8S_30", "CKV2_K8S_6"} <= ids
