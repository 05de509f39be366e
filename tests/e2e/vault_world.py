# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A real OpenBao, set up by the real command, that asks a real API server about tokens."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from kubernetes.client import ApiException, CoreV1Api
from typer.testing import CliRunner

from tests.cluster.cluster import Cluster
from tests.cluster.levels import Level
from tests.cluster.openbao import versions
from tests.cluster.vault_server import ScratchVault
from wardkeeper.cli.vault import app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cluster.vault_server import VaultServer

CRDS = Path(__file__).parents[2] / "crds"
OPERATOR = ("wardkeeper-system", "wardkeeper")
SCRATCH = "scratch"
"""Stands for the server that somebody gives to the tests (`tests/cluster/vault_server.py`)."""

SERVERS = (*versions(), *([SCRATCH] if ScratchVault.given(os.environ) else []))
"""What suites about Vault are run on, one after the other: parameters of their fixtures."""


@dataclass
class VaultWorld:
    """A cluster of its own, with a Vault that starts empty.

    Attributes:
        cluster: API server, and PostgreSQL if asked for.
        bao: OpenBao, or what is given in its place.
        core: the core API, as an admin.
        files: CA and reviewer token, as options of the command.
        first_run: what the first run of the command printed.
    """

    cluster: Cluster
    bao: VaultServer
    core: CoreV1Api
    files: tuple[str, ...]
    first_run: str = ""

    def ask(
        self, method: str, path: str, token: str | None = None, body: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """One request, as root without a token; status and JSON (empty without one)."""
        response = requests.request(
            method,
            f"{self.bao.address}/v1/{path}",
            headers={"X-Vault-Token": self.bao.root_token if token is None else token},
            json=body,
            timeout=10,
            allow_redirects=False,
        )
        return response.status_code, response.json() if response.content else {}

    def login(self, role: str, jwt: str) -> tuple[int, str]:
        """Log in by Kubernetes auth; status, and the token or the errors."""
        status, answer = self.ask("POST", "auth/kubernetes/login", "", {"role": role, "jwt": jwt})
        return status, str(answer["auth"]["client_token"] if status == 200 else answer["errors"])

    def token(self, role: str, namespace: str, name: str, audience: str) -> str:
        """Log in as a ServiceAccount; the token."""
        status, found = self.login(role, self.mint(namespace, name, audience))
        assert status == 200, found
        return found

    def mint(self, namespace: str, name: str, audience: str) -> str:
        """A token of a ServiceAccount, by TokenRequest."""
        body: Any = {"spec": {"audiences": [audience], "expirationSeconds": 600}}
        answer: Any = self.core.create_namespaced_service_account_token(name, namespace, body)
        return str(answer.status.token)

    def service_account(self, namespace: str, name: str) -> None:
        """Make a ServiceAccount, and its namespace."""
        _ensure(self.core.create_namespace, {"metadata": {"name": namespace}})
        account = {"metadata": {"name": name}}
        _ensure(self.core.create_namespaced_service_account, namespace, account)

    def run_bootstrap(self, *options: str) -> tuple[int, str]:
        """Run `wardkeeper vault bootstrap` as the admin; exit code and what it printed."""
        host = f"--kubernetes-host={self.cluster.server}"
        arguments = ["bootstrap", f"--address={self.bao.address}", host, *self.files, *options]
        result = CliRunner().invoke(app, arguments, env={"VAULT_TOKEN": self.bao.root_token})
        return result.exit_code, result.output

    def bootstrap(self, *options: str) -> str:
        """Run it, and see that it went well; what it printed."""
        code, output = self.run_bootstrap(*options)
        assert code == 0, output
        return output


@contextmanager
def open_vault_world(
    folder: Path, server: str = SERVERS[0], *, postgres: bool = False
) -> Iterator[VaultWorld]:
    """Start it, with PostgreSQL if asked for, and install everything; stopped at the end."""
    given = ScratchVault.given(os.environ) if server == SCRATCH else None
    started = Cluster(Level.API, openbao=False if given else server, postgres=postgres)
    with started as cluster, cluster.api_client() as api, ExitStack() as stack:
        bao = stack.enter_context(given) if given else cluster.openbao
        reviewer = folder / "reviewer-token"
        reviewer.write_text(cluster.reviewer_token())
        files = (f"--kubernetes-ca-file={cluster.ca}", f"--reviewer-token-file={reviewer}")
        world = VaultWorld(cluster, bao, CoreV1Api(api), files)
        cluster.kubectl("apply", "--server-side", "-k", str(CRDS))
        world.service_account(*OPERATOR)
        world.first_run = world.bootstrap()
        yield world


def _ensure(create: Callable[..., Any], *arguments: Any) -> None:
    try:
        create(*arguments)
    except ApiException as error:
        if error.status != 409:
            raise
