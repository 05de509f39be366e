# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What somebody does to a child behind the operator's back, and whether it is undone. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from wardkeeper.api.schema import GROUP
from wardkeeper.render.metadata import MANAGED_BY

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONTAINER = "/spec/jobTemplate/spec/template/spec/containers/0"
_EVERYBODY = {
    "apiGroup": "rbac.authorization.k8s.io",
    "kind": "Group",
    "name": "system:authenticated",
}
_OUR_LABELS = ("app.kubernetes.io/", f"{GROUP}/")
_EDITS: dict[str, dict[str, Any]] = {
    "ServiceAccount": {"op": "replace", "path": "/automountServiceAccountToken", "value": True},
    "NetworkPolicy": {"op": "add", "path": "/spec/ingress", "value": [{}]},
    "Role": {
        "op": "add",
        "path": "/rules/-",
        "value": {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
    },
    "RoleBinding": {"op": "add", "path": "/subjects/-", "value": _EVERYBODY},
    "CronJob": {
        "op": "replace",
        "path": f"{_CONTAINER}/securityContext/readOnlyRootFilesystem",
        "value": False,
    },
}

KINDS = tuple(_EDITS)
"""Kinds of child that a specimen has."""


class Mischief(StrEnum):
    """Ways to damage a child."""

    DELETE = "delete"
    LOOSEN = "loosen"
    UNLABEL = "unlabel"


def patch(kind: str, mischief: Mischief) -> list[dict[str, Any]]:
    """The JSON patch that does it.

    Raises:
        ValueError: a deletion is no patch.
    """
    if mischief is Mischief.DELETE:
        raise ValueError("a deletion is no patch")
    if mischief is Mischief.LOOSEN:
        return [_EDITS[kind]]
    label = MANAGED_BY.replace("~", "~0").replace("/", "~1")
    return [{"op": "remove", "path": f"/metadata/labels/{label}"}]


def content(obj: Mapping[str, Any]) -> dict[str, Any]:
    """All of an object that the operator answers for: no identity, version, time or status.

    Labels of others are left out: a child that is made anew does not have them.
    """
    metadata = obj["metadata"]
    labels = metadata.get("labels", {})
    return {
        **{key: value for key, value in obj.items() if key not in ("metadata", "status")},
        "labels": {key: value for key, value in labels.items() if key.startswith(_OUR_LABELS)},
        "owners": metadata.get("ownerReferences", []),
    }
