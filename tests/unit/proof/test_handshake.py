# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Two peers that hold a new certificate meet for real, without a network and without a disk."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.unit.proof.authorities import DAY, HOUR, NOW, Signer
from wardkeeper.proof.csr import KeyAndCsr, new_key_and_csr
from wardkeeper.proof.errors import NotProven
from wardkeeper.proof.handshake import shake_hands

NAME = "router.radiology.svc"


@dataclass
class Case:
    """Everything that a good handshake needs."""

    made: KeyAndCsr
    root: Signer
    middle: Signer

    def shake(self, leaf: str | None = None, **changes: Any) -> None:
        arguments: dict[str, Any] = {
            "certificate_pem": leaf or self.middle.sign(self.made.csr_pem),
            "chain": [self.middle.pem],
            "key_pem": self.made.key_pem,
            "authorities": [self.root.pem],
            "server_name": NAME,
        }
        shake_hands(**(arguments | changes))


@pytest.fixture
def case() -> Case:
    root = Signer.root()
    return Case(new_key_and_csr(NAME, [NAME]), root, root.below())


def test_peers_with_a_good_certificate_trust_each_other(case: Case) -> None:
    case.shake()


def test_peers_trust_each_other_while_authorities_change(case: Case) -> None:
    case.shake(authorities=[Signer.root("next").pem, case.root.pem])


def test_no_key_stays_in_a_file(case: Case) -> None:
    before = set(os.listdir("/proc/self/fd"))
    case.shake()
    assert set(os.listdir("/proc/self/fd")) == before


def test_another_name_is_not_trusted(case: Case) -> None:
    with pytest.raises(NotProven, match=r"[Hh]ostname mismatch"):
        case.shake(server_name="other.radiology.svc")


def test_a_stranger_s_authority_is_not_trusted(case: Case) -> None:
    with pytest.raises(NotProven, match="unable to get local issuer certificate"):
        case.shake(authorities=[Signer.root("stranger").pem])


def test_a_certificate_without_those_in_between_is_not_trusted(case: Case) -> None:
    with pytest.raises(NotProven, match="unable to get local issuer certificate"):
        case.shake(chain=[])


def test_a_certificate_that_has_ended_is_not_trusted(case: Case) -> None:
    leaf = case.middle.sign(case.made.csr_pem, since=NOW - DAY, until=NOW - HOUR)
    with pytest.raises(NotProven, match="certificate has expired"):
        case.shake(leaf)


@pytest.mark.parametrize(
    ("usage", "side"),
    [
        (ExtendedKeyUsageOID.SERVER_AUTH, "server"),
        (ExtendedKeyUsageOID.CLIENT_AUTH, "client"),
    ],
)
def test_a_certificate_for_one_side_only_is_refused_by_the_other(
    case: Case, usage: Any, side: str
) -> None:
    leaf = case.middle.sign(case.made.csr_pem, usages=[usage])
    with pytest.raises(NotProven, match=f"the {side} of .* unsuitable certificate purpose"):
        case.shake(leaf)


def test_a_key_of_another_certificate_is_told_without_showing_it(case: Case) -> None:
    other = new_key_and_csr(NAME, [NAME])
    with pytest.raises(NotProven, match="key values mismatch") as caught:
        case.shake(key_pem=other.key_pem)
    assert other.key_pem.splitlines()[1] not in str(caught.value)


def test_authorities_that_are_none_are_said_to_be_none(case: Case) -> None:
    with pytest.raises(NotProven, match="no PEM certificates"):
        case.shake(authorities=["nothing"])
    with pytest.raises(NotProven, match="no PEM certificates"):
        case.shake(authorities=[])
