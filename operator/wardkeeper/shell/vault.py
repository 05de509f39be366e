# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Opens Vault as the settings describe it; the operator's token is read anew for each login."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

from wardkeeper.kube.credentials import AccessError, TokenFile
from wardkeeper.vault.access import VaultAccess
from wardkeeper.vault.errors import Kind, VaultError
from wardkeeper.vault.pace import Pace
from wardkeeper.vault.workflows import WorkflowVault

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from wardkeeper.settings import VaultSettings
    from wardkeeper.vault.client import Observe


def open_vault(
    settings: VaultSettings,
    clock: Callable[[], datetime],
    observe: Observe | None = None,
    changed: Callable[[bool], None] = lambda _: None,
) -> WorkflowVault:
    """Vault as the settings describe it; nothing is asked yet.

    Args:
        settings: where it is.
        clock: the time, with time zone.
        observe: told the label, the outcome and the seconds of each request.
        changed: told when Vault turns out to be away (True), and when it answers again.
    """
    token = TokenFile(Path(settings.token_file))

    async def operator_jwt() -> str:
        try:
            return token()
        except AccessError:
            raise VaultError(Kind.NO_JWT, "log in to Vault") from None

    return WorkflowVault(
        VaultAccess(
            address=settings.address,
            ca_file=settings.ca_file,
            namespace=settings.namespace,
            auth_mount=settings.auth_mount,
            kv_mount=settings.kv_mount,
            database_mount=settings.database_mount,
            pki_mount=settings.pki_mount,
            transit_mount=settings.transit_mount,
            operator_role=settings.role,
            token_period=settings.token_period,
        ),
        operator_jwt,
        clock=clock,
        random=random.Random(),  # noqa: S311 - spreads waiting, makes no secret
        pace=Pace(settings.writes_per_second),
        observe=observe,
        changed=changed,
    )
