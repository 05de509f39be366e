# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Where Vault is and which of its mounts are ours. Holds no token and no secret."""

from __future__ import annotations

from dataclasses import dataclass

from wardkeeper.vault.roles import TOKEN_PERIOD


@dataclass(frozen=True, slots=True)
class VaultAccess:
    """How to reach Vault or OpenBao.

    Attributes:
        address: URL of the active node's service, `https://vault.vault.svc:8200`.
        ca_file: PEM file of the authority that signed its certificate; None for the system's.
        namespace: Vault namespace; None for the root namespace.
        auth_mount: path of the Kubernetes auth method.
        kv_mount: path of the KV v2 engine.
        database_mount: path of the database engine.
        pki_mount: path of the PKI engine that signs workflows' certificates.
        transit_mount: path of the transit engine.
        operator_role: role that the operator logs in with.
        token_period: seconds that a workflow's token lasts without a renewal; the policies pin it.
        timeout: seconds to connect, and seconds without an answer.
        connections: requests at once; also the number of threads.
    """

    address: str
    ca_file: str | None = None
    namespace: str | None = None
    auth_mount: str = "kubernetes"
    kv_mount: str = "secret"
    database_mount: str = "database"
    pki_mount: str = "pki"
    transit_mount: str = "transit"
    operator_role: str = "hw-operator"
    token_period: int = TOKEN_PERIOD
    timeout: float = 10.0
    connections: int = 8
