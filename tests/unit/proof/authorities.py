# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Authorities for tests of proofs, with every mistake that an authority can make."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
BOTH = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


@dataclass(frozen=True, slots=True)
class Signer:
    """An authority: a certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def root(cls, name: str = "root", *, until: datetime = NOW + 90 * DAY) -> Self:
        """One that signed itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _authority(name, key.public_key(), until, NOW - DAY, None)
        return cls(made.issuer_name(_name(name)).sign(key, hashes.SHA256()), key)

    def below(
        self,
        name: str = "intermediate",
        *,
        until: datetime = NOW + 30 * DAY,
        since: datetime = NOW - DAY,
        ca: bool = True,
        path_length: int | None = None,
    ) -> Signer:
        """One that this one signed."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _authority(name, key.public_key(), until, since, path_length, ca=ca)
        signed = made.issuer_name(self.certificate.subject).sign(self.key, hashes.SHA256())
        return Signer(signed, key)

    @property
    def pem(self) -> str:
        """Its certificate."""
        return _pem(self.certificate)

    def sign(
        self,
        csr_pem: str,
        *,
        since: datetime = NOW - timedelta(seconds=30),
        until: datetime = NOW + DAY,
        names: Sequence[x509.GeneralName] | None = None,
        usages: Sequence[x509.ObjectIdentifier] = BOTH,
    ) -> str:
        """A certificate for a request, with its names unless others are given; PEM."""
        request = x509.load_pem_x509_csr(csr_pem.encode())
        if names is None:
            names = list(
                request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            )
        builder = (
            x509.CertificateBuilder()
            .subject_name(request.subject)
            .issuer_name(self.certificate.subject)
            .public_key(request.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(until)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return _pem(builder.sign(self.key, hashes.SHA256()))


def _authority(
    name: str,
    key: ec.EllipticCurvePublicKey,
    until: datetime,
    since: datetime,
    path_length: int | None,
    *,
    ca: bool = True,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca, path_length), critical=True)
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
