# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The ledger: one entry for each credential that lives, so that none is ever forgotten.

It stands in the operator's namespace and outlives workflows, their namespaces and the operator.
What is known of it comes from a watch and from the answers to our own writes; every change names
the version that it is made of, so two operators cannot both make it. Entries are kept packed:
thousands of them are known and few are looked at.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from wardkeeper.api.credential import (
    CREDENTIAL_KIND,
    PASSWORDS,
    REVOKE_FINALIZER,
    CredentialPhase,
)
from wardkeeper.api.reasons import Reason
from wardkeeper.engine.gone import Gone
from wardkeeper.engine.outcome import Transient
from wardkeeper.engine.secrets.ledger_form import (
    Owner,
    credential_of,
    entry_name,
    intent_of,
    is_doomed,
    is_held,
    owner_of,
    packed_entry,
    phase_of,
    status_of,
)
from wardkeeper.kube.errors import Conflict, Invalid, NotFound
from wardkeeper.kube.resource import resource_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wardkeeper.api.credential import CredentialPhase
    from wardkeeper.kube.client import Client
    from wardkeeper.rotation.credential import Credential

__all__ = ["Ledger", "Owner"]

_RESOURCE = resource_of(CREDENTIAL_KIND)


class _Kept(NamedTuple):
    """An entry as it is kept; what is asked often lies open."""

    uid: str
    version: int
    secret: str
    phase: CredentialPhase
    doomed: bool
    packed: bytes

    def credential(self) -> Credential:
        return credential_of(orjson.loads(self.packed))


class Ledger:
    """All entries, by the uid of the workflow that they were made for.

    Args:
        client: the API server.
        namespace: the operator's own.
    """

    def __init__(self, client: Client, namespace: str) -> None:
        self.namespace = namespace
        self._client = client
        self._entries: dict[str, dict[str, _Kept]] = {}
        self._owners: dict[str, Owner] = {}
        self._uids: dict[str, str] = {}
        self._gone = Gone()

    def observe(self, type: str, raw: Mapping[str, Any]) -> Owner | None:  # noqa: A002
        """Take in an event; whose entry it was if it is news, else None.

        What vanished while nobody watched comes with namespace and name only.
        """
        if type != "DELETED":
            return owner_of(raw) if self._take_in(raw) else None
        metadata = raw["metadata"]
        name, uid = metadata["name"], metadata.get("uid")
        if uid is not None:
            self._gone.add(uid, int(metadata["resourceVersion"]))
        kept = self._find(name)
        if kept is None or uid not in (None, kept.uid):
            return None
        owner = self._owners[self._uids[name]]
        self._drop(name)
        return owner

    def names(self) -> Iterable[str]:
        """Names of all entries."""
        return tuple(self._uids)

    def owners(self) -> tuple[Owner, ...]:
        """Whoever has entries."""
        return tuple(self._owners.values())

    def phases(self) -> Mapping[CredentialPhase, int]:
        """How many entries there are in each phase."""
        return Counter(one.phase for kept in self._entries.values() for one in kept.values())

    def is_doomed(self, name: str) -> bool:
        """Whether somebody asked to delete this entry."""
        kept = self._find(name)
        return kept is not None and kept.doomed

    def all_of(self, uid: str) -> tuple[Credential, ...]:
        """Every entry of one workflow."""
        return tuple(one.credential() for one in self._entries.get(uid, {}).values())

    def of(self, uid: str, secret: str) -> tuple[Credential, ...]:
        """The entries of one secret of a workflow."""
        kept = self._entries.get(uid, {}).values()
        return tuple(one.credential() for one in kept if one.secret == secret)

    def users_of_others(self, uid: str, secret: str) -> frozenset[str]:
        """Roles of the static users that other secrets of a workflow work with, or are about to.

        A secret that is given another name is another one, and two may change places.
        """
        return frozenset(
            one.role
            for one in self.all_of(uid)
            if one.secret != secret
            and one.engine in PASSWORDS
            and not (one.revoke_after or one.rejected_at)
        )

    def tokens(self, uid: str) -> tuple[Credential, ...]:
        """The entries of the workflow's own tokens, the best first.

        One that lasts longer is better. The worst are those that Vault has refused, and those
        that somebody asked to delete.
        """
        return tuple(sorted(self.of(uid, ""), key=_worth, reverse=True))

    def token(self, uid: str) -> Credential | None:
        """The entry of the token that the workflow uses; None when there is none."""
        return next(iter(self.tokens(uid)), None)

    async def intend(self, owner: Owner, credential: Credential) -> Credential:
        """Record an intent before anything is asked for; the entry.

        When the same was intended before, that entry.

        Raises:
            ApiError: it cannot be recorded: then nothing may be asked for.
            Transient: an entry of the same name is just going.
        """
        try:
            stored = await self._client.create(intent_of(owner, credential, self.namespace))
        except Conflict:
            stored = await self._standing(owner, credential)
        self._take_in(stored)
        return credential_of(stored)

    async def note(self, credential: Credential, **changes: Any) -> Credential:
        """Record how far a credential has come; the entry as it is then.

        Raises:
            Transient: the entry is not as it was when it was looked at.
            ApiError: the API server refused.
        """
        ops: list[dict[str, Any]] = [
            {
                "op": "test",
                "path": "/metadata/resourceVersion",
                "value": credential.resource_version,
            },
            {"op": "add", "path": "/status", "value": status_of(replace(credential, **changes))},
        ]
        kept = self._find(credential.name)
        if kept is not None:
            ops.insert(0, {"op": "test", "path": "/metadata/uid", "value": kept.uid})
        try:
            stored = await self._patch(credential.name, ops, subresource="status")
        except NotFound as error:
            raise _changed(credential.name) from error
        self._take_in(stored)
        return credential_of(stored)

    async def close(self, credential: Credential) -> None:
        """Forget a credential that has ended; done when its entry is gone already.

        Whoever dies between the two writes leaves an entry that is to be deleted: the credential
        is ended once more, and then its entry goes.

        Raises:
            Transient: the entry is not as it was when it was looked at.
            ApiError: the API server refused.
        """
        name = credential.name
        kept = self._find(name)
        if kept is None:
            return
        try:
            if not kept.doomed:
                await self._client.delete(_RESOURCE, self.namespace, name, uid=kept.uid)
            held = orjson.loads(kept.packed)["metadata"].get("finalizers", ())
            if REVOKE_FINALIZER in held:
                await self._let_go(name, kept.uid, held.index(REVOKE_FINALIZER))
        except NotFound:
            pass
        except Conflict as error:
            raise _changed(name) from error
        self._gone.add(kept.uid)
        self._drop(name)

    async def _let_go(self, name: str, uid: str, index: int) -> None:
        """Take our finalizer off, and nobody else's."""
        path = f"/metadata/finalizers/{index}"
        ops = [
            {"op": "test", "path": "/metadata/uid", "value": uid},
            {"op": "test", "path": path, "value": REVOKE_FINALIZER},
            {"op": "remove", "path": path},
        ]
        await self._patch(name, ops)

    async def _standing(self, owner: Owner, credential: Credential) -> dict[str, Any]:
        """The entry that bears the name already, if it is the same intent."""
        name = entry_name(owner, credential)
        try:
            stored = await self._client.get(_RESOURCE, self.namespace, name)
        except NotFound as error:
            raise _changed(name) from error
        same = stored["spec"]["rotationId"] == credential.rotation_id
        if not same or owner_of(stored) != owner or not is_held(stored):
            raise _changed(name)
        return stored

    async def _patch(
        self, name: str, ops: list[dict[str, Any]], *, subresource: str = ""
    ) -> dict[str, Any]:
        try:
            return await self._client.json_patch(
                _RESOURCE, self.namespace, name, ops, subresource=subresource
            )
        except (Conflict, Invalid) as error:
            if isinstance(error, Invalid) and error.causes:
                raise
            raise _changed(name) from error

    def _take_in(self, raw: Mapping[str, Any]) -> bool:
        """Remember an entry; whether it is news."""
        metadata, owner = raw["metadata"], owner_of(raw)
        name, uid, version = metadata["name"], metadata["uid"], int(metadata["resourceVersion"])
        known = self._find(name)
        late = known is not None and known.version >= version
        if late or self._gone.holds(uid, version):
            return False
        if not is_held(raw):
            self._gone.add(uid, version)
            self._drop(name)
            return known is not None
        credential = credential_of(raw)
        owner = self._owners.setdefault(owner.uid, owner)
        self._entries.setdefault(owner.uid, {})[name] = _Kept(
            uid, version, credential.secret, phase_of(credential), is_doomed(raw), packed_entry(raw)
        )
        self._uids[name] = owner.uid
        return True

    def _find(self, name: str) -> _Kept | None:
        return self._entries.get(self._uids.get(name, ""), {}).get(name)

    def _drop(self, name: str) -> None:
        uid = self._uids.pop(name, None)
        if uid is None:
            return
        entries = self._entries[uid]
        entries.pop(name, None)
        if not entries:
            del self._entries[uid], self._owners[uid]


def _worth(token: Credential) -> tuple[bool, float, int]:
    ends = token.expires_at.timestamp() if token.expires_at else 0.0
    good = not token.doomed and token.rejected_at is None
    return good, ends, int(token.resource_version)


def _changed(name: str) -> Transient:
    return Transient(
        Reason.API_UNAVAILABLE,
        f"{CREDENTIAL_KIND} {name} is not as it was when it was looked at; it is looked at again",
    )
