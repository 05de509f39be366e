# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Carries out the bootstrap plan with an admin's token: reads each object, writes what differs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from wardkeeper.vault.bootstrap import grant_steps, in_place, mount_steps
from wardkeeper.vault.client import Effect, Operation, nothing
from wardkeeper.vault.errors import Kind, VaultError
from wardkeeper.vault.session import Refused, or_nothing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from wardkeeper.vault.bootstrap import BootstrapSettings, Current, Step
    from wardkeeper.vault.client import VaultClient

_TRIES = 20
_PAUSE = 0.25


class Change(StrEnum):
    """What became of a step."""

    UNCHANGED = "unchanged"
    CREATED = "created"
    CHANGED = "changed"


class NotReplaceable(Exception):
    """Something else stands where a mount should be; only a person may decide about it."""

    def __init__(self, step: Step) -> None:
        super().__init__(
            f"{step.path} exists and is no {step.title.partition(' at ')[0]}; "
            "choose another path for it, or remove what is there"
        )


@dataclass(frozen=True, slots=True)
class Installed:
    """One step and what became of it."""

    title: str
    change: Change


async def install(
    client: VaultClient, token: str, settings: BootstrapSettings
) -> AsyncIterator[Installed]:
    """Carry out the plan, step by step.

    Args:
        client: the Vault to set up.
        token: an admin's token; used for these requests only.
        settings: what is wanted.

    Raises:
        VaultError: a request failed; what was done stays, and another run goes on from there.
        NotReplaceable: a mount of another type is in the way.
    """
    for step in mount_steps(settings):
        yield Installed(step.title, await _ensure(client, token, step))
    accessor = await _accessor(client, token, settings.access.auth_mount)
    for step in grant_steps(settings, accessor):
        yield Installed(step.title, await _ensure(client, token, step))


async def has_issuer(client: VaultClient, token: str) -> bool:
    """Whether the PKI engine can sign; only an admin gives it an authority.

    Raises:
        VaultError: it cannot be asked.
    """
    path = f"{client.access.pki_mount}/issuers"
    return await client.run(
        Operation("list the issuers", Effect.PURE),
        lambda vault: or_nothing(lambda one: one.list(path), vault),
        lambda answer: bool(answer["data"].get("keys")),
        token=token,
    )


async def _ensure(client: VaultClient, token: str, step: Step) -> Change:
    """Write one object if it differs."""
    current = await _patiently(client, token, step)
    if in_place(step, current):
        return Change.UNCHANGED
    if current is not None and step.fixed:
        raise NotReplaceable(step)
    await client.run(
        Operation(f"write {step.title}", Effect.IDEMPOTENT),
        partial(_write, step.path, step.body(current)),
        nothing,
        token=token,
    )
    return Change.CREATED if current is None else Change.CHANGED


async def _patiently(client: VaultClient, token: str, step: Step) -> Current | None:
    """Read one object; a KV engine that was mounted a moment ago is not ready at once."""
    for _ in range(_TRIES):
        try:
            return await _current(client, token, step)
        except VaultError as error:
            if error.kind is not Kind.NOT_CONSISTENT:
                raise
            await asyncio.sleep(_PAUSE)
    return await _current(client, token, step)


async def _current(client: VaultClient, token: str, step: Step) -> Current | None:
    """What is there; None when there is nothing."""

    def read(answer: Mapping[str, Any]) -> Current | None:
        data = answer["data"]
        found = data.get(step.key) if step.key and data else data
        return dict(found) if found is not None else None

    return await client.run(
        Operation(f"read {step.title}", Effect.PURE),
        partial(_read, step.read_path or step.path),
        read,
        token=token,
    )


async def _accessor(client: VaultClient, token: str, auth_mount: str) -> str:
    return await client.run(
        Operation(f"read the accessor of auth/{auth_mount}/", Effect.PURE),
        partial(_read, "sys/auth"),
        lambda answer: str(answer["data"][f"{auth_mount}/"]["accessor"]),
        token=token,
    )


def _read(path: str, vault: Any) -> Any:
    try:
        return vault.read(path)
    except Refused as refused:
        if refused.status == 404 and not refused.errors:
            return {"data": None}
        raise


def _write(path: str, body: Current, vault: Any) -> Any:
    return vault.write_data(path, data=body)
