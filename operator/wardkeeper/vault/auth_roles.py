# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Writes, deletes and lists the auth roles of workflows, as the operator."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from wardkeeper.vault import names
from wardkeeper.vault.client import Effect, Operation, keys_of, nothing
from wardkeeper.vault.roles import READER_PINS, role_body, writer_pins
from wardkeeper.vault.session import or_nothing

if TYPE_CHECKING:
    from wardkeeper.vault.access import VaultAccess
    from wardkeeper.vault.token import OperatorToken


async def write_roles(
    operator: OperatorToken, access: VaultAccess, namespace: str, workflow: str
) -> None:
    """Write both roles of a workflow, every field.

    Raises:
        VaultError: a role cannot be written.
    """
    for role, pins in (
        (names.writer_role(namespace, workflow), writer_pins(access.token_period)),
        (names.reader_role(namespace, workflow), READER_PINS),
    ):
        body = role_body(pins, namespace, workflow)
        await operator.run(
            Operation(f"write the auth role {role}", Effect.IDEMPOTENT, label="role_write"),
            partial(_write, f"{_roles(access)}/{role}", body),
            nothing,
        )


async def delete_roles(
    operator: OperatorToken, access: VaultAccess, namespace: str, workflow: str
) -> None:
    """Delete both roles of a workflow; done when they are gone already.

    Raises:
        VaultError: a role cannot be deleted.
    """
    for name in (names.writer_role, names.reader_role):
        role = name(namespace, workflow)
        await operator.run(
            Operation(f"delete the auth role {role}", Effect.IDEMPOTENT, label="role_delete"),
            partial(_delete, f"{_roles(access)}/{role}"),
            nothing,
        )


async def list_roles(operator: OperatorToken, access: VaultAccess) -> tuple[str, ...]:
    """Names of all roles of the auth method, the operator's own and strangers' too.

    Raises:
        VaultError: they cannot be listed.
    """
    return await operator.run(
        Operation("list the auth roles", Effect.PURE, label="role_list"),
        lambda vault: or_nothing(lambda one: one.list(_roles(access)), vault),
        keys_of,
    )


def _roles(access: VaultAccess) -> str:
    return f"auth/{access.auth_mount}/role"


def _write(path: str, body: dict[str, str], vault: Any) -> Any:
    return vault.write_data(path, data=body)


def _delete(path: str, vault: Any) -> Any:
    return vault.delete(path)
