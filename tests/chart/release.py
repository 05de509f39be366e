# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Wardkeeper installed in a test cluster by Helm; the operator is a process beside its pods.

The pods of the release are simulated: they become ready and do nothing. The operator runs on this
machine as the ServiceAccount of the release, with the rights that the release gave it.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import yaml

from tests.chart.rendering import CHART, program
from tests.cluster.access import RESTRICTED
from tests.cluster.installation import NAMESPACE, Installation
from tests.cluster.tools import CLIENTS
from tests.cluster.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.access import ClusterAccess
    from tests.cluster.tools import Tool

NAME = "wardkeeper"
DEFINITIONS = ("healthcareworkflows.wardkeeper.io", "issuedcredentials.wardkeeper.io")


class HelmError(RuntimeError):
    """Helm ended with an error; the message is what it said."""


class Release(Installation):
    """A release of the chart and an operator; a context manager that ends the operator."""

    def __init__(
        self,
        cluster: ClusterAccess,
        *,
        chart: Path = CHART,
        values: dict[str, Any] | None = None,
        helm: Tool = CLIENTS,
        **more: Any,
    ) -> None:
        """Say what is wanted; nothing is done yet.

        Args:
            cluster: a running cluster of level `simulated`.
            chart: folder or package.
            values: of the release.
            helm: where it is.
            more: as for an installation from manifests.
        """
        super().__init__(cluster, **more)
        self._chart = chart
        self._values = values or {}
        self._helm = program("helm", helm)

    def install(self) -> None:
        """Install the release, wait until its kinds are served, set OpenBao up."""
        if not self.cluster.get("namespace", NAMESPACE):
            labels = {"name": NAMESPACE, "labels": RESTRICTED}
            self.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": labels})
        self.upgrade(self._chart, self._values)
        for name in DEFINITIONS:
            until(lambda name=name: self.cluster.serves(name), f"{name} is served")  # type: ignore[misc]
        if self._vault:
            self.bootstrap_vault()

    def upgrade(self, chart: Path, values: dict[str, Any] | None = None) -> str:
        """Install the chart or upgrade to it, and wait until its pods are ready; what helm said."""
        return self.helm(
            *("upgrade", NAME, str(chart), "--install", "--wait", "--timeout=90s"),
            *("--reset-values", "--values=-"),
            stdin=yaml.safe_dump(values or {}),
        )

    def roll_back(self) -> str:
        """Go back to the revision before; what helm said."""
        return self.helm("rollback", NAME, "--wait", "--timeout=90s")

    def uninstall(self, *, wait: bool = True) -> str:
        """Remove the release; what helm said.

        Args:
            wait: until everything that is to go is gone, for a minute at most.
        """
        return self.helm("uninstall", NAME, "--timeout=60s", *(["--wait"] if wait else []))

    def helm(self, *arguments: str, stdin: str = "") -> str:
        """Run helm as the admin in the operator's namespace; its output.

        Raises:
            HelmError: it did not end with 0.
        """
        kubeconfig = f"--kubeconfig={self.cluster.kubeconfig()}"
        done = subprocess.run(
            [self._helm, kubeconfig, f"--namespace={NAMESPACE}", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=110,
            env={"HOME": str(self.cluster.folder), "PATH": "/usr/bin:/bin"},
        )
        if done.returncode:
            raise HelmError(f"helm {arguments[0]}: {done.stderr.strip()}")
        return done.stdout
