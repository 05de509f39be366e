# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What an administrator does so that OpenBao can make users of a PostgreSQL, and roles of them.

Roles are named as the product expects them. Nothing here is done with the operator's rights.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from tests.cluster.postgres import SERVER_NAME
from wardkeeper.vault.names import database_role

if TYPE_CHECKING:
    from tests.cluster.postgres import Postgres
    from tests.cluster.vault_server import VaultServer

DATABASE = "claims"
GRANTS = "claims_writer"
"""Group of PostgreSQL that every user of a workflow is in, so that all may do the same."""

VAULT_USER = "vault"
LONG = "8760h"
"""A rotation period that leaves the timing to the operator."""

_ENDED = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{{name}}'",
    'DROP ROLE IF EXISTS "{{name}}"',
)


class Databases:
    """One database that OpenBao knows, and the roles that workflows need."""

    def __init__(self, bao: VaultServer, postgres: Postgres, *, mount: str = "database") -> None:
        """Nothing is done yet; both run."""
        self._bao = bao
        self._postgres = postgres
        self._mount = mount

    def install(self) -> None:
        """Make the database, a user for OpenBao, the engine if it is not there, and its config."""
        password = secrets.token_urlsafe(16)
        for statement in (
            f"CREATE DATABASE {DATABASE}",
            f"CREATE ROLE {VAULT_USER} LOGIN CREATEROLE PASSWORD '{password}'",
            f"GRANT pg_signal_backend TO {VAULT_USER}",
            f"CREATE ROLE {GRANTS}",
        ):
            self._postgres.sql(statement)
        self._postgres.sql(
            "CREATE TABLE claim (id int PRIMARY KEY, state text); "
            f"GRANT SELECT, INSERT, UPDATE ON claim TO {GRANTS}",
            DATABASE,
        )
        if f"{self._mount}/" not in self._bao.api("GET", "sys/mounts")["data"]:
            self._bao.api("POST", f"sys/mounts/{self._mount}", {"type": "database"})
        place = f"{self._postgres.host}:{self._postgres.port}/{DATABASE}"
        options = f"sslmode=verify-full&sslrootcert={self._postgres.ca_file}&connect_timeout=5"
        body = {
            "plugin_name": "postgresql-database-plugin",
            "allowed_roles": "hw.*",
            "connection_url": f"postgresql://{{{{username}}}}:{{{{password}}}}@{place}?{options}",
            "username": VAULT_USER,
            "password": password,
        }
        self._bao.api("POST", f"{self._mount}/config/{DATABASE}", body)

    def connection(self, tls: str = "VerifyFull") -> dict[str, Any]:
        """The field `connection` of a secret that is a login to this database."""
        return {
            "host": SERVER_NAME,
            "port": self._postgres.port,
            "database": DATABASE,
            "tls": tls,
        }

    def dynamic(
        self, namespace: str, workflow: str, role: str, *, ttl: str = "1h", max_ttl: str = "24h"
    ) -> str:
        """A role that makes a new user each time; its name in OpenBao."""
        name = database_role(namespace, workflow, role)
        body = {
            "db_name": DATABASE,
            "default_ttl": ttl,
            "max_ttl": max_ttl,
            "creation_statements": [
                "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' "
                f"VALID UNTIL '{{{{expiration}}}}' IN ROLE {GRANTS}"
            ],
            "renew_statements": ["ALTER ROLE \"{{name}}\" VALID UNTIL '{{expiration}}'"],
            "revocation_statements": list(_ENDED),
        }
        self._bao.api("POST", f"{self._mount}/roles/{name}", body)
        return name

    def static(self, namespace: str, workflow: str, role: str, *, period: str = LONG) -> str:
        """A role for one user, whose password OpenBao changes every `period`; its name."""
        return self._static(database_role(namespace, workflow, role), period)

    def alternating(self, namespace: str, workflow: str, role: str) -> tuple[str, str]:
        """Two static roles for two users who may do the same; the names of `a` and `b`."""
        first, second = (database_role(namespace, workflow, role, slot) for slot in "ab")
        return self._static(first, LONG), self._static(second, LONG)

    def leases(self, role: str) -> tuple[str, ...]:
        """The leases of a dynamic role that live, as full ids."""
        prefix = f"{self._mount}/creds/{role}/"
        answer = self._bao.list(f"sys/leases/lookup/{prefix}")
        return tuple(prefix + key for key in answer)

    def _static(self, name: str, period: str) -> str:
        """Make the user, named like the role, and the role; OpenBao changes the password now."""
        unknown = secrets.token_urlsafe(16)
        self._postgres.sql(f"CREATE ROLE \"{name}\" LOGIN PASSWORD '{unknown}' IN ROLE {GRANTS}")
        return self.static_role(name, period)

    def static_role(self, name: str, period: str = LONG) -> str:
        """A role for a user that is there, named like it; OpenBao changes the password now."""
        body = {
            "db_name": DATABASE,
            "username": name,
            "rotation_period": period,
            "rotation_statements": ["ALTER ROLE \"{{name}}\" PASSWORD '{{password}}'"],
        }
        self._bao.api("POST", f"{self._mount}/static-roles/{name}", body)
        return name
