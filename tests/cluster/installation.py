# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Wardkeeper installed in a test cluster as its users install it.

CRDs, rights and admission policies come from `manifests/`, Vault's side from the product's own
command, and the operator runs as its own ServiceAccount with exactly those rights. Only the pod
is missing: the operator is a process of this machine, for no container runs on simulated nodes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import requests
import yaml

from tests.cluster.access import CommandFailedError
from tests.cluster.cluster import Cluster
from tests.cluster.processes import Process
from tests.cluster.waiting import until

if TYPE_CHECKING:
    from tests.cluster.access import ClusterAccess
    from tests.cluster.processes import Identity

PROJECT = Path(__file__).resolve().parents[2]
NAMESPACE = "wardkeeper-system"
ACCOUNT = "wardkeeper"
USER = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"
NOT_FOR_A_PROCESS = ("Deployment", "PodDisruptionBudget")
"""Kinds of the installation that only make sense where containers run."""


class Installation:
    """One operator on one cluster; a context manager that ends the operator.

    Attributes:
        cluster: where it is installed.
        process: the operator; None before it was started.
    """

    def __init__(
        self,
        cluster: ClusterAccess,
        *,
        overlay: str = "cluster-install",
        vault: bool = True,
        settings: dict[str, Any] | None = None,
        server: str = "",
        name: str = "operator",
        program: str = "wardkeeper.shell.main",
        packages: Path | None = None,
    ) -> None:
        """Say what is wanted; nothing is done yet.

        Args:
            cluster: a running cluster.
            overlay: folder under manifests/overlays.
            vault: give the operator the cluster's OpenBao.
            settings: keys of the settings file besides the ones that belong to a test.
            server: URL of the API server as the operator reaches it; the cluster's own if empty.
            name: of the process, and its identity for the Lease.
            program: module that is run.
            packages: folder of all Python packages that it is run with; those of this process
                when left out.
        """
        self.cluster = cluster
        self.process: Process | None = None
        self.address = f"http://127.0.0.1:{cluster.run.port(name)}"
        self._overlay = overlay
        self._vault = vault
        self._settings = settings or {}
        self._server = server
        self._name = name
        self._program = program
        self._python = (sys.executable, *(("-S",) if packages else ()))
        path = packages or (PROJECT if program.startswith("tests.") else None)
        self._environment = {"PYTHONPATH": str(path)} if path else {}
        if packages:
            self._environment["PYTHONDONTWRITEBYTECODE"] = "1"  # as in the image
        self._folder = cluster.folder / name

    def __enter__(self) -> Self:
        """Install everything and start the operator."""
        self.install()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the operator; what is installed stays."""
        self.stop()

    def objects(self) -> list[dict[str, Any]]:
        """What `kubectl apply -k` would apply, without what needs containers."""
        text = self.cluster.kubectl(
            "kustomize",
            "--load-restrictor=LoadRestrictionsNone",
            str(PROJECT / "manifests/overlays" / self._overlay),
        )
        return [
            one for one in yaml.safe_load_all(text) if one and one["kind"] not in NOT_FOR_A_PROCESS
        ]

    def install(self) -> None:
        """Apply the manifests, wait until the CRD is served, set OpenBao up."""
        objects = self.objects()
        first = ("Namespace", "CustomResourceDefinition")
        self.cluster.apply(*(one for one in objects if one["kind"] in first))
        for one in objects:
            if one["kind"] == "CustomResourceDefinition":
                name = one["metadata"]["name"]
                until(lambda name=name: self.cluster.serves(name), f"{name} is served")  # type: ignore[misc]
        self.cluster.apply(*(one for one in objects if one["kind"] not in first))
        if self._vault:
            self.bootstrap_vault()

    def bootstrap_vault(self) -> None:
        """Run `wardkeeper vault bootstrap` as an administrator of OpenBao would."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        reviewer = self._write("reviewer.token", self.cluster.reviewer_token())
        bao = self.cluster.openbao
        command = [
            *(sys.executable, "-m", "wardkeeper", "vault", "bootstrap"),
            f"--address={bao.address}",
            f"--kubernetes-host={self.cluster.server}",
            f"--kubernetes-ca-file={self.cluster.ca}",
            f"--reviewer-token-file={reviewer}",
            *(f"--token-period={period}" for period in self._token_periods()),
        ]
        result = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "VAULT_TOKEN": bao.root_token},
        )
        if result.returncode:
            raise CommandFailedError(f"wardkeeper vault bootstrap: {result.stderr.strip()}")

    def _token_periods(self) -> list[str]:
        """What the settings say of a workflow's token, if they say anything."""
        vault = self._settings.get("vault", {})
        return [vault["tokenPeriod"]] if "tokenPeriod" in vault else []

    def start(self) -> None:
        """Start the operator as its own ServiceAccount and wait until its caches are synced.

        One that ended by itself is cleared away first.
        """
        self.stop()
        self._folder.mkdir(mode=0o700, exist_ok=True)
        kubeconfig = self.cluster.service_account_kubeconfig(NAMESPACE, ACCOUNT)
        if self._server:
            kubeconfig = self._towards(kubeconfig)
        document = {**self._settings, **self._own_settings()}
        settings = self._write("settings.yaml", yaml.safe_dump(document))
        host = document["http"]["host"]
        self.process = Process(
            self._name,
            [
                *(*self._python, "-m", self._program),
                f"--settings={settings}",
                f"--kubeconfig={kubeconfig}",
            ],
            log=self.log,
            folder=self._folder,
            env={"POD_NAME": self._name, "POD_UID": "1", "POD_IP": host} | self._environment,
            on_start=self._note,
        )
        self.process.start()
        until(self.ready, f"{self._name} is ready", seconds=60, check=self.process.check)

    def stop(self) -> None:
        """Ask the operator to end and wait until it has."""
        if self.process is not None:
            self.process.stop(grace=30.0)

    def kill(self) -> None:
        """End the operator as a crash would."""
        if self.process is not None:
            self.process.kill()

    def ready(self) -> bool:
        """Whether /readyz says so."""
        try:
            return requests.get(f"{self.address}/readyz", timeout=5).ok
        except (requests.ConnectionError, requests.Timeout):
            return False

    def metrics(self) -> dict[str, float]:
        """Every sample of /metrics, by name and labels as they are written there."""
        text = requests.get(f"{self.address}/metrics", timeout=10).text
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}

    @property
    def log(self) -> Path:
        """What the operator wrote."""
        return self._folder / f"{self._name}.log"

    def said(self, since: int = 0) -> list[dict[str, Any]]:
        """The lines of its log after a position; one that is still being written is left."""
        with self.log.open("rb") as log:
            log.seek(since)
            lines = log.read().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith(b"\n")]

    def _own_settings(self) -> dict[str, Any]:
        host, _, port = self.address.removeprefix("http://").partition(":")
        settings: dict[str, Any] = {
            "http": {"host": host, "port": int(port)},
            "rotation": {"collect": 0, "minRestartInterval": 0, "verifyWindow": 1},
        }
        if self._vault:
            token = self.cluster.service_account_token(NAMESPACE, ACCOUNT, "vault")
            settings["vault"] = {
                "address": self.cluster.openbao.address,
                "tokenFile": str(self._write("vault.token", token)),
                **self._settings.get("vault", {}),
            }
        return settings

    def _towards(self, kubeconfig: Path) -> Path:
        document = yaml.safe_load(kubeconfig.read_text())
        document["clusters"][0]["cluster"]["server"] = self._server
        return self._write("kubeconfig", yaml.safe_dump(document))

    def _note(self, name: str, identity: Identity) -> None:
        """Have the process ended with the cluster, even if we die."""
        if isinstance(self.cluster, Cluster):
            self.cluster.run.started(name, identity)

    def _write(self, name: str, text: str) -> Path:
        path = self._folder / name
        path.touch(mode=0o600)
        path.write_text(text)
        return path
