# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The leases that hang on a workflow's token: its end is theirs, whatever Vault says of them.

A lease that came to its end this way is replaced like any other; nothing here asks Vault to end
one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.credential import Engine

if TYPE_CHECKING:
    from datetime import datetime

    from wardkeeper.engine.secrets.ledger import Ledger
    from wardkeeper.rotation.credential import Credential
    from wardkeeper.vault.workflows import WorkflowVault


class TokenLeases:
    """The leases of all workflows.

    Args:
        ledger: where they are kept, their ids encrypted.
        vault: decrypts them.
    """

    def __init__(self, ledger: Ledger, vault: WorkflowVault) -> None:
        self._ledger = ledger
        self._vault = vault
        self._open: dict[str, dict[str, str]] = {}

    async def known(self, uid: str) -> frozenset[str]:
        """Ids of the leases that the ledger knows for a workflow, in the clear.

        Raises:
            VaultError: they cannot be decrypted now.
        """
        before, known = self._open.get(uid, {}), {}
        for entry in self._ledger.all_of(uid):
            kept = entry.handle.lease
            if entry.engine is Engine.DATABASE_DYNAMIC and kept:
                known[kept] = before.get(kept) or await self._vault.decrypt(kept)
        self._open[uid] = known
        return frozenset(known.values())

    async def end_with(self, uid: str, token: Credential, now: datetime) -> bool:
        """Note that what hangs on a token has come to its end; whether anything does.

        Raises:
            ApiError: an entry of the ledger could not be written.
            Transient: an entry changed meanwhile.
        """
        hanging = [one for one in self._ledger.all_of(uid) if _hangs_on(one, token)]
        for entry in hanging:
            if entry.expires_at is None or entry.expires_at > now:
                await self._ledger.note(entry, expires_at=now, ends_at=now)
        return bool(hanging)

    def forget(self, uid: str) -> None:
        """Nothing of a workflow is kept in memory."""
        self._open.pop(uid, None)


def _hangs_on(entry: Credential, token: Credential) -> bool:
    """Whether this token made the lease; one of an unknown token is taken for one of any."""
    is_lease = entry.engine is Engine.DATABASE_DYNAMIC and entry.issued_at is not None
    return is_lease and entry.handle.accessor in ("", token.handle.accessor)
