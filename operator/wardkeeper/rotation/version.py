# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""One version of a secret as Vault keeps it: the values, and the marks that make it ours.

Whatever engine made it, a version is kept in the workflow's own KV entry, so that restoring, going
back and adopting what a lost answer made are the same for all. The marks lie beside the values in
the same write: which rotation made it, for whom, and how it is found and ended. They are never
delivered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wardkeeper.rotation.generate import mac_key
from wardkeeper.rotation.identity import content_mac
from wardkeeper.rotation.record import read_time, write_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from random import Random

_ROTATION_ID = "_rotation_id"
_MAC_KEY = "_mac_key"
_UID = "_uid"
_PENDING = "_pending"
_BESIDE = "_x_"
_MARKS = frozenset({_ROTATION_ID, _MAC_KEY, _UID})


@dataclass(frozen=True, slots=True)
class Version:
    """A version that rotation made for this workflow.

    Attributes:
        number: its number in KV v2.
        created: when KV kept it, whole seconds.
        rotation_id: the rotation that made it.
        data: what is delivered; of a pending version what is needed to go on.
        beside: how it is found and ended; never delivered.
        mac_key: key of its content MAC, carried on from version to version.
        pending: it is half made.
    """

    number: int
    created: datetime
    rotation_id: str
    data: Mapping[str, str] = field(repr=False)
    beside: Mapping[str, str] = field(repr=False)
    mac_key: str = field(repr=False)
    pending: bool = field(default=False, repr=False)

    @property
    def content_mac(self) -> str:
        """Keyed fingerprint of what is delivered."""
        return content_mac(self.mac_key, self.data)

    def time(self, name: str) -> datetime | None:
        """A time that is kept beside."""
        return read_time(self.beside[name]) if self.beside.get(name) else None


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
    return Version(
        number=number,
        created=created,
        rotation_id=stored[_ROTATION_ID],
        data={name: value for name, value in stored.items() if not name.startswith("_")},
        beside={
            name.removeprefix(_BESIDE): value
            for name, value in stored.items()
            if name.startswith(_BESIDE)
        },
        mac_key=stored[_MAC_KEY],
        pending=_PENDING in stored,
    )


def write_version(
    data: Mapping[str, str],
    *,
    rotation_id: str,
    uid: str,
    before: Version | None,
    random: Random,
    beside: Mapping[str, str | datetime | None] | None = None,
    pending: bool = False,
) -> dict[str, str]:
    """What to write into Vault as the next version: the values and the marks.

    Args:
        data: what is delivered, or needed to go on; no name begins with `_`.
        rotation_id: the rotation that makes it.
        uid: uid of the workflow.
        before: the version that Vault holds; None when it holds none of this workflow.
        random: where a new MAC key comes from.
        beside: how it is found and ended; what is None or empty is left out.
        pending: it is half made.
    """
    told = {
        f"{_BESIDE}{name}": value if isinstance(value, str) else write_time(value)
        for name, value in (beside or {}).items()
        if value
    }
    return {
        **data,
        **told,
        _ROTATION_ID: rotation_id,
        _MAC_KEY: before.mac_key if before else mac_key(random),
        _UID: uid,
        **({_PENDING: "1"} if pending else {}),
    }
