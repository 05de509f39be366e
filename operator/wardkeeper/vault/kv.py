# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The KV v2 path of one workflow, with the token of that workflow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wardkeeper.rotation.record import read_time
from wardkeeper.vault.client import Effect, Operation, nothing
from wardkeeper.vault.names import kv_path, synced_path
from wardkeeper.vault.session import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from wardkeeper.vault.client import VaultClient


@dataclass(frozen=True, slots=True)
class KvEntry:
    """The newest version of an entry.

    Attributes:
        version: its number, which the next write must name.
        created: when Vault made it.
        data: its values; empty when it was deleted or destroyed, its number still counts.
    """

    version: int
    created: datetime
    data: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SyncedEntry:
    """The newest version of what somebody else writes.

    Attributes:
        version: its number.
        created: when it was written.
        data: its values; empty when it was deleted.
        deleted: it was deleted or destroyed on purpose.
    """

    version: int
    created: datetime
    data: Mapping[str, str] = field(repr=False)
    deleted: bool = False


class OwnPath:
    """What one workflow keeps in KV. Lives as long as the session that made it."""

    def __init__(self, client: VaultClient, token: str, namespace: str, workflow: str) -> None:
        self._client = client
        self._token = token
        self._namespace = namespace
        self._workflow = workflow

    async def read(self, secret: str, version: int | None = None) -> KvEntry | None:
        """The newest version, or the one of that number; None when there has never been one.

        Raises:
            VaultError: it cannot be read.
        """
        mount, path = self._place(secret)

        def act(vault: Any) -> Any:
            try:
                return vault.secrets.kv.v2.read_secret_version(
                    path, version=version, mount_point=mount, raise_on_deleted_version=True
                )
            except Refused as refused:
                if refused.status == 404 and not refused.errors:
                    return {"data": {"data": None, "metadata": refused.metadata}}
                raise

        operation = Operation(f"read {self._entry(secret)}", Effect.PURE, label="kv_read")
        return await self._client.run(operation, act, _read_entry, token=self._token)

    async def write(self, secret: str, data: Mapping[str, str], cas: int) -> KvEntry:
        """Write the version after `cas` (0 for the first).

        Raises:
            VaultError: of kind CAS when `cas` is not the newest version. After any other error
                the version may have been written: read before writing again.
        """
        mount, path = self._place(secret)
        operation = Operation(f"write {self._entry(secret)}", Effect.CREATES, label="kv_write")

        def read(answer: Mapping[str, Any]) -> KvEntry:
            made = answer["data"]
            return KvEntry(int(made["version"]), read_time(made["created_time"]), dict(data))

        return await self._client.run(
            operation,
            lambda vault: vault.secrets.kv.v2.create_or_update_secret(
                path, secret=dict(data), cas=cas, mount_point=mount
            ),
            read,
            token=self._token,
        )

    async def destroy(self, secret: str, versions: tuple[int, ...]) -> None:
        """Destroy single versions; their numbers still count. Done when they are gone already.

        Raises:
            VaultError: they cannot be destroyed.
        """
        mount, path = self._place(secret)
        operation = Operation(
            f"destroy old versions of {self._entry(secret)}", Effect.IDEMPOTENT, label="kv_destroy"
        )
        await self._client.run(
            operation,
            lambda vault: vault.secrets.kv.v2.destroy_secret_versions(
                path, versions=list(versions), mount_point=mount
            ),
            nothing,
            token=self._token,
        )

    async def read_synced(self, path: str) -> SyncedEntry | None:
        """The newest version of what others write for this workflow; None: never written.

        Raises:
            VaultError: it cannot be read.
        """
        mount = self._client.access.kv_mount
        place = synced_path(self._namespace, self._workflow, path)

        def act(vault: Any) -> Any:
            try:
                return vault.secrets.kv.v2.read_secret_version(
                    place, mount_point=mount, raise_on_deleted_version=True
                )
            except Refused as refused:
                if refused.status == 404 and not refused.errors:
                    return {"data": {"data": None, "metadata": refused.metadata}}
                raise

        operation = Operation(f"read {place}", Effect.PURE, label="kv_read")
        return await self._client.run(operation, act, _read_synced, token=self._token)

    async def password(self, policy: str) -> str:
        """A value drawn by Vault after one of its password policies.

        Raises:
            VaultError: there is no such policy, or it may not be used.
        """
        operation = Operation(
            f"draw a value by password policy {policy}", Effect.PURE, label="password"
        )
        return await self._client.run(
            operation,
            lambda vault: vault.read(f"sys/policies/password/{policy}/generate"),
            lambda answer: str(answer["data"]["password"]),
            token=self._token,
        )

    async def remove(self, secret: str) -> None:
        """Remove all versions and the metadata; done when there is nothing.

        Raises:
            VaultError: it cannot be removed.
        """
        mount, path = self._place(secret)
        operation = Operation(f"remove {self._entry(secret)}", Effect.IDEMPOTENT, label="kv_remove")
        await self._client.run(
            operation,
            lambda vault: vault.secrets.kv.v2.delete_metadata_and_all_versions(
                path, mount_point=mount
            ),
            nothing,
            token=self._token,
        )

    def _place(self, secret: str) -> tuple[str, str]:
        mount = self._client.access.kv_mount
        return mount, kv_path(self._namespace, self._workflow, secret)

    def _entry(self, secret: str) -> str:
        return f"the KV entry of secret {secret} of workflow {self._namespace}/{self._workflow}"


def _read_entry(answer: Mapping[str, Any]) -> KvEntry | None:
    """An entry from KV v2's answer, which has metadata but no data for a deleted version."""
    metadata = answer["data"]["metadata"]
    if not metadata:
        return None
    data = answer["data"]["data"]
    return KvEntry(
        version=int(metadata["version"]),
        created=read_time(metadata["created_time"]),
        data={str(key): str(value) for key, value in (data or {}).items()},
    )


def _read_synced(answer: Mapping[str, Any]) -> SyncedEntry | None:
    metadata = answer["data"]["metadata"]
    if not metadata:
        return None
    data = answer["data"]["data"]
    return SyncedEntry(
        version=int(metadata["version"]),
        created=read_time(metadata["created_time"]),
        data={str(key): str(value) for key, value in (data or {}).items()},
        deleted=data is None,
    )
