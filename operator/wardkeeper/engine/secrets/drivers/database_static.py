# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""One static database user, whose old password stops working the moment Vault changes it.

There is no overlap: from the change until the workload has taken it up, logins fail. Vault, or a
person, may change it at any time; the time of the last change tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.credential import Engine
from wardkeeper.engine.secrets.driver import Made, Prepared
from wardkeeper.engine.secrets.drivers.database import DatabaseDriver, files, role_of
from wardkeeper.rotation.credential import Handle
from wardkeeper.rotation.facts import Source
from wardkeeper.rotation.record import write_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wardkeeper.engine.secrets.driver import Desk


class DatabaseStatic(DatabaseDriver):
    """The engine of `database` with strategy Static."""

    engine = Engine.DATABASE_STATIC

    async def look(self, desk: Desk) -> Source | None:
        """When Vault last changed it."""
        found = await desk.working_as.database.static(role_of(desk))
        return Source(write_time(found.rotated_at), found.rotated_at)

    async def prepare(self, desk: Desk) -> Prepared:
        """The change that is delivered: another one has been made since if it is not the last."""
        role, current = role_of(desk), desk.current
        same = current is not None and (current.engine, current.role) == (self.engine, role)
        return Prepared(role, current.handle.marker if current and same else "")

    async def make(self, desk: Desk) -> Made:
        """Take the password; have it changed first if it is the one that is delivered."""
        role, database = desk.intent.role, desk.working_as.database
        found = await database.static(role)
        if write_time(found.rotated_at) == desk.intent.before:
            async with self.turn(desk):
                await desk.vault.rotate_static(role)
            found = await database.static(role)
        return Made(
            files(desk.spec, found.username, found.password),
            Handle(marker=write_time(found.rotated_at)),
            issued_at=found.rotated_at,
        )

    async def retire(self, desk: Desk, data: Mapping[str, str], lease: str) -> None:
        """Its password died with the change that followed; of a user that is left, it still works.

        What was never made has no password of its own.
        """
        if desk.intent.issued_at is not None:
            await self.change_password(desk)
