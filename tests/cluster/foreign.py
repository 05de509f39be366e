# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A cluster that is not ours: one the user has given us with consent, or kind's.

People are played by impersonation, since its authority's key is not ours. Nothing is left in it
but what tests themselves leave in their own namespaces.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.cluster.access import ClusterAccess, CommandFailedError
from tests.cluster.build import ensure
from tests.cluster.configuration import SIMULATED_LABEL, kubeconfig
from tests.cluster.golang import BuildError
from tests.cluster.ground import write_document
from tests.cluster.levels import Level
from tests.cluster.runs import OPENBAO_PORTS, Run, sweep
from tests.cluster.tools import CLIENTS

if TYPE_CHECKING:
    from tests.cluster.progress import Report

KIND_NAME = "wardkeeper-e2e"


class GivenCluster(ClusterAccess):
    """The cluster of a kubeconfig's current context."""

    def __init__(self, given: Path, report: Report) -> None:
        """Nothing is asked yet; `given` is the kubeconfig."""
        super().__init__(report)
        self._given = given

    def start(self) -> None:
        """Copy the kubeconfig's current context into a folder of this run, and look around.

        Raises:
            CommandFailedError: the cluster does not answer.
        """
        sweep()
        self.kubectl_program = str(ensure(CLIENTS, self.report) / "kubectl")
        self._run = Run.begin()
        try:
            self._run.reserve(*OPENBAO_PORTS)
            self.folder = self._run.folder / "config"
            self.folder.mkdir(mode=0o700)
            self._copy()
            self.level = self._level()
            self.report.say(f"Kubernetes {self.version()} at level {self.level}: {self.server}")
        except BaseException:
            self.stop()
            raise

    def kubeconfig(self, name: str = "admin") -> Path:
        """The kubeconfig of an identity that exists: `admin`, or one made by `user`."""
        path = self.folder / f"{name}.kubeconfig"
        if not path.exists():
            raise KeyError(f"no identity {name!r}: make it with user({name!r})")
        return path

    def user(self, name: str, groups: tuple[str, ...] | list[str] = ()) -> Path:
        """The kubeconfig of a person, played by impersonation; RBAC gives them nothing yet."""
        played = {"as": name, "as-groups": [*groups, "system:authenticated"]}
        return self.write_kubeconfig(name.replace(":", "."), {**self._admin, **played})

    def write_kubeconfig(self, stem: str, user: dict[str, Any]) -> Path:
        """Write a kubeconfig of this cluster for a user section; returns its path."""
        document = kubeconfig(self.server, self.ca.read_bytes(), user)
        return write_document(self.folder / f"{stem}.kubeconfig", document)

    def _copy(self) -> None:
        view = ["config", "view", "--minify", "--raw", "--flatten", "-o", "json"]
        document = json.loads(self.kubectl(*view, kubeconfig=self._given))
        cluster = document["clusters"][0]["cluster"]
        self._admin = document["users"][0]["user"]
        self.server = cluster["server"]
        self.ca = self.folder / "ca.crt"
        self.ca.write_bytes(base64.b64decode(cluster.get("certificate-authority-data", "")))
        self.write_kubeconfig("admin", self._admin)

    def _level(self) -> Level:
        """What it offers: real nodes do not stand in for simulated ones."""
        nodes = self.items("nodes")
        if nodes and all(SIMULATED_LABEL in node["metadata"]["labels"] for node in nodes):
            return Level.SIMULATED
        if self.get("serviceaccount", "default", "default"):
            return Level.CONTROLLERS
        return Level.API


class KindCluster(GivenCluster):
    """A cluster that kind makes in containers, deleted afterwards unless E2E_KEEP=1."""

    def __init__(self, report: Report) -> None:
        """Nothing runs yet."""
        super().__init__(Path(), report)

    def start(self) -> None:
        """Make the cluster anew.

        Raises:
            BuildError: kind could not.
        """
        sweep()
        self.report.say(f"kind creates the cluster {KIND_NAME}; this takes minutes at first")
        self._kind("delete", "cluster")
        self._given = Path(tempfile.gettempdir()) / f"{KIND_NAME}.kubeconfig"
        self._kind("create", "cluster", "--wait=120s", f"--kubeconfig={self._given}")
        super().start()

    def stop(self) -> None:
        """Delete the cluster, unless it is to be kept."""
        super().stop()
        if os.environ.get("E2E_KEEP") != "1":
            self._kind("delete", "cluster")
            self._given.unlink(missing_ok=True)

    def _kind(self, *args: str) -> None:
        command = ["kind", *args, f"--name={KIND_NAME}"]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
        if result.returncode:
            raise BuildError(f"{' '.join(command)} failed:\n{result.stderr.strip()}")


def kind_answers() -> bool:
    """Whether kind is installed and Docker answers."""
    docker = shutil.which("docker")
    if docker is None or shutil.which("kind") is None:
        return False
    try:
        result = subprocess.run([docker, "info"], capture_output=True, check=False, timeout=10)
    except subprocess.TimeoutExpired:
        return False
    return result.returncode == 0


def level_of(given: Path, report: Report) -> Level | None:
    """What the cluster of a kubeconfig offers; None when it does not answer."""
    try:
        with GivenCluster(given, report) as cluster:
            return cluster.level
    except CommandFailedError as error:
        report.say(f"KUBECONFIG: {error}")
        return None
