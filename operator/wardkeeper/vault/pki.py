# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Certificates of Vault's PKI engine: our own request is signed, no key crosses the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from wardkeeper.vault.client import Effect, Operation, nothing
from wardkeeper.vault.names import PKI_ROLE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from wardkeeper.vault.client import VaultClient


@dataclass(frozen=True, slots=True)
class SignedCertificate:
    """A certificate in PEM, the authorities between it and the root, and its serial number."""

    certificate: str
    chain: tuple[str, ...]
    serial: str


class StoredCertificate(NamedTuple):
    """A certificate in PEM as the engine keeps it, and whether it was revoked."""

    pem: str
    revoked: bool

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """As the engine answers it."""
        data = answer["data"]
        return cls(str(data["certificate"]).strip(), bool(data.get("revocation_time")))


class OwnPki:
    """The certificates of one workflow."""

    def __init__(self, client: VaultClient, token: str) -> None:
        self._client = client
        self._token = token

    async def sign(
        self,
        csr: str,
        *,
        common_name: str,
        dns_names: tuple[str, ...],
        uris: tuple[str, ...],
        ttl: int,
    ) -> SignedCertificate:
        """Have a request (PEM) signed for `ttl` seconds at most.

        Raises:
            VaultError: of kind AUTHORITY_ENDS, DENIED (a name of somebody else), or another.
        """
        body = {
            "csr": csr,
            "common_name": common_name,
            "alt_names": ",".join(dns_names),
            "uri_sans": ",".join(uris),
            "ttl": f"{ttl}s",
            "format": "pem",
        }
        mount = self._client.access.pki_mount
        return await self._client.run(
            Operation(f"have a certificate signed by {PKI_ROLE}", Effect.CREATES, label="pki_sign"),
            lambda vault: vault.write_data(f"{mount}/sign/{PKI_ROLE}", data=body),
            _signed,
            token=self._token,
        )

    async def authorities(self) -> tuple[str, ...]:
        """Every issuer of the engine in PEM: while authorities change, the old and the new.

        Raises:
            VaultError: they cannot be read.
        """
        mount = self._client.access.pki_mount
        keys = await self._client.run(
            Operation("list the issuers", Effect.PURE, label="pki_read"),
            lambda vault: vault.list(f"{mount}/issuers"),
            lambda answer: tuple(map(str, answer["data"]["keys"])),
            token=self._token,
        )
        return tuple([await self._issuer(mount, key) for key in sorted(keys)])

    async def revoke_with_key(self, certificate: str, key: str) -> None:
        """Revoke a certificate as the holder of its key; done when it is revoked already.

        Raises:
            VaultError: it cannot be revoked.
        """
        mount = self._client.access.pki_mount
        body = {"certificate": certificate, "private_key": key}
        await self._client.run(
            Operation("revoke a certificate", Effect.IDEMPOTENT, label="pki_revoke"),
            lambda vault: vault.write_data(f"{mount}/revoke-with-key", data=body),
            nothing,
            token=self._token,
        )

    async def _issuer(self, mount: str, key: str) -> str:
        return await self._client.run(
            Operation("read an issuer", Effect.PURE, label="pki_read"),
            lambda vault: vault.read(f"{mount}/issuer/{key}/json"),
            lambda answer: str(answer["data"]["certificate"]).strip(),
            token=self._token,
        )


def _signed(answer: Mapping[str, Any]) -> SignedCertificate:
    data = answer["data"]
    chain = data.get("ca_chain") or [data["issuing_ca"]]
    return SignedCertificate(
        str(data["certificate"]).strip(),
        tuple(str(one).strip() for one in chain),
        str(data["serial_number"]),
    )
