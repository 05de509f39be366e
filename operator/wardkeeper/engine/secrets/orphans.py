# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What Vault holds for workflows and no entry of the ledger knows. Pure.

Vault is listed before the ledger. An entry is made before anything is asked of Vault, so whatever
was found there has its entry by then; while that one is an intent, what it led to is not known yet
and is let alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from wardkeeper.api.credential import CredentialPhase, Engine
from wardkeeper.vault.holdings import Holding, HoldingKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from wardkeeper.api.credential import IssuedCredential


class Known(NamedTuple):
    """What the cluster knows.

    Attributes:
        ledger: every entry.
        leases: the leases of those entries, decrypted.
        workflows: namespace and name of every workflow that there is.
    """

    ledger: tuple[IssuedCredential, ...]
    leases: frozenset[str]
    workflows: frozenset[tuple[str, str]]


class Orphans(NamedTuple):
    """What nobody knows, and what may be in the making."""

    unknown: tuple[Holding, ...]
    undecided: tuple[Holding, ...]


def orphans_of(held: Iterable[Holding], known: Known) -> Orphans:
    """What of it nobody knows.

    Args:
        held: what Vault held, listed before what is known.
        known: what the cluster knows.
    """
    serials = {one.status.handle.serial.lower() for one in known.ledger}
    named = {_whose(one) for one in known.ledger} | known.workflows
    making = {(*_whose(one), one.spec.engine) for one in known.ledger if _is_intent(one)}
    unknown, undecided = list[Holding](), list[Holding]()
    for one in held:
        whose = (one.namespace, one.workflow)
        if one.kind is HoldingKind.ROLE:
            if whose not in named:
                unknown.append(one)
            continue
        if one.id in known.leases or one.id.lower() in serials:
            continue
        engine = Engine.PKI if one.kind is HoldingKind.CERTIFICATE else Engine.DATABASE_DYNAMIC
        (undecided if (*whose, engine) in making else unknown).append(one)
    return Orphans(tuple(unknown), tuple(undecided))


def encrypted_leases(ledger: Iterable[IssuedCredential]) -> Collection[str]:
    """The lease ids of the ledger as it keeps them."""
    return [
        one.status.handle.lease
        for one in ledger
        if one.spec.engine is Engine.DATABASE_DYNAMIC and one.status.handle.lease
    ]


def _whose(entry: IssuedCredential) -> tuple[str, str]:
    return entry.spec.workflow_ref.namespace, entry.spec.workflow_ref.name


def _is_intent(entry: IssuedCredential) -> bool:
    return entry.status.phase is CredentialPhase.INTENT
