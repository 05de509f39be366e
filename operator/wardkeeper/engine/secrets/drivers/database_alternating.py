# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Two static database users in turn, so that two logins work during the overlap.

The one that is not in use gets a new password. When the overlap is over the other one gets a new
password as well, which nobody learns: so its old login ends when it should.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.credential import Engine
from wardkeeper.engine.secrets.driver import Made, Prepared
from wardkeeper.engine.secrets.drivers.database import DatabaseDriver, files, role_of
from wardkeeper.rotation.credential import Handle
from wardkeeper.rotation.record import write_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wardkeeper.engine.secrets.driver import Desk


class DatabaseAlternating(DatabaseDriver):
    """The engine of `database` with strategy AlternatingUsers."""

    engine = Engine.DATABASE_ALTERNATING

    async def prepare(self, desk: Desk) -> Prepared:
        """The idle user's role, and when its password was last changed."""
        slots = "ba" if desk.current is not None and desk.current.handle.slot == "a" else "ab"
        roles = [role_of(desk, slot) for slot in slots]
        role = next((one for one in roles if one not in desk.in_use), roles[0])
        found = await desk.working_as.database.static(role)
        return Prepared(role, write_time(found.rotated_at))

    async def make(self, desk: Desk) -> Made:
        """Change the idle user's password, unless an answer that was lost did so already."""
        role, before = desk.intent.role, desk.intent.before
        database = desk.working_as.database
        found = await database.static(role)
        if write_time(found.rotated_at) == before:
            async with self.turn(desk):
                await desk.vault.rotate_static(role)
            found = await database.static(role)
        marker = write_time(found.rotated_at)
        return Made(
            files(desk.spec, found.username, found.password),
            Handle(slot=role[-1], marker=marker),
            issued_at=found.rotated_at,
        )

    async def retire(self, desk: Desk, data: Mapping[str, str], lease: str) -> None:
        """Change the password once more, so that the old one is dead."""
        await self.change_password(desk)
