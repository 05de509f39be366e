# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Vault as one workflow sees it, with the token of that workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.vault.kv import OwnPath

if TYPE_CHECKING:
    from wardkeeper.vault.client import VaultClient


class OwnVault:
    """What a workflow may do for itself; lives as long as its token."""

    def __init__(self, client: VaultClient, token: str, namespace: str, workflow: str) -> None:
        self.kv = OwnPath(client, token, namespace, workflow)
