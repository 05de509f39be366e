# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A real OpenBao, set up by the real command, that trusts a real API server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from tests.e2e.openbao import ROOT_TOKEN
from wardkeeper.cli.vault import app

if TYPE_CHECKING:
    from pathlib import Path

    from kubernetes import client

    from tests.e2e.openbao import OpenBao


@dataclass
class VaultWorld:
    """OpenBao and the API server that it asks about tokens.

    Attributes:
        bao: the server.
        core: the core API, as an admin.
        server: URL of the API server.
        ca: PEM of its authority.
        kubeconfig: of an admin.
        folder: for files of the command.
        first_run: what the first run of the command printed.
    """

    bao: OpenBao
    core: client.CoreV1Api
    server: str
    ca: Path
    kubeconfig: Path
    folder: Path
    first_run: str = ""

    def mint(self, namespace: str, name: str, audience: str = "") -> str:
        """A token of a ServiceAccount; for the API server itself without an audience."""
        spec = {"audiences": [audience] if audience else [], "expirationSeconds": 600}
        body: Any = {"spec": spec}
        answer: Any = self.core.create_namespaced_service_account_token(name, namespace, body)
        return str(answer.status.token)

    def token(self, role: str, namespace: str, name: str, audience: str) -> str:
        """Log in to OpenBao as a ServiceAccount."""
        status, found = self.bao.login(role, self.mint(namespace, name, audience))
        assert status == 200, found
        return found

    def service_account(self, namespace: str, name: str) -> None:
        """Make a ServiceAccount, and its namespace."""
        self._ensure(self.core.create_namespace, {"metadata": {"name": namespace}})
        body = {"metadata": {"name": name}}
        self._ensure(self.core.create_namespaced_service_account, namespace, body)

    def bootstrap(self, *options: str) -> str:
        """Run `wardkeeper vault bootstrap` as the admin; what it printed."""
        reviewer = self.folder / "reviewer-token"
        reviewer.write_text(self.mint("kube-system", "token-reviewer"))
        arguments = [
            "bootstrap",
            f"--address={self.bao.address}",
            f"--kubernetes-host={self.server}",
            f"--kubernetes-ca-file={self.ca}",
            f"--reviewer-token-file={reviewer}",
            *options,
        ]
        result = CliRunner().invoke(app, arguments, env={"VAULT_TOKEN": ROOT_TOKEN})
        assert result.exit_code == 0, result.output
        return result.output

    def _ensure(self, create: Any, *arguments: Any) -> None:
        from kubernetes.client import ApiException

        try:
            create(*arguments)
        except ApiException as error:
            if error.status != 409:
                raise
