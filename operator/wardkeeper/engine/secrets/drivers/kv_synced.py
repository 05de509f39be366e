# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Values that somebody else writes in KV: read only, as old as their writer made them.

Deleted on purpose is told, and what is delivered stays; nothing empty is ever delivered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.credential import Engine
from wardkeeper.api.reasons import Reason
from wardkeeper.engine.secrets.driver import Made
from wardkeeper.engine.secrets.drivers.plain import PlainDriver
from wardkeeper.engine.secrets.issue import NothingMade
from wardkeeper.engine.secrets.report import DELETED
from wardkeeper.rotation.credential import Handle
from wardkeeper.rotation.facts import Source
from wardkeeper.rotation.record import write_time
from wardkeeper.vault.errors import Kind, VaultError

if TYPE_CHECKING:
    from wardkeeper.api.secret_sources import KvSynced
    from wardkeeper.api.secrets import SecretSpec
    from wardkeeper.engine.secrets.driver import Desk
    from wardkeeper.vault.kv import SyncedEntry


class KvSyncedDriver(PlainDriver):
    """The engine of `kvSynced`."""

    engine = Engine.KV_SYNCED

    async def look(self, desk: Desk) -> Source | None:
        """The version that is there, and whether it could be delivered."""
        source = _source(desk.spec)
        found = await desk.working_as.kv.read_synced(source.path)
        if found is None:
            return Source(marker="", deleted=True)
        empty = not all(found.data.get(name) for name in source.fields)
        return Source(_marker(found), found.created, found.deleted, not found.deleted and empty)

    async def make(self, desk: Desk) -> Made:
        """Take what is there."""
        source = _source(desk.spec)
        found = await desk.working_as.kv.read_synced(source.path)
        if found is None and desk.current is None:
            raise VaultError(Kind.SOURCE_MISSING, f"read hw-synced path {source.path}")
        if found is None or found.deleted:
            raise NothingMade(DELETED, Reason.SOURCE_DELETED)
        missing = [name for name in source.fields if not found.data.get(name)]
        if missing:
            raise NothingMade(
                f"path {source.path} in Vault has no value for {', '.join(missing)}; write all of "
                f"{', '.join(source.fields)}"
            )
        data = {name: found.data[name] for name in source.fields}
        return Made(data, Handle(marker=_marker(found)), issued_at=found.created)


def _marker(found: SyncedEntry) -> str:
    """Version and time: numbers begin again at 1 when an entry was removed whole."""
    return f"{found.version}@{write_time(found.created)}"


def _source(spec: SecretSpec) -> KvSynced:
    if spec.source.kv_synced is None:
        raise ValueError(f"secret {spec.name} is not kvSynced")
    return spec.source.kv_synced
