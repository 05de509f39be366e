# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Keys of Vault's transit engine: rotated and used, never read, never deleted."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wardkeeper.vault.client import Effect, Operation, nothing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wardkeeper.vault.client import VaultClient


@dataclass(frozen=True, slots=True)
class KeyState:
    """Versions of a key: the newest, and the oldest that still decrypts."""

    latest: int
    min_decryption: int


class OwnTransit:
    """The keys of one identity: a workflow, or the operator with the key of its ledger."""

    def __init__(self, client: VaultClient, token: str) -> None:
        self._client = client
        self._token = token

    async def key(self, name: str) -> KeyState:
        """Which versions there are.

        Raises:
            VaultError: of kind SOURCE_MISSING, or another.
        """
        return await self._client.run(
            Operation(f"read transit key {name}", Effect.PURE, label="transit_read"),
            lambda vault: vault.read(self._path("keys", name)),
            lambda answer: KeyState(
                int(answer["data"]["latest_version"]), int(answer["data"]["min_decryption_version"])
            ),
            token=self._token,
        )

    async def rotate(self, name: str) -> None:
        """Add a version.

        Raises:
            VaultError: it may have been added all the same: read before asking again.
        """
        await self._client.run(
            Operation(f"rotate transit key {name}", Effect.CREATES, label="transit_rotate"),
            lambda vault: vault.write_data(f"{self._path('keys', name)}/rotate", data={}),
            nothing,
            token=self._token,
        )

    async def give_up_before(self, name: str, version: int) -> None:
        """Let nothing be decrypted any more that versions before this one encrypted.

        Raises:
            VaultError: it cannot be set.
        """
        await self._client.run(
            Operation(f"give up old versions of {name}", Effect.IDEMPOTENT, label="transit_config"),
            lambda vault: vault.write_data(
                f"{self._path('keys', name)}/config", data={"min_decryption_version": version}
            ),
            nothing,
            token=self._token,
        )

    async def encrypt(self, name: str, text: str) -> str:
        """Encrypt a text with the newest version.

        Raises:
            VaultError: the key is missing, or may not be used.
        """
        body = {"plaintext": b64encode(text.encode()).decode()}
        return await self._client.run(
            Operation(f"encrypt with {name}", Effect.IDEMPOTENT, label="transit_encrypt"),
            lambda vault: vault.write_data(self._path("encrypt", name), data=body),
            lambda answer: str(answer["data"]["ciphertext"]),
            token=self._token,
        )

    async def decrypt(self, name: str, ciphertext: str) -> str:
        """The text again.

        Raises:
            VaultError: it was not encrypted with this key, or may not be decrypted any more.
        """
        return await self._client.run(
            Operation(f"decrypt with {name}", Effect.PURE, label="transit_decrypt"),
            lambda vault: vault.write_data(
                self._path("decrypt", name), data={"ciphertext": ciphertext}
            ),
            _plain,
            token=self._token,
        )

    def _path(self, kind: str, name: str) -> str:
        return f"{self._client.access.transit_mount}/{kind}/{name}"


def _plain(answer: Mapping[str, Any]) -> str:
    return b64decode(answer["data"]["plaintext"]).decode()
