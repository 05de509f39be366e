# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Leases of the database engine, as the operator: found by role and ended by path.

The body never names a lease: the operator has no right to end one that way, for that right would
be one to end everybody's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.vault.client import Effect, Operation, keys_of, nothing
from wardkeeper.vault.session import or_nothing

if TYPE_CHECKING:
    from wardkeeper.vault.token import OperatorToken


async def revoke_lease(operator: OperatorToken, lease: str) -> None:
    """End a lease at once; done when it has ended already.

    Raises:
        VaultError: it cannot be ended now: of kind DATABASE when the database is down.
    """
    await operator.run(
        Operation("end a lease", Effect.IDEMPOTENT, label="lease_revoke"),
        lambda vault: vault.adapter.put(f"/v1/sys/leases/revoke/{lease}", json={"sync": True}),
        nothing,
    )


async def leases_below(operator: OperatorToken, path: str) -> tuple[str, ...]:
    """What is below a path of leases, as full ids or, with a `/` at the end, further paths.

    Raises:
        VaultError: they cannot be listed.
    """
    keys = await operator.run(
        Operation(f"list the leases of {path}", Effect.PURE, label="lease_list"),
        lambda vault: or_nothing(lambda one: one.list(f"sys/leases/lookup/{path}"), vault),
        keys_of,
    )
    return tuple(f"{path}/{key}" for key in keys)
