# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What an administrator does so that OpenBao can sign: roots, and authorities that they signed.

Each root has an engine of its own, out of the operator's reach. The role that signs for workflows
is installed by the product's own command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.cluster.vault_server import VaultServer

_LONG = "87600h"


class Authorities:
    """The authorities of one PKI engine."""

    def __init__(self, bao: VaultServer, *, mount: str = "pki") -> None:
        """Nothing is done yet; OpenBao runs."""
        self._bao = bao
        self._mount = mount

    def add(self, name: str = "first", *, lasts: str = "8760h") -> str:
        """Put an authority under a root of its own into the engine; its issuer id.

        The first one signs at once. A later one is trusted and signs nothing before `use`.

        Args:
            name: of both, for people.
            lasts: how long the authority is valid; its root is valid for years.
        """
        root = f"{self._mount}-root-{name}"
        self._mounted(self._mount)
        self._mounted(root)
        ec = {"key_type": "ec", "key_bits": 256}
        self._bao.api(
            "POST",
            f"{root}/root/generate/internal",
            {"common_name": f"{name} root", "ttl": _LONG, **ec},
        )
        request = self._bao.api(
            "POST",
            f"{self._mount}/intermediate/generate/internal",
            {"common_name": f"{name} authority", **ec},
        )["data"]["csr"]
        signed = self._bao.api(
            "POST",
            f"{root}/root/sign-intermediate",
            {"csr": request, "common_name": f"{name} authority", "ttl": lasts},
        )["data"]
        body = {"certificate": "\n".join([signed["certificate"], *signed["ca_chain"]])}
        made = self._bao.api("POST", f"{self._mount}/intermediate/set-signed", body)["data"]
        issuers = {issuer for issuer, key in made["mapping"].items() if key}
        [issuer] = issuers & set(made["imported_issuers"])
        if len(self._bao.list(f"{self._mount}/issuers")) <= len(signed["ca_chain"]):
            self.use(issuer)
        return str(issuer)

    def use(self, issuer: str) -> None:
        """Let this authority sign from now on."""
        self._bao.api("POST", f"{self._mount}/config/issuers", {"default": issuer})

    def remove(self, issuer: str) -> None:
        """Take an authority and its root out: nobody is told to trust them any more."""
        chain = self._read(issuer)["ca_chain"]
        above = [
            one
            for one in self._bao.list(f"{self._mount}/issuers")
            if self._read(one)["certificate"] in chain
        ]
        for one in above:
            self._bao.api("DELETE", f"{self._mount}/issuer/{one}")

    def _read(self, issuer: str) -> dict[str, Any]:
        read: dict[str, Any] = self._bao.api("GET", f"{self._mount}/issuer/{issuer}")["data"]
        return read

    def _mounted(self, mount: str) -> None:
        """Make the engine if it is not there, and let it sign for years."""
        if f"{mount}/" not in self._bao.api("GET", "sys/mounts")["data"]:
            self._bao.api("POST", f"sys/mounts/{mount}", {"type": "pki"})
        self._bao.api("POST", f"sys/mounts/{mount}/tune", {"max_lease_ttl": _LONG})
