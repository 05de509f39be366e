# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Argo CD and many people render charts with the older line of helm: it makes the same of ours."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.chart.rendering import CHART, HELM_TOOLS, MONITORING, VALUES, program, render

if TYPE_CHECKING:
    from pathlib import Path

FILES = (CHART / "values.yaml", CHART / "values-best-practice.yaml", *sorted(VALUES.iterdir()))


def test_both_lines_of_helm_are_there() -> None:
    lines = [
        subprocess.check_output([program("helm", helm), "version", "--short"], text=True)
        for helm in HELM_TOOLS
    ]
    assert [line.partition(".")[0] for line in lines] == ["v4", "v3"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_helm_renders_the_same_objects(file: Path) -> None:
    newer, older = (render(file, serves=MONITORING, tests=True, helm=helm) for helm in HELM_TOOLS)
    assert newer
    assert older == newer
