# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Has an intended credential made and kept, or adopts what a lost answer made of it.

What is made is kept in the workflow's own KV entry before anybody is told of it. So a process that
dies on the way is followed by one that finds it there, by the rotation id that lies beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from wardkeeper.api.reasons import Reason
from wardkeeper.rotation.credential import Handle
from wardkeeper.rotation.version import Version, read_version, write_version
from wardkeeper.vault.errors import Kind, VaultError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wardkeeper.engine.secrets.driver import Desk, Driver, Made
    from wardkeeper.rotation.credential import Credential
    from wardkeeper.vault.kv import KvEntry
    from wardkeeper.vault.own import OwnVault

_WRITES = 3
"""Writes that may lose against somebody else's before the pass gives up and another one starts."""


class NothingMade(Exception):
    """There is nothing to deliver, and nothing empty ever replaces something.

    Attributes:
        reason: the reason for a condition.
    """

    def __init__(self, message: str, reason: Reason = Reason.SECRET_EMPTY) -> None:
        self.reason = reason
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Issued:
    """A credential that was made and kept.

    Attributes:
        changes: what the ledger notes of it.
        version: what is delivered; None when nothing is.
    """

    changes: Mapping[str, Any]
    version: Version | None


async def issue(driver: Driver, desk: Desk, entry: Credential, uid: str) -> Issued:
    """Make what an entry intends, exactly once.

    Args:
        driver: its engine.
        desk: what the engine works with.
        entry: the intent.
        uid: uid of the workflow.

    Raises:
        VaultError: it could not be made, or not be kept; call again.
        NotProven: what was made is not what was asked for.
        NothingMade: its source is empty.
    """
    own, secret = desk.working_as, desk.spec.name
    if not driver.delivers:
        made = await driver.make(desk)
        return Issued(_changes(made.handle, made, desk), None)
    for _ in range(_WRITES):
        newest = await own.kv.read(secret)
        held = _version(newest, uid)
        ours = held if held and held.rotation_id == entry.rotation_id else None
        if ours is not None and not ours.pending:
            await tidy(own, secret, ours, uid)
            return await _adopted(desk, ours)
        number = newest.version if newest else 0
        keeper = _Keeper(desk, entry, uid, number, held, half_made=number if ours else 0)
        made = await driver.make(replace(desk, pending=ours.data if ours else {}, keep=keeper.keep))
        if not made.data or not all(made.data.values()):
            await _undo(desk, made)
            raise NothingMade(f"the source of secret {secret} lacks values")
        try:
            version = await _kept(desk, made, keeper)
        except VaultError as error:
            settled = await _settled(desk, made, entry, uid)
            if settled is None and error.kind is not Kind.CAS:
                raise
            if settled is None:
                continue
            version = settled
            await keeper.tidy()
        return await _adopted(desk, version)
    raise VaultError(Kind.CAS, f"keep a new version of secret {secret}")


async def recall(own: OwnVault, secret: str, entry: Credential, uid: str) -> Version | None:
    """What an entry delivers, from KV; None when KV does not hold it any more.

    Of an intent it is what a lost answer left: the newest version, perhaps half made.

    Raises:
        VaultError: it cannot be read.
    """
    version = _version(await own.kv.read(secret, entry.handle.kv_version or None), uid)
    return version if version and version.rotation_id == entry.rotation_id else None


@dataclass(slots=True)
class _Keeper:
    """Writes versions of one entry, each after the one before."""

    desk: Desk
    entry: Credential
    uid: str
    number: int
    before: Version | None
    half_made: int = 0

    async def keep(self, pending: Mapping[str, str]) -> None:
        """Keep half-made material."""
        self.half_made = (await self.write(pending, {}, pending=True)).version

    async def tidy(self) -> None:
        """Destroy the half that the whole has replaced; it goes with the whole if not now."""
        if self.half_made:
            try:
                await self.desk.working_as.kv.destroy(self.desk.spec.name, (self.half_made,))
            except VaultError:
                return

    async def write(
        self, data: Mapping[str, str], beside: Mapping[str, Any], *, pending: bool = False
    ) -> KvEntry:
        """Keep a version."""
        stored = write_version(
            data,
            rotation_id=self.entry.rotation_id,
            uid=self.uid,
            before=self.before,
            random=self.desk.random,
            beside=beside,
            pending=pending,
        )
        kept = await self.desk.working_as.kv.write(self.desk.spec.name, stored, self.number)
        self.number = kept.version
        return kept


async def _kept(desk: Desk, made: Made, keeper: _Keeper) -> Version:
    """Keep what was made."""
    beside = {
        "lease": made.lease,
        "serial": made.handle.serial,
        "slot": made.handle.slot,
        "marker": made.handle.marker,
        "issued": made.issued_at,
        "expires": made.expires_at,
        "ends": made.ends_at,
    }
    version = _version(await keeper.write(made.data, beside), keeper.uid)
    if version is None:
        raise VaultError(Kind.NOT_VAULT, f"keep secret {desk.spec.name}")
    await keeper.tidy()
    return version


async def tidy(own: OwnVault, secret: str, whole: Version, uid: str) -> None:
    """Destroy the half that a version has replaced, if whoever kept both could not.

    Raises:
        VaultError: it cannot be read or destroyed now.
    """
    if whole.number == 1:
        return
    before = _version(await own.kv.read(secret, whole.number - 1), uid)
    if before and before.pending and before.rotation_id == whole.rotation_id:
        await own.kv.destroy(secret, (before.number,))


async def _settled(desk: Desk, made: Made, entry: Credential, uid: str) -> Version | None:
    """What KV holds of an entry after a write that failed, or whose answer was lost.

    A lease that KV does not hold is ended. When nobody can tell it is left alone: the next try
    finds it in KV, or ends it as one that nobody knows.
    """
    try:
        found = await recall(desk.working_as, desk.spec.name, entry, uid)
    except VaultError:
        return None
    whole = found if found is not None and not found.pending else None
    if whole is None or whole.beside.get("lease", "") != made.lease:
        await _undo(desk, made)
    return whole


async def _adopted(desk: Desk, version: Version) -> Issued:
    """What the ledger notes of a version that KV keeps."""
    beside = version.beside
    lease = beside.get("lease", "")
    handle = Handle(
        kv_version=version.number,
        lease=await desk.vault.encrypt(lease) if lease else "",
        serial=beside.get("serial", ""),
        slot=beside.get("slot", ""),
        marker=beside.get("marker", ""),
    )
    issued, expires = version.time("issued") or version.created, version.time("expires")
    changes = {
        "handle": handle,
        "issued_at": issued,
        "expires_at": expires,
        "ends_at": version.time("ends"),
        "term": expires - issued if expires and lease else None,
    }
    return Issued(changes, version)


def _changes(handle: Handle, made: Made, desk: Desk) -> dict[str, Any]:
    return {
        "handle": handle,
        "issued_at": made.issued_at or desk.now,
        "expires_at": made.expires_at,
        "ends_at": made.ends_at,
    }


async def _undo(desk: Desk, made: Made) -> None:
    """End a lease that nobody knows of; when that fails, the next try finds and ends it."""
    if made.lease:
        try:
            await desk.vault.revoke_lease(made.lease)
        except VaultError:
            return


def _version(entry: KvEntry | None, uid: str) -> Version | None:
    if entry is None:
        return None
    return read_version(entry.data, number=entry.version, created=entry.created, uid=uid)
