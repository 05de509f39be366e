# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Runs helm over the chart, without a cluster."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.build import ensure
from tests.cluster.progress import Report
from tests.cluster.tools import CLIENTS, OLDER_HELM, Tool

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "wardkeeper"
HELM_TOOLS = (CLIENTS, OLDER_HELM)
"""Where the versions of helm are that people install with."""
VALUES = Path(__file__).parent / "values"
NAMESPACE = "wardkeeper-system"
MONITORING = tuple(
    f"monitoring.coreos.com/v1/{kind}"
    for kind in ("ServiceMonitor", "PodMonitor", "PrometheusRule")
)
"""What a cluster with Prometheus Operator serves."""

Obj = dict[str, Any]


class RefusedError(AssertionError):
    """Helm renders nothing of these values; the text is what it says to the person."""


def program(name: str, tool: Tool = CLIENTS) -> str:
    """Path of kubectl or helm."""
    return str(ensure(tool, Report()) / name)


def render(
    *files: Path,
    values: Obj | None = None,
    serves: tuple[str, ...] = (),
    chart: Path = CHART,
    namespace: str = NAMESPACE,
    tests: bool = False,
    helm: Tool = CLIENTS,
) -> list[Obj]:
    """The objects that `helm template` makes.

    Args:
        files: files of values.
        values: further values, as they would stand in a file.
        serves: API versions with kind that the cluster would serve besides Kubernetes' own.
        chart: folder or package of the chart.
        namespace: of the release.
        tests: with what `helm test` makes.
        helm: where it is.

    Raises:
        RefusedError: helm refuses the values.
    """
    command = [program("helm", helm), "template", "wardkeeper", str(chart)]
    command += ["--namespace", namespace]
    command += [*([] if tests else ["--skip-tests"]), *(f"--api-versions={one}" for one in serves)]
    command += [f"--values={file}" for file in files]
    if values is not None:
        command += ["--values=-"]
    done = subprocess.run(
        command,
        input=yaml.safe_dump(values or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode:
        raise RefusedError(done.stderr)
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def named(objects: list[Obj], kind: str, name: str) -> Obj:
    """The one object of a kind and name."""
    (found,) = [one for one in objects if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found
