# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The chart's own suites, in charts/wardkeeper/tests, by helm-unittest."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.chart.rendering import CHART, program
from tests.cluster.build import ensure
from tests.cluster.progress import Report
from tests.cluster.tools import HELM_UNITTEST

if TYPE_CHECKING:
    from pathlib import Path


def unittest(chart: Path) -> tuple[int, str]:
    """Exit code and output of helm-unittest."""
    program = ensure(HELM_UNITTEST, Report()) / "helm-unittest"
    done = subprocess.run(
        [str(program), "--strict", str(chart)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def test_every_suite_of_the_chart_passes() -> None:
    code, said = unittest(CHART)
    assert code == 0, said
    suites = re.search(r"Test Suites: (\d+) passed", said)
    assert suites, said
    assert int(suites[1]) == len(list((CHART / "tests").glob("*_test.yaml")))


@pytest.mark.parametrize("values", [(), ("values-best-practice.yaml",)], ids=["default", "best"])
def test_helm_finds_nothing_to_complain_of(values: tuple[str, ...]) -> None:
    command = [program("helm"), "lint", "--strict", str(CHART)]
    command += [f"--values={CHART / name}" for name in values]
    if values:  # lint knows no cluster, so nothing of Prometheus Operator
        command += [f"--set={one}.enabled=false" for one in ("serviceMonitor", "prometheusRule")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_template_is_in_a_suite() -> None:
    suites = "\n".join(file.read_text() for file in (CHART / "tests").glob("*_test.yaml"))
    templates = [
        str(file.relative_to(CHART / "templates")) for file in (CHART / "templates").rglob("*.yaml")
    ]
    assert [one for one in templates if one not in suites] == []


def test_a_changed_template_fails_so_that_the_suites_can_fail(tmp_path: Path) -> None:
    chart = tmp_path / "wardkeeper"
    shutil.copytree(CHART, chart)
    file = chart / "templates" / "deployment.yaml"
    file.write_text(file.read_text().replace("imagePullPolicy", "imagePolicy"))
    code, said = unittest(chart)
    assert code == 1
    assert "runs two replicas" in said
