# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A new private key and the request to sign it: the key is made here and never asked of anybody.

Vault signs and never sees the key, so a lost answer costs a certificate and no key.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

LONGEST_COMMON_NAME = 64
"""X.520, upper bound of a common name."""


@dataclass(frozen=True, slots=True)
class KeyAndCsr:
    """A key that nobody else has, and the request for its certificate.

    Attributes:
        key_pem: PKCS#8, not encrypted.
        csr_pem: PKCS#10; nothing secret in it.
        spki_sha256: fingerprint of the public key, to find the certificate again.
    """

    key_pem: str = field(repr=False)
    csr_pem: str
    spki_sha256: str


def new_key_and_csr(
    name: str, dns_names: Sequence[str] = (), uris: Sequence[str] = ()
) -> KeyAndCsr:
    """A P-256 key and a request for these names.

    Args:
        name: subject; left out when empty or longer than a subject may be, for the alternative
            names are what counts.
        dns_names: alternative names.
        uris: alternative names of the form `spiffe://...`.

    Raises:
        ValueError: a name is not ASCII.
    """
    return _request(ec.generate_private_key(ec.SECP256R1()), name, dns_names, uris)


def csr_of(
    key_pem: str, name: str, dns_names: Sequence[str] = (), uris: Sequence[str] = ()
) -> KeyAndCsr:
    """The same for a P-256 key that was made earlier; `key_pem` as `new_key_and_csr` gave it.

    Raises:
        ValueError: it is no such key, or a name is not ASCII.
    """
    key = serialization.load_pem_private_key(key_pem.encode(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the key is not of an elliptic curve")
    return _request(key, name, dns_names, uris)


def common_name(name: str) -> str:
    """The name as a subject; empty when it is longer than a subject may be."""
    return name if len(name) <= LONGEST_COMMON_NAME else ""


def _request(
    key: ec.EllipticCurvePrivateKey,
    name: str,
    dns_names: Sequence[str],
    uris: Sequence[str],
) -> KeyAndCsr:
    told = common_name(name)
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, told)] if told else []
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in dns_names]
    names += [x509.UniformResourceIdentifier(uri) for uri in uris]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=not subject)
    request = builder.sign(key, hashes.SHA256())
    key_pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return KeyAndCsr(
        key_pem=key_pem.decode(),
        csr_pem=request.public_bytes(serialization.Encoding.PEM).decode(),
        spki_sha256=spki_sha256(key.public_key()),
    )


def spki_sha256(key: CertificatePublicKeyTypes) -> str:
    """SHA-256 of a public key's SubjectPublicKeyInfo (RFC 5280, 4.1.2.7), in hexadecimal."""
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(der).hexdigest()
