# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What Vault holds for workflows, whoever knows of it: leases, certificates, auth roles.

With an admin's token: the operator itself may list the leases of one role and not of all, and may
revoke no certificate without its key.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from cryptography import x509

from wardkeeper.vault.client import Effect, Operation, keys_of, nothing
from wardkeeper.vault.pki import StoredCertificate
from wardkeeper.vault.session import or_nothing
from wardkeeper.vault.transit import OwnTransit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from wardkeeper.vault.client import VaultClient

_SPIFFE = "spiffe"


class HoldingKind(StrEnum):
    """What it is."""

    LEASE = "lease"
    CERTIFICATE = "certificate"
    ROLE = "auth role"


class Holding(NamedTuple):
    """One thing that Vault holds.

    Attributes:
        kind: what it is.
        id: lease id, serial number (hexadecimal bytes with colons) or name of the role.
        namespace: of the workflow that it is for, going by its name.
        workflow: that workflow's name.
        role: of a lease, the role of the database engine; else empty.
        ends_at: of a certificate, its end; else None.
    """

    kind: HoldingKind
    id: str
    namespace: str
    workflow: str
    role: str = ""
    ends_at: datetime | None = None


class Holdings:
    """What one Vault holds, as the bearer of this token may see it."""

    def __init__(self, client: VaultClient, token: str) -> None:
        self._client = client
        self._token = token

    async def leases(self) -> list[Holding]:
        """The leases of the database roles `hw.<namespace>.<workflow>.<secret>`.

        Raises:
            VaultError: they cannot be listed.
        """
        creds = f"{self._client.access.database_mount}/creds"
        found = []
        for role in await self._list(f"sys/leases/lookup/{creds}", "list the leases"):
            name = role.rstrip("/")
            parts = name.split(".")
            if parts[0] != "hw" or len(parts) < 4:
                continue
            below = await self._list(f"sys/leases/lookup/{creds}/{name}", f"list leases of {name}")
            found += [
                Holding(HoldingKind.LEASE, f"{creds}/{name}/{one}", parts[1], parts[2], name)
                for one in below
            ]
        return found

    async def roles(self) -> list[Holding]:
        """The auth roles `hw.<r|w>.<namespace>.<workflow>`.

        Raises:
            VaultError: they cannot be listed.
        """
        names = await self._list(f"auth/{self._client.access.auth_mount}/role", "list auth roles")
        parts = ((name, name.split(".")) for name in names)
        return [
            Holding(HoldingKind.ROLE, name, part[2], part[3])
            for name, part in parts
            if len(part) == 4 and part[0] == "hw" and part[1] in ("r", "w")
        ]

    async def certificates(self, now: datetime, tell: Callable[[int, int], None]) -> list[Holding]:
        """The certificates that live and name a ServiceAccount by its SPIFFE id.

        Args:
            now: certificates that ended before are passed over.
            tell: told after each certificate how many were read, of how many.

        Raises:
            VaultError: they cannot be read.
        """
        mount = self._client.access.pki_mount
        serials = await self._list(f"{mount}/certs", "list certificates")
        found = []
        for count, serial in enumerate(serials, 1):
            stored = await self._client.run(
                Operation(f"read certificate {serial}", Effect.PURE, label="orphans"),
                partial(_get, f"{mount}/cert/{serial}"),
                StoredCertificate.of,
                token=self._token,
            )
            leaf = x509.load_pem_x509_certificate(stored.pem.encode())
            identity = None if stored.revoked else next(_identities(leaf), None)
            if identity and leaf.not_valid_after_utc > now:
                ends = leaf.not_valid_after_utc.astimezone(UTC)
                found.append(Holding(HoldingKind.CERTIFICATE, serial, *identity, ends_at=ends))
            tell(count, len(serials))
        return found

    async def decrypt(self, key: str, ciphertext: str) -> str:
        """A lease id that the ledger keeps encrypted.

        Raises:
            VaultError: this token may not use the key, or it is another Vault's.
        """
        return await OwnTransit(self._client, self._token).decrypt(key, ciphertext)

    async def end(self, holding: Holding) -> None:
        """Revoke or delete it; done when it has ended already.

        Raises:
            VaultError: it cannot be ended now.
        """
        access = self._client.access
        acts: Mapping[HoldingKind, Callable[[Any], Any]] = {
            HoldingKind.LEASE: lambda vault: vault.adapter.put(
                f"/v1/sys/leases/revoke/{holding.id}", json={"sync": True}
            ),
            HoldingKind.CERTIFICATE: lambda vault: vault.write_data(
                f"{access.pki_mount}/revoke", data={"serial_number": holding.id}
            ),
            HoldingKind.ROLE: lambda vault: vault.delete(
                f"auth/{access.auth_mount}/role/{holding.id}"
            ),
        }
        await self._client.run(
            Operation(f"end {holding.kind} {holding.id}", Effect.IDEMPOTENT, label="orphans"),
            acts[holding.kind],
            nothing,
            token=self._token,
        )

    async def _list(self, path: str, words: str) -> tuple[str, ...]:
        return await self._client.run(
            Operation(words, Effect.PURE, label="orphans"),
            lambda vault: or_nothing(lambda one: one.list(path), vault),
            keys_of,
            token=self._token,
        )


def _get(path: str, vault: Any) -> Any:
    return vault.read(path)


def _identities(leaf: x509.Certificate) -> Iterator[tuple[str, str]]:
    """Namespace and name in each SPIFFE id `spiffe://<domain>/ns/<namespace>/sa/<name>`."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return
    for uri in names.get_values_for_type(x509.UniformResourceIdentifier):
        scheme, _, rest = uri.partition("://")
        parts = rest.split("/")
        if scheme == _SPIFFE and len(parts) == 5 and (parts[1], parts[3]) == ("ns", "sa"):
            yield parts[2], parts[4]
