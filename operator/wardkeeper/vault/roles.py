# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Bodies of the roles of the Kubernetes auth method, every field every time.

A role update is partial: what is left out keeps its old value. The policies that pin these bodies
compare exact strings, so every value is a string, and hvac's `create_role`, which sends lists and
deprecated names, is not used.
"""

from __future__ import annotations

from wardkeeper.vault import names

RoleBody = dict[str, str]

TOKEN_PERIOD = 86400
"""Seconds that a workflow's token lasts without a renewal, where nobody chooses another time."""

WRITER_PINS: dict[str, str] = {
    "token_policies": names.WRITER_POLICY,
    "audience": names.WRITER_AUDIENCE,
    "alias_name_source": "serviceaccount_uid",
    "token_period": "24h",
    "token_type": "service",
}
"""What a writer role says, whoever it is for, with the usual period."""

READER_PINS: dict[str, str] = {
    "token_policies": names.READER_POLICY,
    "audience": names.READER_AUDIENCE,
    "alias_name_source": "serviceaccount_uid",
    "token_ttl": "15m",
    "token_max_ttl": "8h",
    "token_type": "service",
}
"""What a reader role says, whoever it is for."""

OPERATOR_PINS: dict[str, str] = {
    "token_policies": names.OPERATOR_POLICY,
    "audience": names.OPERATOR_AUDIENCE,
    "alias_name_source": "serviceaccount_uid",
    "token_period": "1h",
    "token_type": "service",
}
"""What the operator's own role says."""


def writer_pins(period: int) -> dict[str, str]:
    """What a writer role says where its tokens last so many seconds without a renewal.

    That is how long Vault may be away, and how long a token lives whose operator is gone.
    """
    written = f"{period // 3600}h" if period % 3600 == 0 else f"{period}s"
    return {**WRITER_PINS, "token_period": written}


def role_body(pins: RoleBody, namespace: str, service_account: str) -> RoleBody:
    """A role for exactly one ServiceAccount."""
    return {
        **pins,
        "bound_service_account_names": service_account,
        "bound_service_account_namespaces": namespace,
    }
