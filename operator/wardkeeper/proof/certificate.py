# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Looks at a new certificate before anybody gets it: key, names, times and the way to trust.

Vault shortens what it will not grant and says so in a warning only, so what was asked for proves
nothing: only what stands in the certificate counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from wardkeeper.proof.chain import paths
from wardkeeper.proof.csr import spki_sha256
from wardkeeper.proof.errors import NotProven

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from wardkeeper.proof.chain import Path


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says.

    Attributes:
        serial: as Vault writes it: hexadecimal bytes with colons.
        not_before: first moment it is valid.
        not_after: last moment it is valid.
        dns_names: alternative names.
        uris: alternative names of the form `spiffe://...`.
        spki_sha256: fingerprint of its public key.
    """

    serial: str
    not_before: datetime
    not_after: datetime
    dns_names: tuple[str, ...]
    uris: tuple[str, ...]
    spki_sha256: str


def inspect(pem: str) -> Certificate:
    """What the first certificate of a PEM says.

    Raises:
        NotProven: it is no certificate.
    """
    return _told(_one(pem, "the certificate"))


def check_leaf(
    leaf: str,
    chain: Sequence[str],
    key: str,
    authorities: Sequence[str],
    dns: Iterable[str],
    uris: Iterable[str],
    now: datetime,
) -> Certificate:
    """Check a certificate against what was asked for; returns what it says.

    Args:
        leaf: PEM.
        chain: PEMs of the authorities between it and the trusted ones.
        key: PEM of its private key.
        authorities: PEMs of the trusted authorities; one way to one of them is enough.
        dns: exactly these DNS names are wanted, in any order.
        uris: exactly these URIs are wanted, in any order.
        now: the time, with time zone.

    Raises:
        NotProven: it is not what was asked for; the message names what differs.
    """
    certificate = _one(leaf, "the certificate")
    said = _told(certificate)
    _check_key(said, key)
    _check_names(certificate, said, frozenset(dns), frozenset(uris))
    if not said.not_before <= now < said.not_after:
        raise NotProven(
            f"certificate {said.serial} is valid from {_at(said.not_before)} to "
            f"{_at(said.not_after)}, and it is {_at(now)}; compare the clocks of Vault and the "
            "operator"
        )
    _check_trust(certificate, said, _many(chain, "chain"), _many(authorities, "authorities"), now)
    return said


def _check_key(said: Certificate, key: str) -> None:
    try:
        public = serialization.load_pem_private_key(key.encode(), password=None).public_key()
        fingerprint = spki_sha256(public)  # type: ignore[arg-type]  # a key that cannot sign differs
    except (ValueError, TypeError):
        raise NotProven(f"the private key for certificate {said.serial} cannot be read") from None
    if fingerprint != said.spki_sha256:
        raise NotProven(
            f"certificate {said.serial} is for another key: public key {said.spki_sha256}, "
            f"wanted {fingerprint}"
        )


def _check_names(
    certificate: x509.Certificate, said: Certificate, dns: frozenset[str], uris: frozenset[str]
) -> None:
    found = {f"DNS:{name}" for name in said.dns_names} | {f"URI:{uri}" for uri in said.uris}
    found |= _other_names(certificate)
    wanted = {f"DNS:{name}" for name in dns} | {f"URI:{uri}" for uri in uris}
    if missing := wanted - found:
        raise NotProven(
            f"certificate {said.serial} lacks {_list(missing)}; allow it in the PKI role"
        )
    if more := found - wanted:
        raise NotProven(
            f"certificate {said.serial} also names {_list(more)}, which nobody asked for; "
            "the PKI role must not add names"
        )


def _check_trust(
    leaf: x509.Certificate,
    said: Certificate,
    chain: Sequence[x509.Certificate],
    authorities: Sequence[x509.Certificate],
    now: datetime,
) -> None:
    problem = (
        f"certificate {said.serial} is signed by {_name(leaf.issuer)}, from which no way leads to "
        f"a trusted authority: {_list({_name(each.subject) for each in authorities}) or 'none'}; "
        "compare the issuer of the PKI role with the trust bundle"
    )
    for path in paths(leaf, chain, authorities):
        found = _outlived(said, path, now)
        if not found:
            return
        problem = found
    raise NotProven(problem)


def _outlived(said: Certificate, path: Path, now: datetime) -> str:
    """What is wrong with the times of the authorities of one path; empty when nothing is."""
    for authority in path:
        if authority.not_valid_before_utc > now:
            return (
                f"authority {_name(authority.subject)} above certificate {said.serial} is only "
                f"valid from {_at(authority.not_valid_before_utc)}, and it is {_at(now)}"
            )
        if authority.not_valid_after_utc < said.not_after:
            return (
                f"authority {_name(authority.subject)} ends at "
                f"{_at(authority.not_valid_after_utc)}, before certificate {said.serial} which "
                f"ends at {_at(said.not_after)}; renew the authority or ask for a shorter ttl"
            )
    return ""


def _told(certificate: x509.Certificate) -> Certificate:
    names = _names(certificate)
    return Certificate(
        serial=_serial(certificate.serial_number),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        dns_names=tuple(each.value for each in names if isinstance(each, x509.DNSName)),
        uris=tuple(
            each.value for each in names if isinstance(each, x509.UniformResourceIdentifier)
        ),
        spki_sha256=spki_sha256(certificate.public_key()),
    )


def _names(certificate: x509.Certificate) -> tuple[x509.GeneralName, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(found.value)


def _other_names(certificate: x509.Certificate) -> set[str]:
    known = (x509.DNSName, x509.UniformResourceIdentifier)
    return {
        f"{type(each).__name__}:{each.value}"
        for each in _names(certificate)
        if not isinstance(each, known)
    }


def _one(pem: str, what: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise NotProven(f"{what} is no PEM of an X.509 certificate") from None


def _many(pems: Sequence[str], what: str) -> list[x509.Certificate]:
    """Every certificate of every PEM; one PEM may hold several."""
    try:
        return [
            certificate
            for pem in pems
            for certificate in x509.load_pem_x509_certificates(pem.encode())
        ]
    except ValueError:
        raise NotProven(f"the {what} of the certificate hold something that is none") from None


def _serial(number: int) -> str:
    return number.to_bytes((number.bit_length() + 7) // 8, "big").hex(":")


def _name(name: x509.Name) -> str:
    return f"'{name.rfc4514_string()}'"


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _at(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
