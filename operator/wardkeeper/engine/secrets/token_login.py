# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Logs in to Vault as a workflow and keeps the token in the ledger, or gives it back.

The entry stands before the token exists. A login whose answer was lost leaves a token that ends
after its period, with nothing made by it; nobody can find it earlier.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from wardkeeper.api.credential import Engine
from wardkeeper.engine.outcome import Transient
from wardkeeper.rotation.credential import Credential, Handle
from wardkeeper.rotation.identity import rotation_id
from wardkeeper.rotation.token import CHAIN
from wardkeeper.vault.errors import VaultError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wardkeeper.engine.secrets.ledger import Ledger, Owner
    from wardkeeper.vault.token import Login
    from wardkeeper.vault.workflows import WorkflowVault


class TokenLogin:
    """Makes tokens of workflows.

    Args:
        ledger: where they are kept.
        vault: Vault.
        workflow_jwt: (namespace, ServiceAccount) -> a token for the audience `vault-operator`.
    """

    def __init__(
        self,
        ledger: Ledger,
        vault: WorkflowVault,
        workflow_jwt: Callable[[str, str], Awaitable[str]],
    ) -> None:
        self._ledger = ledger
        self._vault = vault
        self._jwt = workflow_jwt

    async def log_in(self, owner: Owner) -> tuple[Credential, str]:
        """Log in; the entry that keeps the token, and the token.

        Raises:
            VaultError: the login failed, or the token could not be encrypted.
            ApiError: the API server refused a token, or an entry of the ledger.
            Transient: the entry changed meanwhile.
        """
        entry = await self._intended(owner)
        await self._vault.ensure_roles(owner.namespace, owner.name)
        jwt = await self._jwt(owner.namespace, owner.name)
        login = await self._vault.log_in(owner.namespace, owner.name, jwt)
        try:
            return await self._keep(entry, login), login.token
        except (Transient, VaultError):
            await self._give_back(login)
            raise

    async def _intended(self, owner: Owner) -> Credential:
        """The entry of a login that is to come; one that was intended before is taken up."""
        tokens = self._ledger.tokens(owner.uid)
        entry = next((one for one in tokens if one.issued_at is None and not one.doomed), None)
        if entry is not None:
            return entry
        before = max(tokens, key=lambda one: int(one.resource_version), default=None)
        chained = rotation_id(owner.uid, CHAIN, before.rotation_id if before else "")
        made = Credential(name="", secret="", engine=Engine.TOKEN, rotation_id=chained)
        return await self._ledger.intend(owner, made)

    async def _keep(self, entry: Credential, login: Login) -> Credential:
        now = await self._vault.now()
        lasts = timedelta(seconds=int(login.lasts))
        return await self._ledger.note(
            entry,
            handle=Handle(lease=await self._vault.encrypt(login.token), accessor=login.accessor),
            issued_at=now,
            proven_at=now,
            expires_at=now + lasts,
            term=lasts,
        )

    async def _give_back(self, login: Login) -> None:
        """Revoke a token that could not be kept; else it ends after its period."""
        try:
            await self._vault.revoke_self(login.token)
        except VaultError:
            return
