# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The ledger: one entry for each credential that lives, so that none is ever forgotten.

It stands in the operator's namespace and outlives workflows, their namespaces and the operator.
What is known of it comes from a watch and from the answers to our own writes; every change names
the version that it is made of, so two operators cannot both make it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wardkeeper.api.credential import CREDENTIAL_KIND, REVOKE_FINALIZER, Engine
from wardkeeper.api.reasons import Reason
from wardkeeper.engine.gone import Gone
from wardkeeper.engine.ledger_form import (
    Owner,
    credential_of,
    entry_name,
    intent_of,
    owner_of,
    status_of,
)
from wardkeeper.engine.outcome import Transient
from wardkeeper.kube.errors import Conflict, Invalid, NotFound
from wardkeeper.kube.resource import resource_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wardkeeper.kube.client import Client
    from wardkeeper.rotation.credential import Credential

__all__ = ["Ledger", "Owner"]

_RESOURCE = resource_of(CREDENTIAL_KIND)


class Ledger:
    """All entries, by the uid of the workflow that they were made for.

    Args:
        client: the API server.
        namespace: the operator's own.
    """

    def __init__(self, client: Client, namespace: str) -> None:
        self.namespace = namespace
        self._client = client
        self._entries: dict[str, dict[str, Credential]] = {}
        self._owners: dict[str, Owner] = {}
        self._uids: dict[str, str] = {}
        self._gone = Gone()

    def observe(self, type: str, raw: Mapping[str, Any]) -> Owner | None:  # noqa: A002
        """Take in an event; whose entry it was if it is news, else None."""
        name = raw["metadata"]["name"]
        if type == "DELETED":
            owner = self._owners.get(self._uids.get(name, ""))
            self._forget(raw)
            return owner
        return owner_of(raw) if self._take_in(raw) else None

    def names(self) -> Iterable[str]:
        """Names of all entries."""
        return tuple(self._uids)

    def owners(self) -> tuple[Owner, ...]:
        """Whoever has entries."""
        return tuple(self._owners.values())

    def all_of(self, uid: str) -> tuple[Credential, ...]:
        """Every entry of one workflow."""
        return tuple(self._entries.get(uid, {}).values())

    def of(self, uid: str, secret: str) -> tuple[Credential, ...]:
        """The entries of one secret of a workflow."""
        return tuple(one for one in self.all_of(uid) if one.secret == secret)

    def token(self, uid: str) -> Credential | None:
        """The entry of the workflow's own token, the newest if there are two."""
        tokens = [one for one in self.all_of(uid) if one.engine is Engine.TOKEN]
        return max(tokens, key=lambda one: int(one.resource_version), default=None)

    async def intend(self, owner: Owner, credential: Credential) -> Credential:
        """Record an intent before anything is asked for; the entry.

        When the same was intended before, that entry.

        Raises:
            ApiError: it cannot be recorded: then nothing may be asked for.
        """
        try:
            stored = await self._client.create(intent_of(owner, credential, self.namespace))
        except Conflict:
            name = entry_name(owner, credential)
            stored = await self._client.get(_RESOURCE, self.namespace, name)
        self._take_in(stored)
        return credential_of(stored)

    async def note(self, credential: Credential, **changes: Any) -> Credential:
        """Record how far a credential has come; the entry as it is then.

        Raises:
            Transient: the entry is not as it was when it was looked at.
            ApiError: the API server refused.
        """
        changed = replace(credential, **changes)
        ops: list[dict[str, Any]] = [
            {
                "op": "test",
                "path": "/metadata/resourceVersion",
                "value": credential.resource_version,
            },
            {"op": "add", "path": "/status", "value": status_of(changed)},
        ]
        stored = await self._patch(credential, ops, subresource="status")
        return credential_of(stored)

    async def close(self, credential: Credential) -> None:
        """Forget a credential that has ended; done when its entry is gone already.

        Raises:
            ApiError: the API server refused.
        """
        uid = await self._uid(credential)
        if uid is None:
            return
        if not credential.doomed:
            await self._client.delete(_RESOURCE, self.namespace, credential.name, uid=uid)
        at = [{"op": "test", "path": "/metadata/uid", "value": uid}]
        with suppress(NotFound):
            await self._client.json_patch(
                _RESOURCE,
                self.namespace,
                credential.name,
                [*at, {"op": "replace", "path": "/metadata/finalizers", "value": []}],
            )
        self._drop(credential.name)

    async def _uid(self, credential: Credential) -> str | None:
        try:
            raw = await self._client.get(
                _RESOURCE, self.namespace, credential.name, metadata_only=True
            )
        except NotFound:
            self._drop(credential.name)
            return None
        if REVOKE_FINALIZER not in raw["metadata"].get("finalizers", ()):
            raise Transient(
                Reason.API_UNAVAILABLE, f"{CREDENTIAL_KIND} {credential.name} is being closed"
            )
        return str(raw["metadata"]["uid"])

    async def _patch(
        self, credential: Credential, ops: list[dict[str, Any]], *, subresource: str
    ) -> dict[str, Any]:
        try:
            stored = await self._client.json_patch(
                _RESOURCE, self.namespace, credential.name, ops, subresource=subresource
            )
        except (Conflict, Invalid, NotFound) as error:
            if isinstance(error, Invalid) and error.causes:
                raise
            raise Transient(
                Reason.API_UNAVAILABLE,
                f"{CREDENTIAL_KIND} {credential.name} changed meanwhile; it is looked at again",
            ) from error
        self._take_in(stored)
        return stored

    def _take_in(self, raw: Mapping[str, Any]) -> bool:
        """Remember an entry; whether it is news."""
        metadata, owner = raw["metadata"], owner_of(raw)
        version = int(metadata["resourceVersion"])
        if self._gone.holds(metadata["uid"], version):
            return False
        entries = self._entries.setdefault(owner.uid, {})
        known = entries.get(metadata["name"])
        if known is not None and int(known.resource_version) >= version:
            return False
        entries[metadata["name"]] = credential_of(raw)
        self._uids[metadata["name"]] = owner.uid
        self._owners[owner.uid] = owner
        return True

    def _forget(self, raw: Mapping[str, Any]) -> None:
        metadata = raw["metadata"]
        if "uid" in metadata:
            self._gone.add(metadata["uid"], int(metadata["resourceVersion"]))
        self._drop(metadata["name"])

    def _drop(self, name: str) -> None:
        uid = self._uids.pop(name, None)
        if uid is None:
            return
        entries = self._entries[uid]
        entries.pop(name, None)
        if not entries:
            del self._entries[uid], self._owners[uid]
