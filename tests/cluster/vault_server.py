# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A Vault or OpenBao as its root sees it, whoever runs it; and one that people give to tests.

`WARDKEEPER_SCRATCH_VAULT` is the address of a Vault for the tests alone, such as one that
`vault server -dev -dev-root-token-id=root` runs; `WARDKEEPER_SCRATCH_VAULT_TOKEN` its root token
and `WARDKEEPER_SCRATCH_VAULT_KEY`, if it has one, the key that unseals it. **All that is mounted
in it is removed**, before and after each use. It has to reach the loopback address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from tests.cluster.waiting import until

if TYPE_CHECKING:
    from collections.abc import Mapping

ADDRESS, TOKEN, KEY = (f"WARDKEEPER_SCRATCH_VAULT{end}" for end in ("", "_TOKEN", "_KEY"))
_OURS = ("hw-",)
_KEPT_MOUNTS = ("cubbyhole/", "identity/", "sys/", "agent-registry/")
_KEPT_AUTH = ("token/",)


class VaultRefusedError(RuntimeError):
    """Vault answered with an error; the message holds its code and its words."""


class VaultServer:
    """A server that runs.

    Attributes:
        address: its URL.
        root_token: may do everything.
        unseal_key: unseals it; empty when nobody knows it.
    """

    def __init__(self, address: str, root_token: str = "", unseal_key: str = "") -> None:
        """Nothing is asked yet."""
        self.address = address
        self.root_token = root_token
        self.unseal_key = unseal_key
        self._session = requests.Session()
        self._session.trust_env = False

    @property
    def version(self) -> str:
        """What the running server says it is."""
        return str(self._health()["version"])

    def check(self) -> None:
        """Raise when waiting for it has become pointless; nobody can tell of a stranger's."""

    def close(self) -> None:
        """Let go of the connections of this object; the server goes on."""
        self._session.close()

    def seal(self) -> None:
        """Seal it: from now on it answers 503 to everything but health."""
        self.api("PUT", "sys/seal")
        self._wait(lambda: (self._health() or {}).get("sealed"), "Vault is sealed")

    def unseal(self) -> None:
        """Unseal it and wait until it serves."""
        self.api("PUT", "sys/unseal", {"key": self.unseal_key})
        self._wait(self._serves, "Vault serves")

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
        except (requests.ConnectionError, requests.Timeout):
            return None

    def _serves(self) -> bool:
        health = self._health()
        return bool(health and not health["sealed"] and not health["standby"])

    def _wait(self, probe: Any, what: str) -> None:
        until(probe, what, seconds=30, check=self.check)


class ScratchVault(VaultServer):
    """A server that somebody gives to the tests; a context manager that empties it."""

    @classmethod
    def given(cls, variables: Mapping[str, str]) -> ScratchVault | None:
        """The one that the environment names; None without one.

        Raises:
            ValueError: there is an address and no token.
        """
        address = variables.get(ADDRESS, "")
        if not address:
            return None
        if not variables.get(TOKEN):
            raise ValueError(f"{ADDRESS} is set and {TOKEN} is not: wanted the root token of it")
        return cls(address.rstrip("/"), variables[TOKEN], variables.get(KEY, ""))

    def __enter__(self) -> ScratchVault:
        self.empty()
        return self

    def __exit__(self, *_: object) -> None:
        self.empty()
        self.close()

    def empty(self) -> None:
        """Remove every engine, every auth method, and the policies of Wardkeeper."""
        for place, kept in (("sys/mounts", _KEPT_MOUNTS), ("sys/auth", _KEPT_AUTH)):
            for path in self.api("GET", place)["data"]:
                if path not in kept:
                    self.api("DELETE", f"{place}/{path.rstrip('/')}")
        for name in self.list("sys/policies/acl"):
            if name.startswith(_OURS):
                self.api("DELETE", f"sys/policies/acl/{name}")
