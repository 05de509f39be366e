# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Ways from a certificate to an authority that is trusted, by signature (RFC 5280, 6.1).

Only what can be wrong with an issuer is looked at here. What a client makes of the whole is proved
by a real handshake, which also checks purposes and names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONGEST_CHAIN = 8
"""Certificates above the leaf; more than any authority in use has."""

Path = tuple[x509.Certificate, ...]


def paths(
    leaf: x509.Certificate,
    chain: Sequence[x509.Certificate],
    authorities: Sequence[x509.Certificate],
) -> Iterator[Path]:
    """Every way up from `leaf`: the issuers in order, an authority last.

    Args:
        leaf: where it starts; not part of an answer.
        chain: certificates that may stand in between.
        authorities: certificates that are trusted, whoever signed them.
    """
    yield from _up(leaf, chain, authorities, ())


def _up(
    below: x509.Certificate,
    chain: Sequence[x509.Certificate],
    authorities: Sequence[x509.Certificate],
    so_far: Path,
) -> Iterator[Path]:
    for authority in authorities:
        if _signed(below, authority, len(so_far)):
            yield (*so_far, authority)
    if len(so_far) >= LONGEST_CHAIN:
        return
    for issuer in chain:
        if issuer not in so_far and issuer != below and _signed(below, issuer, len(so_far)):
            yield from _up(issuer, chain, authorities, (*so_far, issuer))


def _signed(below: x509.Certificate, issuer: x509.Certificate, depth: int) -> bool:
    """Whether `issuer` signed `below` and was allowed to; `depth` authorities lie under it."""
    try:
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        below.verify_directly_issued_by(issuer)
    except (x509.ExtensionNotFound, InvalidSignature, TypeError, ValueError):
        return False
    limit = constraints.path_length
    return constraints.ca and (limit is None or depth <= limit) and _may_sign(issuer)


def _may_sign(issuer: x509.Certificate) -> bool:
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        return True
