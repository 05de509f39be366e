# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What Vault holds and nobody knows: by lease, by serial number, by the name of a role."""

from __future__ import annotations

from typing import Any

import pytest

from wardkeeper.api.credential import IssuedCredential
from wardkeeper.engine.secrets.orphans import Known, Orphans, encrypted_leases, orphans_of
from wardkeeper.vault.holdings import Holding, HoldingKind

NS, WF = "radiology", "router"
ROLE = f"hw.{NS}.{WF}.claims"
LEASE = Holding(HoldingKind.LEASE, f"database/creds/{ROLE}/one", NS, WF, ROLE)
CERTIFICATE = Holding(HoldingKind.CERTIFICATE, "0a:ff", NS, WF)
AUTH_ROLE = Holding(HoldingKind.ROLE, f"hw.w.{NS}.{WF}", NS, WF)


def entry(engine: str, name: str = WF, **status: Any) -> IssuedCredential:
    """An entry of the ledger."""
    spec = {
        "workflowRef": {"namespace": NS, "name": name, "uid": "uid-1"},
        "secret": "db",
        "engine": engine,
        "rotationId": "r1",
    }
    raw = {"metadata": {"name": "one", "namespace": "x"}, "spec": spec, "status": status}
    return IssuedCredential.model_validate(raw)


def known(*ledger: IssuedCredential, leases: tuple[str, ...] = (), **changes: Any) -> Known:
    """What a cluster with these entries knows."""
    return Known(ledger, frozenset(leases), **{"workflows": frozenset(), **changes})


@pytest.mark.parametrize("held", [LEASE, CERTIFICATE, AUTH_ROLE])
def test_of_a_cluster_that_knows_nothing_everything_is_unknown(held: Holding) -> None:
    assert orphans_of([held], known()) == Orphans((held,), ())


@pytest.mark.parametrize(
    ("held", "knows"),
    [
        (LEASE, known(leases=(LEASE.id,))),
        (CERTIFICATE, known(entry("Pki", phase="Retiring", handle={"serial": "0A:FF"}))),
        (AUTH_ROLE, known(entry("Token", phase="Current"))),
        (AUTH_ROLE, known(workflows=frozenset({(NS, WF)}))),
    ],
)
def test_what_an_entry_knows_or_a_workflow_needs_is_no_orphan(held: Holding, knows: Known) -> None:
    assert orphans_of([held], knows) == Orphans((), ())


@pytest.mark.parametrize(("held", "engine"), [(LEASE, "DatabaseDynamic"), (CERTIFICATE, "Pki")])
def test_what_an_intent_may_have_led_to_is_let_alone(held: Holding, engine: str) -> None:
    assert orphans_of([held], known(entry(engine, phase="Intent"))) == Orphans((), (held,))


@pytest.mark.parametrize(("held", "engine"), [(LEASE, "Pki"), (CERTIFICATE, "DatabaseDynamic")])
def test_an_intent_of_another_engine_or_workflow_explains_nothing(
    held: Holding, engine: str
) -> None:
    others = known(
        entry(engine, phase="Intent"),
        entry("Pki", "other", phase="Intent"),
        entry("DatabaseDynamic", "other", phase="Intent"),
    )
    assert orphans_of([held], others) == Orphans((held,), ())


def test_only_leases_are_decrypted_and_no_token() -> None:
    token = entry("Token", handle={"lease": "vault:v1:token"})
    lease = entry("DatabaseDynamic", handle={"lease": "vault:v1:lease"})
    assert list(encrypted_leases([token, lease, entry("DatabaseDynamic")])) == ["vault:v1:lease"]
