# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A request for a certificate names what is asked for, and its key stays with who made it."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from wardkeeper.proof.csr import new_key_and_csr, spki_sha256

DNS = ("router.radiology.svc",)
URI = "spiffe://cluster.local/ns/radiology/sa/router"


def test_a_request_asks_for_the_names_and_is_signed_with_its_key() -> None:
    made = new_key_and_csr(DNS[0], DNS, [URI])
    request = x509.load_pem_x509_csr(made.csr_pem.encode())
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    key = serialization.load_pem_private_key(made.key_pem.encode(), None)
    assert request.is_signature_valid
    assert names.get_values_for_type(x509.DNSName) == list(DNS)
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [URI]
    assert request.subject.rfc4514_string() == f"CN={DNS[0]}"
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert isinstance(key.curve, ec.SECP256R1)
    assert made.spki_sha256 == spki_sha256(key.public_key())


def test_every_request_has_a_key_of_its_own() -> None:
    assert new_key_and_csr("", DNS).spki_sha256 != new_key_and_csr("", DNS).spki_sha256


def test_a_name_that_is_too_long_for_a_subject_is_only_an_alternative_name() -> None:
    long = f"{'a' * 60}.radiology.svc"
    request = x509.load_pem_x509_csr(new_key_and_csr(long, [long]).csr_pem.encode())
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert not list(request.subject)
    assert names.critical  # RFC 5280, 4.2.1.6
    assert names.value.get_values_for_type(x509.DNSName) == [long]


def test_a_key_does_not_show() -> None:
    made = new_key_and_csr("", DNS)
    assert "PRIVATE" not in repr(made)
