# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Vault as one workflow sees it, with the token of that workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.vault.database import OwnDatabase
from wardkeeper.vault.kv import OwnPath
from wardkeeper.vault.pki import OwnPki
from wardkeeper.vault.transit import OwnTransit

if TYPE_CHECKING:
    from wardkeeper.vault.client import VaultClient


class OwnVault:
    """What a workflow may do for itself; lives as long as its token.

    Attributes:
        kv: its own path of KV, and what others write for it.
        database: its database roles.
        pki: its certificates.
        transit: its keys.
    """

    def __init__(self, client: VaultClient, token: str, namespace: str, workflow: str) -> None:
        self.kv = OwnPath(client, token, namespace, workflow)
        self.database = OwnDatabase(client, token)
        self.pki = OwnPki(client, token)
        self.transit = OwnTransit(client, token)
