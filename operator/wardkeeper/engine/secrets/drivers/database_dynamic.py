# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A new database user each time, which lives as long as its lease.

A login whose answer was lost cannot be adopted, for nobody knows its password: before another one
is asked for, the leases of the role that the ledger does not know are ended.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from wardkeeper.api.credential import Engine
from wardkeeper.engine.secrets.driver import Made, Prepared
from wardkeeper.engine.secrets.drivers.database import DatabaseDriver, files, role_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from wardkeeper.engine.secrets.driver import Desk


class DatabaseDynamic(DatabaseDriver):
    """The engine of `database` with strategy Dynamic."""

    engine = Engine.DATABASE_DYNAMIC

    async def prepare(self, desk: Desk) -> Prepared:
        """The role whose leases are this workflow's."""
        return Prepared(role=role_of(desk))

    async def make(self, desk: Desk) -> Made:
        """Make a user, and end every other that nobody knows."""
        role = role_of(desk)
        await _end_unknown(desk, role)
        longest = await desk.working_as.database.longest(role)
        async with self.turn(desk):
            made = await desk.working_as.database.creds(role)
        return Made(
            files(desk.spec, made.username, made.password),
            lease=made.lease,
            issued_at=desk.now,
            expires_at=desk.now + timedelta(seconds=int(made.lasts)),
            ends_at=desk.now + timedelta(seconds=int(longest)) if longest else None,
        )

    async def renew(self, desk: Desk, lease: str) -> datetime:
        """Put its end off; when it then ends."""
        lasts = await desk.working_as.database.renew(lease)
        return desk.now + timedelta(seconds=int(lasts))

    async def retire(self, desk: Desk, data: Mapping[str, str], lease: str) -> None:
        """End its lease, and with it the user; of an intent, what a lost answer made of it."""
        if lease:
            await desk.vault.revoke_lease(lease)
        elif desk.intent.issued_at is None:
            await _end_unknown(desk, desk.intent.role)


async def _end_unknown(desk: Desk, role: str) -> None:
    """End the leases of a role that the ledger does not know."""
    for lease in await desk.vault.leases(role):
        if lease not in desk.known_leases:
            await desk.vault.revoke_lease(lease)
