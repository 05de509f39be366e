# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A transit key that is kept rotated. It never leaves Vault, and it is never deleted.

Old versions go on decrypting until a person has approved of giving them up: whoever gives them up
too early makes records unreadable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.credential import Engine
from wardkeeper.engine.secrets.driver import Made, Prepared
from wardkeeper.engine.secrets.drivers.plain import PlainDriver
from wardkeeper.proof.errors import NotProven
from wardkeeper.rotation.credential import Handle
from wardkeeper.vault.names import transit_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wardkeeper.engine.secrets.driver import Desk


class TransitDriver(PlainDriver):
    """The engine of `transit`."""

    engine = Engine.TRANSIT
    delivers = False

    async def prepare(self, desk: Desk) -> Prepared:
        """The key and its newest version."""
        name = _name(desk)
        state = await desk.working_as.transit.key(name)
        return Prepared(name, str(state.latest))

    async def make(self, desk: Desk) -> Made:
        """Add a version, unless an answer that was lost did so already.

        The first one of a key is there; that of another key than before is taken as it is.
        """
        transit, name = desk.working_as.transit, desk.intent.role
        latest = (await transit.key(name)).latest
        if desk.goes_on and str(latest) == desk.intent.before:
            await transit.rotate(name)
            latest = (await transit.key(name)).latest
        return Made({}, Handle(marker=str(latest)), issued_at=desk.now)

    async def prove(self, desk: Desk, data: Mapping[str, str]) -> None:
        """There and back.

        Raises:
            NotProven: it does not come back as it was.
        """
        transit, name = desk.working_as.transit, desk.intent.role
        drawn = desk.random.randbytes(16).hex()
        if await transit.decrypt(name, await transit.encrypt(name, drawn)) != drawn:
            raise NotProven(f"transit key {name} does not decrypt what it encrypts")

    async def retire(self, desk: Desk, data: Mapping[str, str], lease: str) -> None:
        """Give up versions before the one in use; a person has approved of that.

        Of a version that never was in use nobody approved anything, and a person approves for the
        key that is in use, not for one that was replaced by another.
        """
        entry, current = desk.intent, desk.current
        if current is None or entry.proven_at is None or not desk.goes_on:
            return
        version = int(current.handle.marker)
        await desk.working_as.transit.give_up_before(entry.role, version)


def _name(desk: Desk) -> str:
    source = desk.spec.source.transit
    if source is None:
        raise ValueError(f"secret {desk.spec.name} is no transit key")
    return transit_key(desk.namespace, desk.workflow, source.key)
