# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What is recorded of a delivered version: the annotations of its Secret. Never a value.

Vault is where a version is kept; the annotations are a copy, so that a pass with nothing to do
needs no Vault. What cannot be read is no record, and Vault is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from wardkeeper.api.schema import GROUP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wardkeeper.rotation.credential import Credential

ROTATION_ID = f"{GROUP}/rotation-id"
VERSION = f"{GROUP}/version"
CONTENT_MAC = f"{GROUP}/content-mac"
ROTATED_AT = f"{GROUP}/rotated-at"
NOT_AFTER = f"{GROUP}/not-after"
ROTATION_REQUEST = f"{GROUP}/rotation-request"
SOURCE_FINGERPRINT = f"{GROUP}/source-fingerprint"


@dataclass(frozen=True, slots=True)
class Record:
    """One version of a secret, as far as it may be known outside of Vault.

    Attributes:
        rotation_id: its place in the chain (`identity.rotation_id`).
        version: its number in KV v2; starts again at 1 after all versions were removed.
        content_mac: keyed fingerprint of what is delivered.
        rotated_at: when Vault made it, whole seconds, on Vault's clock.
        source: fingerprint of what was asked for (`identity.source_fingerprint`).
        request: the last rotate-now request that it, or a version before it, answered.
        not_after: when it counts as overdue, as published; None when nothing is published.
    """

    rotation_id: str
    version: int
    content_mac: str
    rotated_at: datetime
    source: str
    request: str = ""
    not_after: datetime | None = None


def record_for(credential: Credential, content_mac: str, not_after: datetime) -> Record:
    """What is recorded of the delivery of a credential that was made.

    Args:
        credential: its entry in the ledger.
        content_mac: keyed fingerprint of what is delivered.
        not_after: when it counts as overdue.

    Raises:
        ValueError: it was not made yet.
    """
    if credential.issued_at is None:
        raise ValueError(f"{credential.name} was not made yet")
    return Record(
        rotation_id=credential.rotation_id,
        version=credential.handle.kv_version,
        content_mac=content_mac,
        rotated_at=credential.issued_at,
        source=credential.source,
        request=credential.request,
        not_after=not_after,
    )


def annotations_of(record: Record, not_after: datetime) -> dict[str, str]:
    """The annotations of the Secret that delivers this version."""
    return {
        ROTATION_ID: record.rotation_id,
        VERSION: str(record.version),
        CONTENT_MAC: record.content_mac,
        ROTATED_AT: write_time(record.rotated_at),
        NOT_AFTER: write_time(not_after),
        ROTATION_REQUEST: record.request,
        SOURCE_FINGERPRINT: record.source,
    }


def record_of(annotations: Mapping[str, str]) -> Record | None:
    """What the annotations of a Secret say; None when they say nothing that can be used."""
    try:
        return Record(
            rotation_id=annotations[ROTATION_ID],
            version=int(annotations[VERSION]),
            content_mac=annotations[CONTENT_MAC],
            rotated_at=read_time(annotations[ROTATED_AT]),
            source=annotations[SOURCE_FINGERPRINT],
            request=annotations.get(ROTATION_REQUEST, ""),
            not_after=read_time(annotations[NOT_AFTER]),
        )
    except (KeyError, ValueError):
        return None


def read_time(text: str) -> datetime:
    """An RFC 3339 time, cut to whole seconds so that it equals itself when written and read again.

    Raises:
        ValueError: the text is no time, or has no offset.
    """
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time needs an offset; write it as 2026-01-31T12:00:00Z")
    return time.astimezone(UTC).replace(microsecond=0)


def write_time(time: datetime) -> str:
    """RFC 3339 in UTC, whole seconds: `2026-01-31T12:00:00Z`."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
