# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What an admin has to make in Vault for one workflow, as commands to read, change and run. Pure.

These are never applied by us: whoever writes a database role runs any SQL as the database's admin,
and the operator must not be able to.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from wardkeeper.api.secret_sources import Strategy
from wardkeeper.vault import names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wardkeeper.api.secret_sources import Database, KvSynced
    from wardkeeper.api.secrets import SecretSpec
    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.vault.access import VaultAccess

LONG = "8760h"
"""Rotation period that leaves the timing of alternating users to the operator."""

DYNAMIC_MAX_TTL = "768h"


class Asked(NamedTuple):
    """One thing to make.

    Attributes:
        why: what it is for, in words.
        path: where it is written.
        body: what is written; placeholders are in angle brackets.
    """

    why: str
    path: str
    body: dict[str, Any]

    def command(self) -> str:
        """For a shell; `vault` takes the same arguments as `bao`."""
        body = json.dumps(self.body, indent=2)
        return f"# {self.why}\nbao write {self.path} - <<'EOF'\n{body}\nEOF"


def asked_by(workflow: HealthcareWorkflow, access: VaultAccess) -> tuple[Asked, ...]:
    """Everything that has to be there before this workflow's secrets can be made.

    Generated values need nothing, and certificates nothing but the bootstrap and an issuer.
    """
    metadata = workflow.metadata
    found: list[Asked] = []
    for secret in workflow.spec.secrets:
        found += _for_secret(secret, metadata.namespace, metadata.name, access)
    return tuple(found)


def _for_secret(
    secret: SecretSpec, namespace: str, workflow: str, access: VaultAccess
) -> Iterator[Asked]:
    source = secret.source
    if source.database is not None:
        yield from _roles(secret.name, source.database, namespace, workflow, access)
    if source.transit is not None:
        key = names.transit_key(namespace, workflow, source.transit.key)
        yield Asked(
            f"secret {secret.name}: key that never leaves Vault",
            f"{access.transit_mount}/keys/{key}",
            {"type": "aes256-gcm96", "exportable": False},
        )
    if source.kv_synced is not None:
        yield _synced(secret.name, source.kv_synced, namespace, workflow, access)


def _roles(
    secret: str, database: Database, namespace: str, workflow: str, access: VaultAccess
) -> Iterator[Asked]:
    if database.strategy is Strategy.DYNAMIC:
        role = names.database_role(namespace, workflow, database.role)
        yield Asked(
            f"secret {secret}: a new user each time, that ends by itself. default_ttl is also how "
            "long Vault may be away before the login ends",
            f"{access.database_mount}/roles/{role}",
            _dynamic(database),
        )
        return
    slots = ("a", "b") if database.strategy is Strategy.ALTERNATING_USERS else ("",)
    for slot in slots:
        role = names.database_role(namespace, workflow, database.role, slot)
        yield Asked(
            f"secret {secret}: an existing user{f' {slot}' if slot else ''}; writing this changes "
            "its password at once",
            f"{access.database_mount}/static-roles/{role}",
            _static(database),
        )


def _dynamic(database: Database) -> dict[str, Any]:
    """PostgreSQL: the user's own end makes the database refuse it even while Vault is sealed."""
    return {
        "db_name": f"<connection to {database.connection.database}>",
        "default_ttl": "24h",
        "max_ttl": DYNAMIC_MAX_TTL,
        "creation_statements": [
            "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' "
            "IN ROLE <group with the grants>"
        ],
        "renew_statements": ["ALTER ROLE \"{{name}}\" VALID UNTIL '{{expiration}}'"],
        "revocation_statements": [
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{{name}}'",
            'DROP ROLE IF EXISTS "{{name}}"',
        ],
    }


def _static(database: Database) -> dict[str, Any]:
    """The operator asks for each rotation; the period is a long stop, should it be gone."""
    return {
        "db_name": f"<connection to {database.connection.database}>",
        "username": "<user of its own, with the same grants as its twin if it has one>",
        "rotation_period": LONG,
        "rotation_statements": ["ALTER ROLE \"{{name}}\" PASSWORD '{{password}}'"],
    }


def _synced(
    secret: str, source: KvSynced, namespace: str, workflow: str, access: VaultAccess
) -> Asked:
    path = names.synced_path(namespace, workflow, source.path)
    return Asked(
        f"secret {secret}: written by whoever has the values; cas is the version before",
        f"{access.kv_mount}/data/{path}",
        {"data": dict.fromkeys(source.fields, "<value>"), "options": {"cas": 0}},
    )
