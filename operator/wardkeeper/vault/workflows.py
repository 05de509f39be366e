# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What the engine asks of Vault for one workflow: roles, a session as the workflow, its KV path."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from random import Random

    from wardkeeper.vault.access import VaultAccess
    from wardkeeper.vault.health import Health
    from wardkeeper.vault.kv import OwnPath


class WorkflowVault:
    """Vault as the engine sees it; `async with` it, so that its token and threads end."""

    def __init__(
        self,
        access: VaultAccess,
        operator_jwt: Callable[[], Awaitable[str]],
        *,
        clock: Callable[[], datetime],
        random: Random,
    ) -> None:
        raise NotImplementedError

    async def health(self) -> Health:
        """Whether Vault is unsealed, its version and its clock; needs no token."""
        raise NotImplementedError

    async def ensure_roles(self, namespace: str, workflow: str) -> None:
        """Write both auth roles of a workflow, every field; as the operator."""
        raise NotImplementedError

    async def delete_roles(self, namespace: str, workflow: str) -> None:
        """Delete both auth roles of a workflow; done when they are gone already."""
        raise NotImplementedError

    def session(
        self, namespace: str, workflow: str, jwt: str
    ) -> AbstractAsyncContextManager[OwnPath]:
        """Log in as the workflow; its token is revoked at the end."""
        raise NotImplementedError
