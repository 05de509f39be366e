# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Every golden set of children, put before checkov: nothing failed, and nothing skipped.

No check is switched off. Checks that checkov itself does not apply to these kinds (probes of a
CronJob or Job, PodSecurityPolicy, flags of the control plane) are not in its count.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.render.golden import Case, all_cases

_OPTIONS = [
    *("--framework", "kubernetes", "--compact", "--quiet"),
    *("--skip-download", "--output", "json"),
]


@pytest.fixture(scope="module")
def checkov() -> Path:
    """The program of checkov, which lives in an environment of its own."""
    path = os.environ.get("WARDKEEPER_CHECKOV", "")
    if not path or not Path(path).exists():
        missing = (
            f"checkov is not at WARDKEEPER_CHECKOV={path!r}; `make test` prepares and names it"
        )
        if os.environ.get("CI") or os.environ.get("E2E_REQUIRE"):
            pytest.fail(missing)
        pytest.skip(missing)
    return Path(path)


def _findings(checkov: Path, folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [str(checkov), "-d", str(folder), *_OPTIONS],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(folder.parent)},
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_set_passes_checkov_with_nothing_failed_and_nothing_skipped(
    checkov: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "sets"
    folder.mkdir()
    for case in all_cases():
        shutil.copy(case.expected, folder / f"{case.name}.yaml")
    found = _findings(checkov, folder)
    summary = found["summary"]
    failed = [f"{one['check_id']} {one['resource']}" for one in found["results"]["failed_checks"]]
    assert failed == []
    assert (summary["skipped"], summary["parsing_errors"]) == (0, 0)
    assert summary["passed"] > 500


def test_a_weakened_set_fails_so_that_the_check_can_fail(checkov: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sets"
    folder.mkdir()
    workload = Case("lab-results-router").render().workload
    del workload["spec"]["template"]["spec"]["containers"][0]["securityContext"]
    (folder / "weak.yaml").write_text(yaml.safe_dump(workload))
    failed = {one["check_id"] for one in _findings(checkov, folder)["results"]["failed_checks"]}
    assert {"CKV_K8S_20", "CKV_K8S_22", "CKV_K8S_30", "CKV2_K8S_6"} <= failed
