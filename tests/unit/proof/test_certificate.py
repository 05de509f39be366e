# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A certificate is delivered only when it is what was asked for, now and to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from tests.unit.proof.authorities import DAY, HOUR, NOW, Signer
from wardkeeper.proof.certificate import check_leaf, inspect
from wardkeeper.proof.csr import KeyAndCsr, new_key_and_csr
from wardkeeper.proof.errors import NotProven

if TYPE_CHECKING:
    from datetime import datetime

DNS = ("router.radiology.svc", "router.radiology.svc.cluster.local")
URI = "spiffe://cluster.local/ns/radiology/sa/router"


@dataclass
class Case:
    """A request that two authorities have to do with; everything right unless it is changed."""

    made: KeyAndCsr
    root: Signer
    middle: Signer

    def check(self, leaf: str | None = None, **changes: Any) -> None:
        arguments: dict[str, Any] = {
            "leaf": leaf or self.middle.sign(self.made.csr_pem),
            "chain": [self.middle.pem],
            "key": self.made.key_pem,
            "authorities": [self.root.pem],
            "dns": DNS,
            "uris": [URI],
            "now": NOW,
        }
        check_leaf(**(arguments | changes))


@pytest.fixture
def case() -> Case:
    root = Signer.root()
    return Case(new_key_and_csr(DNS[0], DNS, [URI]), root, root.below())


def test_a_certificate_as_asked_for_is_good(case: Case) -> None:
    case.check()


def test_what_a_certificate_says_is_read_as_vault_writes_it(case: Case) -> None:
    leaf = case.middle.sign(case.made.csr_pem, until=NOW + HOUR)
    said = inspect(leaf)
    number = x509.load_pem_x509_certificate(leaf.encode()).serial_number
    assert int(said.serial.replace(":", ""), 16) == number
    assert (said.dns_names, said.uris) == (DNS, (URI,))
    assert said.not_after == NOW + HOUR
    assert said.spki_sha256 == case.made.spki_sha256


def test_a_certificate_for_another_key_is_none_of_ours(case: Case) -> None:
    other = new_key_and_csr(DNS[0], DNS, [URI])
    with pytest.raises(NotProven, match="is for another key"):
        case.check(key=other.key_pem)


def test_a_broken_key_is_told_without_showing_it(case: Case) -> None:
    with pytest.raises(NotProven, match="cannot be read") as caught:
        case.check(key="-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_name_that_vault_left_out_is_missed(case: Case) -> None:
    leaf = case.middle.sign(case.made.csr_pem, names=[x509.DNSName(DNS[0])])
    with pytest.raises(NotProven, match=r"lacks DNS:router\.radiology\.svc\.cluster\.local, URI:"):
        case.check(leaf)


@pytest.mark.parametrize(
    "extra", [x509.DNSName("admin.radiology.svc"), x509.RFC822Name("root@radiology.svc")]
)
def test_a_name_that_nobody_asked_for_is_refused(case: Case, extra: x509.GeneralName) -> None:
    asked = [x509.DNSName(name) for name in DNS]
    leaf = case.middle.sign(
        case.made.csr_pem, names=[*asked, x509.UniformResourceIdentifier(URI), extra]
    )
    with pytest.raises(NotProven, match="which nobody asked for"):
        case.check(leaf)


@pytest.mark.parametrize("now", [NOW - HOUR, NOW + DAY, NOW + DAY + HOUR])
def test_outside_its_time_a_certificate_is_not_good(case: Case, now: datetime) -> None:
    with pytest.raises(NotProven, match="compare the clocks"):
        case.check(now=now)


def test_without_the_certificates_in_between_no_way_leads_to_trust(case: Case) -> None:
    with pytest.raises(
        NotProven, match="from which no way leads to a trusted authority: 'CN=root'"
    ):
        case.check(chain=[])


def test_an_authority_of_the_same_name_and_another_key_is_not_trusted(case: Case) -> None:
    with pytest.raises(NotProven, match="no way leads"):
        case.check(authorities=[Signer.root().pem])


def test_who_may_not_sign_has_signed_nothing(case: Case) -> None:
    impostor = case.root.below("impostor", ca=False)
    leaf = impostor.sign(case.made.csr_pem)
    with pytest.raises(NotProven, match="no way leads"):
        case.check(leaf, chain=[impostor.pem])


def test_an_authority_that_may_have_none_below_it_counts_for_none(case: Case) -> None:
    last = case.root.below("last", path_length=0)
    lower = last.below("lower")
    leaf = lower.sign(case.made.csr_pem)
    with pytest.raises(NotProven, match="no way leads"):
        case.check(leaf, chain=[lower.pem, last.pem])


def test_an_authority_that_ends_before_the_certificate_is_named_with_its_end(case: Case) -> None:
    short = case.root.below("short", until=NOW + HOUR)
    leaf = short.sign(case.made.csr_pem, until=NOW + DAY)
    with pytest.raises(NotProven, match="authority 'CN=short' ends at") as caught:
        case.check(leaf, chain=[short.pem])
    assert (NOW + HOUR).isoformat() in str(caught.value)
    assert (NOW + DAY).isoformat() in str(caught.value)


def test_an_authority_that_is_not_valid_yet_is_named(case: Case) -> None:
    early = case.root.below("early", since=NOW + HOUR)
    leaf = early.sign(case.made.csr_pem)
    with pytest.raises(NotProven, match="authority 'CN=early' above"):
        case.check(leaf, chain=[early.pem])


def test_one_way_that_lasts_is_enough_while_authorities_change(case: Case) -> None:
    ending = Signer.root("ending", until=NOW + HOUR)
    case.check(authorities=[ending.pem + case.root.pem])


def test_the_authority_in_between_can_be_the_trusted_one(case: Case) -> None:
    case.check(chain=[case.middle.pem, case.root.pem], authorities=[case.middle.pem])


@pytest.mark.parametrize("where", ["leaf", "chain", "authorities"])
def test_what_is_no_certificate_is_said_to_be_none(case: Case, where: str) -> None:
    broken = "no certificate"
    changes: dict[str, Any] = {where: broken if where == "leaf" else [broken]}
    with pytest.raises(NotProven, match=r"no PEM|something that is none"):
        case.check(**changes)
