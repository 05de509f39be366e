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
WRITER_POLICY = "hw-workflow-writer"
READER_POLICY = "hw-workflow-reader"
OPERATOR_AUDIENCE = "vault"
READER_AUDIENCE = "vault"
WRITER_AUDIENCE = "vault-operator"

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


def _label(name: str) -> str:
    if not _LABEL.fullmatch(name) or len(name) > 63:
        raise ValueError(f"{name!r} is no DNS label")
    return name
