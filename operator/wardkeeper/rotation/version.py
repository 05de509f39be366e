# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""One version of a secret as Vault keeps it: the values, and the marks that make it ours.

The marks lie beside the values in the same write, so that whoever finds a version knows which
rotation made it, for whom, of what and at whose request. They are never delivered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wardkeeper.rotation.generate import generate, mac_key
from wardkeeper.rotation.identity import content_mac, rotation_id, source_fingerprint
from wardkeeper.rotation.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from random import Random

    from wardkeeper.api.secrets import GeneratedField
    from wardkeeper.rotation.decide import Wish

_ROTATION_ID = "_rotation_id"
_MAC_KEY = "_mac_key"
_UID = "_uid"
_SOURCE = "_source"
_REQUEST = "_request"
_MARKS = frozenset({_ROTATION_ID, _MAC_KEY, _UID, _SOURCE, _REQUEST})


@dataclass(frozen=True, slots=True)
class Version:
    """A version that rotation made for this workflow.

    Attributes:
        record: what may be known of it anywhere.
        data: what is delivered.
        mac_key: key of its content MAC, carried on from version to version.
    """

    record: Record
    data: Mapping[str, str] = field(repr=False)
    mac_key: str = field(repr=False)


def read_version(
    stored: Mapping[str, str], *, number: int, created: datetime, uid: str
) -> Version | None:
    """Read what Vault holds.

    Args:
        stored: what Vault holds.
        number: the version's number in Vault.
        created: when Vault made it.
        uid: uid of the workflow.

    Returns:
        The version, or None when it was not made for this workflow: by hand, or for a workflow
        of the same name that is gone. Such a version is replaced, never delivered.
    """
    if not stored.keys() >= _MARKS or stored[_UID] != uid:
        return None
    data = {name: value for name, value in stored.items() if name not in _MARKS}
    record = Record(
        rotation_id=stored[_ROTATION_ID],
        version=number,
        content_mac=content_mac(stored[_MAC_KEY], data),
        rotated_at=created,
        source=stored[_SOURCE],
        request=stored[_REQUEST],
    )
    return Version(record, data, stored[_MAC_KEY])


def draw_version(
    wish: Wish,
    fields: Iterable[GeneratedField],
    *,
    before: Version | None,
    last_known: Record | None,
    random: Random,
) -> dict[str, str]:
    """What to write into Vault as the next version: fresh values and the marks.

    Args:
        wish: what is wanted.
        fields: the declared fields.
        before: the version that Vault holds; None when it holds none of this workflow.
        last_known: what the delivered Secret says; continues the chain when Vault cannot.
        random: where the values come from.
    """
    previous = before.record if before else last_known
    return {
        **generate(fields, random),
        _ROTATION_ID: rotation_id(wish.uid, wish.name, previous.rotation_id if previous else ""),
        _MAC_KEY: before.mac_key if before else mac_key(random),
        _UID: wish.uid,
        _SOURCE: wish.source,
        _REQUEST: wish.request or (previous.request if previous else ""),
    }


def fingerprint_of(fields: Iterable[GeneratedField]) -> str:
    """Fingerprint of the declared fields; another one means another version."""
    return source_fingerprint((each.name, each.length, each.characters.value) for each in fields)
