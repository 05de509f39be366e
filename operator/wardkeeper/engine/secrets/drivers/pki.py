# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A certificate for mutual TLS. The key is drawn here and kept before anything is signed.

So a certificate whose answer was lost is found again by its key, and is adopted instead of being
signed a second time. What was signed is checked, leaf and chain, before anybody gets it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from wardkeeper.api.credential import Engine
from wardkeeper.api.duration import seconds
from wardkeeper.engine.secrets.driver import Made
from wardkeeper.engine.secrets.drivers.plain import PlainDriver
from wardkeeper.proof.certificate import check_leaf, inspect
from wardkeeper.proof.csr import common_name, csr_of, new_key_and_csr
from wardkeeper.proof.handshake import shake_hands
from wardkeeper.rotation.credential import Handle
from wardkeeper.vault.errors import Kind, VaultError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from wardkeeper.api.secret_sources import Pki
    from wardkeeper.engine.secrets.driver import Desk
    from wardkeeper.vault.own import OwnVault
    from wardkeeper.vault.workflows import WorkflowVault

_log = logging.getLogger(__name__)

_KEY = "tls.key"
_CERTIFICATE = "tls.crt"
MOST_READ = 2000
"""Certificates that are read at most to find one again: a serial number tells no age."""

_AT_ONCE = 16


class PkiDriver(PlainDriver):
    """The engine of `pki`.

    Args:
        trust_domain: of the SPIFFE ids.
    """

    engine = Engine.PKI

    def __init__(self, trust_domain: str) -> None:
        self._trust_domain = trust_domain

    async def make(self, desk: Desk) -> Made:
        """Have our own request signed, or adopt what was signed for its key already.

        Raises:
            NotProven: what was signed is not what was asked for.
        """
        names, uris = self._names(desk)
        request = csr_of(desk.pending[_KEY], names[0], names, uris) if desk.pending else None
        found = await _signed_for(desk.vault, request.spki_sha256) if request else None
        if request is None:
            request = new_key_and_csr(names[0], names, uris)
            if desk.keep is not None:
                await desk.keep({_KEY: request.key_pem})
        pki = desk.working_as.pki
        authorities = await pki.authorities()
        if found is None:
            signed = await pki.sign(
                request.csr_pem,
                common_name=common_name(names[0]),
                dns_names=names,
                uris=uris,
                ttl=seconds(_source(desk).ttl),
            )
            leaf, chain = signed.certificate, signed.chain
        else:
            leaf, chain = found, authorities
        said = check_leaf(leaf, chain, request.key_pem, authorities, names, uris, desk.now)
        return Made(
            {
                _CERTIFICATE: "\n".join((leaf, *_between(chain))) + "\n",
                _KEY: request.key_pem,
                "ca.crt": "\n".join(authorities) + "\n",
            },
            Handle(serial=said.serial),
            issued_at=desk.now,
            expires_at=said.not_after,
            ends_at=said.not_after,
        )

    async def prove(self, desk: Desk, data: Mapping[str, str]) -> None:
        """A handshake with it, both ways.

        Raises:
            NotProven: somebody who trusts the bundle would not let it in.
        """
        names, _ = self._names(desk)
        shake_hands(data[_CERTIFICATE], (), data[_KEY], (data["ca.crt"],), names[0])

    async def retire(self, desk: Desk, data: Mapping[str, str], lease: str) -> None:
        """Revoke it as the holder of its key; of an intent, what a lost answer made of it."""
        serial = desk.intent.handle.serial
        if data:
            await revoke(desk.working_as, desk.vault, data)
        elif serial and not await is_over(desk.vault, serial, desk.now):
            raise VaultError(Kind.KEY_LOST, f"revoke certificate {serial}")

    def _names(self, desk: Desk) -> tuple[tuple[str, ...], tuple[str, ...]]:
        own = f"{desk.workflow}.{desk.namespace}.svc"
        uri = f"spiffe://{self._trust_domain}/ns/{desk.namespace}/sa/{desk.workflow}"
        return tuple(dict.fromkeys((own, *_source(desk).dns_names))), (uri,)


async def revoke(own: OwnVault, vault: WorkflowVault, data: Mapping[str, str]) -> None:
    """Revoke a certificate by its key; of half-made material, whatever was signed for the key.

    Raises:
        VaultError: it cannot be revoked now.
    """
    key = data.get(_KEY)
    if key is None:
        return
    bundle = data.get(_CERTIFICATE)
    leaf = _leaf(bundle) if bundle else await _signed_for(vault, csr_of(key, "").spki_sha256)
    if leaf is not None:
        await own.pki.revoke_with_key(leaf, key)


async def is_over(vault: WorkflowVault, serial: str, now: datetime) -> bool:
    """Whether a certificate is of no use to anybody: revoked, at its end, or unknown to Vault.

    Raises:
        VaultError: nobody can tell now.
    """
    try:
        found = await vault.certificate(serial)
    except VaultError as error:
        if error.kind is Kind.SOURCE_MISSING:
            return True
        raise
    return found.revoked or inspect(found.pem).not_after <= now


async def _signed_for(vault: WorkflowVault, spki: str) -> str | None:
    """The certificate that was signed for this key and not revoked, if there is one."""
    serials = await vault.certificates()
    if len(serials) > MOST_READ:
        extra = {"kept": len(serials), "read": MOST_READ}
        _log.warning("the PKI engine keeps too many certificates to find one again", extra=extra)
    for begin in range(0, min(len(serials), MOST_READ), _AT_ONCE):
        some = serials[begin : min(begin + _AT_ONCE, MOST_READ)]
        for pem, revoked in await asyncio.gather(*map(vault.certificate, some)):
            if not revoked and inspect(pem).spki_sha256 == spki:
                return pem
    return None


def _between(chain: tuple[str, ...]) -> tuple[str, ...]:
    """The authorities between leaf and root; a root is trusted, not presented."""
    return tuple(one for one in chain if not _is_root(one))


def _leaf(bundle: str) -> str:
    """The first certificate of several."""
    first = x509.load_pem_x509_certificates(bundle.encode())[0]
    return first.public_bytes(serialization.Encoding.PEM).decode()


def _is_root(pem: str) -> bool:
    found = x509.load_pem_x509_certificate(pem.encode())
    return found.subject == found.issuer


def _source(desk: Desk) -> Pki:
    if desk.spec.source.pki is None:
        raise ValueError(f"secret {desk.spec.name} is no certificate")
    return desk.spec.source.pki
