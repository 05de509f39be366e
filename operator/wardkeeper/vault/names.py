# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What things are called in Vault. Names come from objects that Kubernetes has accepted.

A namespace has no dots, so `hw.w.<namespace>.<workflow>` splits in one way only. What is no DNS
label is refused: it could climb out of its path.
"""

from __future__ import annotations

import re

from wardkeeper.api.schema import LABEL_PATTERN

OPERATOR_POLICY = "hw-operator"
QUARANTINE_POLICY = "hw-operator-quarantine"
"""Lets the operator disable entities; of its own, for an admin may leave it out."""
WRITER_POLICY = "hw-workflow-writer"
READER_POLICY = "hw-workflow-reader"
OPERATOR_AUDIENCE = "vault"
READER_AUDIENCE = "vault"
WRITER_AUDIENCE = "vault-operator"
LEDGER_KEY = "hw-operator-state"
"""Transit key that encrypts what the ledger keeps; only the operator may use it."""
PKI_ROLE = "hw-mtls"
"""The one templated role that signs the certificates of all workflows."""

_LABEL = re.compile(LABEL_PATTERN)


def writer_role(namespace: str, workflow: str) -> str:
    """The role that the operator logs in with as the workflow."""
    return f"hw.w.{_label(namespace)}.{_label(workflow)}"


def reader_role(namespace: str, workflow: str) -> str:
    """The role that the workflow's pods log in with."""
    return f"hw.r.{_label(namespace)}.{_label(workflow)}"


def kv_path(namespace: str, workflow: str, secret: str) -> str:
    """Where a secret of the workflow is kept, below the KV mount."""
    return f"hw/{_label(namespace)}/{_label(workflow)}/{_label(secret)}"


def synced_path(namespace: str, workflow: str, path: str) -> str:
    """Where others write what the workflow only reads, below the KV mount."""
    parts = "/".join(_label(part) for part in path.split("/"))
    return f"hw-synced/{_label(namespace)}/{_label(workflow)}/{parts}"


def database_role(namespace: str, workflow: str, role: str, slot: str = "") -> str:
    """A role of the database engine; `slot` is `a` or `b` for two alternating users."""
    name = f"hw.{_label(namespace)}.{_label(workflow)}.{_label(role)}"
    return f"{name}.{_label(slot)}" if slot else name


def transit_key(namespace: str, workflow: str, key: str) -> str:
    """A key of the transit engine that belongs to the workflow."""
    return f"hw.{_label(namespace)}.{_label(workflow)}.{_label(key)}"


def _label(name: str) -> str:
    if not _LABEL.fullmatch(name) or len(name) > 63:
        raise ValueError(f"{name!r} is no DNS label")
    return name
