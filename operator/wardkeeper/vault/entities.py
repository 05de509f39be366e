# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Cutting off every token of a workflow at once, those too that its pods got for themselves.

Deleting a role ends no token; disabling the entity behind it does. A recreated ServiceAccount has
an entity of its own, so all of them are looked for. Nothing here ever enables one again. It takes
the policy `hw-operator-quarantine`, which an admin may leave out.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from wardkeeper.vault.client import Effect, Operation, nothing
from wardkeeper.vault.session import or_nothing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wardkeeper.vault.token import OperatorToken

_ENTITIES = "identity/entity/id"


async def disable_entities(
    operator: OperatorToken, auth_mount: str, namespace: str, workflow: str
) -> int:
    """Disable every entity of a ServiceAccount; how many there are, disabled before or now.

    Raises:
        VaultError: of kind DENIED when the operator lacks the policy for it, or another.
    """
    found = await operator.run(
        Operation("list the entities", Effect.PURE, label="entity_list"),
        lambda vault: or_nothing(lambda one: one.list(_ENTITIES), vault),
        partial(_of_mount, f"auth/{auth_mount}/"),
    )
    count = 0
    for entity in found:
        mine, disabled = await operator.run(
            Operation("read an entity", Effect.PURE, label="entity_read"),
            partial(_read, entity),
            partial(_is_of, f"auth/{auth_mount}/", namespace, workflow),
        )
        count += mine
        if mine and not disabled:
            await operator.run(
                Operation("disable an entity", Effect.IDEMPOTENT, label="entity_disable"),
                partial(_disable, entity),
                nothing,
            )
    return count


def _of_mount(path: str, answer: Mapping[str, Any]) -> tuple[str, ...]:
    """Ids of the entities that came in by this auth method."""
    return tuple(
        str(entity)
        for entity, about in (answer["data"].get("key_info") or {}).items()
        if any(alias.get("mount_path") == path for alias in about.get("aliases") or ())
    )


def _is_of(
    path: str, namespace: str, workflow: str, answer: Mapping[str, Any]
) -> tuple[bool, bool]:
    """Whether an entity is this ServiceAccount's, and whether it is disabled."""
    data = answer["data"]
    if not data:  # gone since it was listed
        return False, False
    wanted = {"service_account_namespace": namespace, "service_account_name": workflow}
    mine = any(
        alias.get("mount_path") == path and wanted.items() <= (alias.get("metadata") or {}).items()
        for alias in data.get("aliases") or ()
    )
    return mine, bool(data["disabled"])


def _read(entity: str, vault: Any) -> Any:
    return or_nothing(lambda one: one.read(f"{_ENTITIES}/{entity}"), vault)


def _disable(entity: str, vault: Any) -> Any:
    return vault.write_data(f"{_ENTITIES}/{entity}", data={"disabled": True})
