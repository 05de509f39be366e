# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Certificates: our key, kept before anything is signed; checked before anybody gets them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from tests.unit.engine.secrets.drivers.bench import SECRET, Bench
from tests.unit.proof.authorities import NOW, Signer
from wardkeeper.api.credential import Engine
from wardkeeper.engine.secrets.drivers import pki
from wardkeeper.proof.certificate import inspect
from wardkeeper.proof.errors import NotProven
from wardkeeper.vault.errors import VaultError

if TYPE_CHECKING:
    from wardkeeper.rotation.credential import Credential
KEPT = ("kv.read", "kv.write", "pki.authorities", "pki.sign", "kv.write", "kv.destroy")
"""What is asked of Vault until a certificate is kept and its half is gone."""


def count(bundle: str) -> int:
    return len(x509.load_pem_x509_certificates(bundle.encode()))


async def test_it_is_for_the_workflow_and_ends_when_it_says() -> None:
    bench = Bench(Engine.PKI)
    entry, version = await bench.bring()
    assert version is not None
    said = inspect(version.data["tls.crt"])
    assert set(said.dns_names) == {"intake.clinic.svc", "api.intake.clinic.svc"}
    assert said.uris == ("spiffe://test/ns/clinic/sa/intake",)
    assert entry.expires_at == entry.ends_at == said.not_after == bench.fake.until
    assert entry.handle.serial == said.serial
    assert entry.issued_at == NOW


async def test_leaf_and_intermediate_are_presented_and_all_authorities_are_trusted() -> None:
    _, version = await Bench(Engine.PKI).bring()
    assert version is not None
    assert version.data.keys() == {"tls.crt", "tls.key", "ca.crt"}
    assert count(version.data["tls.crt"]) == 2
    assert count(version.data["ca.crt"]) == 2


async def test_a_handshake_proves_it() -> None:
    bench = Bench(Engine.PKI)
    _, version = await bench.bring()
    assert version is not None
    await bench.driver.prove(bench.desk(), version.data)


async def test_a_handshake_with_those_who_trust_somebody_else_is_no_proof() -> None:
    bench = Bench(Engine.PKI)
    _, version = await bench.bring()
    assert version is not None
    with pytest.raises(NotProven):
        await bench.driver.prove(bench.desk(), {**version.data, "ca.crt": Signer.root().pem})


async def test_the_key_is_kept_before_anything_is_signed_and_its_half_is_destroyed_after() -> None:
    bench = Bench(Engine.PKI)
    await bench.bring()
    calls = bench.fake.calls
    assert calls.index("kv.write") < calls.index("pki.sign")
    assert bench.fake.kv[SECRET][0] is None
    assert [one["_rotation_id"] for one in bench.fake.stored(SECRET)] == ["rotation-0"]


async def test_the_half_of_a_key_goes_though_whoever_kept_the_whole_died_right_after() -> None:
    bench = Bench(Engine.PKI)
    entry = await bench.intend()
    bench.fake.fails_at = len(KEPT)
    await bench.issue(entry)  # the half could not be destroyed
    assert len(bench.fake.stored(SECRET)) == 2
    bench.entries = [entry]  # the note in the ledger got lost
    await bench.issue(entry)
    assert [one.get("_pending") for one in bench.fake.stored(SECRET)] == [None]


async def test_the_half_of_a_key_goes_though_the_answer_to_the_whole_got_lost() -> None:
    bench = Bench(Engine.PKI)
    bench.fake.fails_at, bench.fake.lost = len(KEPT) - 1, True
    await bench.issue(await bench.intend())
    assert bench.fake.calls[len(KEPT) - 2] == "kv.write"
    assert [one.get("_pending") for one in bench.fake.stored(SECRET)] == [None]


async def test_a_certificate_whose_answer_was_lost_is_found_by_its_key() -> None:
    bench = Bench(Engine.PKI)
    entry = await bench.intend()
    bench.fake.lost, bench.fake.fails_at = True, 4
    with pytest.raises(VaultError):
        await bench.issue(entry)
    assert bench.fake.calls[-1] == "pki.sign"
    signed = next(iter(bench.fake.certificates))
    done, version = await bench.issue(entry)
    assert done.handle.serial == signed
    assert bench.fake.asked("pki.sign") == 1
    assert version is not None
    assert count(version.data["tls.crt"]) == 2
    await bench.driver.prove(bench.desk(), version.data)


async def test_a_lost_certificate_is_found_among_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pki, "MOST_READ", 40)
    bench = Bench(Engine.PKI)
    for _ in range(39):
        await bench.bring()
    entry = await lost(bench)
    await bench.issue(entry)
    assert bench.fake.asked("pki.sign") == 40


async def test_where_too_many_certificates_are_kept_another_is_signed_and_that_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pki, "MOST_READ", 2)
    bench = Bench(Engine.PKI)
    for _ in range(2):
        await bench.bring()
    entry = await lost(bench)
    read = bench.fake.asked("certificate")
    await bench.issue(entry)
    assert bench.fake.asked("pki.sign") == 4
    assert bench.fake.asked("certificate") == read + 2
    assert [one.message for one in caplog.records] == [
        "the PKI engine keeps too many certificates to find one again"
    ]


async def lost(bench: Bench) -> Credential:
    """An intent whose certificate was signed, and nobody heard of it."""
    entry = await bench.intend()
    bench.fake.lost, bench.fake.fails_at = True, len(bench.fake.calls) + 4
    with pytest.raises(VaultError):
        await bench.issue(entry)
    assert bench.fake.calls[-1] == "pki.sign"
    return entry


async def test_a_lost_certificate_that_was_revoked_is_not_adopted() -> None:
    bench = Bench(Engine.PKI)
    entry = await bench.intend()
    bench.fake.lost, bench.fake.fails_at = True, 4
    with pytest.raises(VaultError):
        await bench.issue(entry)
    signed = next(iter(bench.fake.certificates))
    bench.fake.certificates[signed].revoked = True
    done, _ = await bench.issue(entry)
    assert done.handle.serial != signed


async def test_an_authority_that_ends_first_is_told_with_both_dates() -> None:
    bench = Bench(Engine.PKI)
    bench.fake.intermediate = bench.fake.root.below(until=NOW + timedelta(hours=3))
    with pytest.raises(NotProven, match="ends at") as caught:
        await bench.issue(await bench.intend())
    assert (NOW + timedelta(hours=3)).isoformat(timespec="seconds") in str(caught.value)
    assert bench.fake.until.isoformat(timespec="seconds") in str(caught.value)


async def test_what_was_signed_and_is_unfit_is_revoked_when_its_intent_is_given_up() -> None:
    bench = Bench(Engine.PKI)
    bench.fake.until = NOW - timedelta(seconds=5)
    entry = await bench.intend()
    with pytest.raises(NotProven):
        await bench.issue(entry)
    await bench.retire(entry)
    assert [one.revoked for one in bench.fake.certificates.values()] == [True]


async def test_the_old_one_is_revoked_by_its_key_and_the_new_one_is_not() -> None:
    bench = Bench(Engine.PKI)
    old, _ = await bench.bring()
    new, _ = await bench.bring()
    await bench.retire(old)
    assert bench.fake.certificates[old.handle.serial].revoked
    assert not bench.fake.certificates[new.handle.serial].revoked


async def test_one_whose_key_is_lost_is_kept_account_of_until_it_is_over() -> None:
    bench = Bench(Engine.PKI)
    old, _ = await bench.bring()
    bench.fake.kv[SECRET] = []
    with pytest.raises(VaultError, match="let an administrator revoke it") as caught:
        await bench.retire(old)
    assert old.handle.serial in str(caught.value)
    bench.fake.certificates[old.handle.serial].revoked = True
    await bench.retire(old)
    assert bench.fake.asked("pki.revoke_with_key") == 0


async def test_one_whose_key_is_lost_and_that_has_ended_is_let_go() -> None:
    bench = Bench(Engine.PKI)
    old, _ = await bench.bring()
    bench.fake.kv[SECRET] = []
    bench.now = bench.fake.until
    await bench.retire(old)
