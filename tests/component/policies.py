# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""NetworkPolicies of somebody who does not know of the operator."""

from __future__ import annotations

from typing import Any

EVERYBODY: dict[str, Any] = {}
"""The selector of a policy for all pods of a namespace."""
LEAVING_OUT: dict[str, Any] = {
    "matchExpressions": [{"key": "wardkeeper.io/workflow", "operator": "DoesNotExist"}]
}
"""The selector that the message of the condition asks for."""


def policy(
    name: str, namespace: str, selector: dict[str, Any] | None = None, **spec: Any
) -> dict[str, Any]:
    """A policy that lets everybody in, if `spec` does not say otherwise."""
    opened = {"policyTypes": ["Ingress"], "ingress": [{}]}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"podSelector": selector or EVERYBODY, **(spec or opened)},
    }


def of(workflow: str) -> dict[str, Any]:
    """The selector of a workflow's pods."""
    return {"matchLabels": {"wardkeeper.io/workflow": workflow}}
