# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""One credential as the ledger knows it, in the form that decisions are made of. Never a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from wardkeeper.api.credential import Engine


@dataclass(frozen=True, slots=True)
class Handle:
    """What finds a credential again and ends it; empty members do not apply.

    Attributes:
        kv_version: version of the workflow's own KV entry that keeps it.
        lease: lease id, or token, encrypted for the operator alone.
        serial: serial number of a certificate, as Vault writes it (`3a:5f:...`).
        slot: `a` or `b` of two alternating users.
        marker: what its source said of itself when it was made.
        accessor: accessor of the token whose end is its end.
    """

    kv_version: int = 0
    lease: str = ""
    serial: str = ""
    slot: str = ""
    marker: str = ""
    accessor: str = ""


@dataclass(frozen=True, slots=True)
class Credential:
    """One entry of the ledger.

    Attributes:
        name: name of the ledger's object.
        secret: name of the secret in the workflow; empty for the workflow's token.
        engine: what makes it.
        rotation_id: its place in the chain (`identity.rotation_id`).
        role: role, key or path in Vault.
        source: fingerprint of what was asked for.
        request: the rotate-now request that it, or one before it, answered.
        before: what its source said of itself before it was asked.
        handle: how to find and end it.
        intended_at: when the intent was recorded, on the API server's clock.
        issued_at: when it was made; None while it is only intended. Like all that follow on
            Vault's clock.
        expires_at: when it ends unless it is renewed; None: it does not end by itself.
        ends_at: when it ends however often it is renewed; None: it does not.
        proven_at: when it was proven to work.
        revoke_after: when it may be revoked; set when a newer one was proven.
        rejected_at: when it was found not to work.
        retry_at: when the next attempt (to rotate away from it, or to retire it) is made.
        failures: attempts that failed one after the other.
        last_error: class of the last error.
        term: for how long its lease was last granted; None without a lease.
        resource_version: version of the ledger's object, which every change names.
        doomed: somebody asked to delete the ledger's object: it is replaced, then revoked.
    """

    name: str
    secret: str
    engine: Engine
    rotation_id: str
    role: str = ""
    source: str = ""
    request: str = ""
    before: str = ""
    handle: Handle = Handle()
    intended_at: datetime | None = None
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    ends_at: datetime | None = None
    proven_at: datetime | None = None
    revoke_after: datetime | None = None
    rejected_at: datetime | None = None
    retry_at: datetime | None = None
    failures: int = 0
    last_error: str = ""
    term: timedelta | None = None
    resource_version: str = ""
    doomed: bool = False
