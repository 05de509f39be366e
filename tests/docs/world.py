# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Where the commands of pages are run: a real cluster, a shell, and a copy of the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from tests.chart.release import Release
from tests.cluster.build import ensure
from tests.cluster.demo import SAMPLES
from tests.cluster.installation import ACCOUNT, NAMESPACE, Installation
from tests.cluster.progress import Report
from tests.cluster.tools import CLIENTS
from tests.docs.blocks import PROJECT
from tests.docs.ways import KUBERNETES, VAULT, Way
from tests.gitops import definitions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.cluster.cluster import Cluster

DEFAULT_NAMESPACE = "radiology"
_COPIED = ("charts", "crds", "docs", "manifests", "README.md")
_LINKED = (".venv", "Makefile", "operator", "pyproject.toml", "requirements", "tests")
_PROGRAMS = ("wardkeeper", "kubectl-wardkeeper", "wardkeeper-operator")
_MAKES_OWN = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
_ASKED_BEFORE = ("give-up-before", "quarantine", "reconcile-at", "rotate-now")
_SECONDS = 300
_VALUES = {"vault": {"address": "https://vault.vault.svc:8200"}}


class CommandsFailedError(RuntimeError):
    """Commands of a page ended with an error; the message holds what they said."""


@dataclass
class World:
    """A cluster and a folder to work in.

    Attributes:
        cluster: the cluster.
        folder: the copy of the repository that commands run in; one for each page.
        operator: the operator's process, where Wardkeeper is installed.
    """

    cluster: Cluster
    folder: Path
    operator: Installation | None = None
    programs: Path = field(init=False)

    def __post_init__(self) -> None:
        """Put the programs that readers have on one path."""
        self.programs = self.cluster.folder / "programs"
        self.programs.mkdir(exist_ok=True)
        clients = ensure(CLIENTS, Report())
        targets = [clients / name for name in CLIENTS.programs]
        targets += [Path(sys.executable).parent / name for name in _PROGRAMS]
        for target in targets:
            link = self.programs / target.name
            if not link.exists():
                link.symlink_to(target)

    def prepare(self, way: Way, files: Mapping[str, str]) -> None:
        """Have everything there that a page takes for granted.

        Args:
            way: how the page is run.
            files: what the page itself shows as files, by name.
        """
        for name in _COPIED:
            source = PROJECT / name
            if source.is_dir():
                shutil.copytree(source, self.folder / name)
            elif source.exists():
                shutil.copy2(source, self.folder / name)
        for name in _LINKED:
            (self.folder / name).symlink_to(PROJECT / name)
        if way.installed:
            self._apply_samples(way)
        if way.gitops:
            self._know_gitops()
        self._kubeconfig()
        made = {name: _GIVEN[name](self.cluster) for name in way.given}
        for name, text in {**made, **files}.items():
            file = self.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def run(self, text: str, way: Way) -> str:
        """Run one block of commands; what it printed.

        Raises:
            CommandsFailedError: a command of it did not end with 0.
        """
        for example, here in way.instead.items():
            text = text.replace(example, here)
        text = text.replace(VAULT, self.cluster.openbao.address)
        text = text.replace(KUBERNETES, self.cluster.server)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
        if done.returncode:
            raise CommandsFailedError(f"exit code {done.returncode}:\n{done.stdout[-3000:]}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        outer = {name: value for name, value in os.environ.items() if name not in _MAKES_OWN}
        cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        bao = self.cluster.openbao
        return {
            **outer,
            "HOME": str(self.folder / ".home"),
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "XDG_CACHE_HOME": cache,
            "KUBECONFIG": str(self.folder / "kubeconfig"),
            "VAULT_ADDR": bao.address,
            "VAULT_TOKEN": bao.root_token,
            "NO_COLOR": "1",
        }

    def _kubeconfig(self) -> None:
        document = yaml.safe_load(self.cluster.kubeconfig().read_text())
        document["contexts"][0]["context"]["namespace"] = DEFAULT_NAMESPACE
        file = self.folder / "kubeconfig"
        file.touch(mode=0o600)
        file.write_text(yaml.safe_dump(document))
        (self.folder / ".home").mkdir()

    def _apply_samples(self, way: Way) -> None:
        self._have_operator(way)
        self.cluster.kubectl("apply", "-f", str(PROJECT / "manifests" / "samples"))
        asked = [f"wardkeeper.io/{name}-" for name in _ASKED_BEFORE]
        for name, namespace in SAMPLES.items():
            self.cluster.kubectl("annotate", f"hcw/{name}", *asked, "-n", namespace)
            waiting = ("wait", f"hcw/{name}", "--for=condition=Ready", "--timeout=55s")
            self.cluster.kubectl(*waiting, "-n", namespace)

    def _have_operator(self, way: Way) -> None:
        """Have Wardkeeper installed as a reader does it, and its operator run."""
        if self.operator is None and way.helm:
            self.operator = Release(self.cluster, values=_VALUES)
            self.operator.install()
        if self.operator is None:
            operator = Installation(self.cluster)
            operator.install()
            overlay = str(PROJECT / "manifests" / "overlays" / "cluster-install")
            self.cluster.kubectl("apply", "--server-side", "--force-conflicts", "-k", overlay)
            self.operator = operator
        if self.operator.process is None or self.operator.process.identity is None:
            self.operator.start()

    def _know_gitops(self) -> None:
        definitions.serve(self.cluster)
        for namespace in ("argocd", "flux-system"):
            self.cluster.create_namespace(namespace)
        metadata = {"name": "argocd-cm", "namespace": "argocd"}
        self.cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})

    def stop(self) -> None:
        """End the operator."""
        if self.operator is not None:
            self.operator.stop()


def _sample(name: str) -> Callable[[Cluster], str]:
    return lambda _: (PROJECT / "manifests" / "samples" / name).read_text()


_GIVEN: dict[str, Callable[[Cluster], str]] = {
    "kube-ca.pem": lambda cluster: cluster.ca.read_text(),
    "lab-results-router.yaml": _sample("lab-results-router.yaml"),
    "operator-token": lambda cluster: cluster.service_account_token(NAMESPACE, ACCOUNT, "vault"),
    "reviewer-token": lambda cluster: cluster.reviewer_token(),
    "vault-ca.pem": lambda cluster: cluster.ca.read_text(),
    "workflow.yaml": _sample("lab-results-router.yaml"),
}
"""What makes each name that a page may take for granted."""
