# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Raw objects of one workflow, as the API server would hand them out."""

from __future__ import annotations

from typing import Any

from wardkeeper.api.workflow import KIND
from wardkeeper.engine.seen import Key

SPACE, NAME, UID = "radiology", "router", "uid-of-router"
KEY = Key(SPACE, NAME)


def owner(uid: str = UID, name: str = NAME) -> dict[str, Any]:
    """The controller reference to the workflow."""
    return {"kind": KIND, "name": name, "uid": uid, "controller": True}


def child(
    kind: str = "Role",
    name: str = NAME,
    *,
    version: int = 10,
    uid: str = "",
    owned: bool = True,
    labelled: bool = True,
    **rest: Any,
) -> dict[str, Any]:
    """A child of the workflow."""
    metadata: dict[str, Any] = {
        "namespace": SPACE,
        "name": name,
        "uid": uid or f"uid-of-{kind}-{name}",
        "resourceVersion": str(version),
        "labels": {"wardkeeper.io/workflow": NAME} if labelled else {},
    }
    if owned:
        metadata["ownerReferences"] = [owner()]
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **rest}


def workflow(*, version: int = 5, uid: str = UID, generation: int = 1, **parts: Any) -> Any:
    """The workflow; `metadata` in parts is merged in."""
    metadata = {
        "namespace": SPACE,
        "name": NAME,
        "uid": uid,
        "resourceVersion": str(version),
        "generation": generation,
        **parts.pop("metadata", {}),
    }
    return {"kind": KIND, "metadata": metadata, "spec": {}, **parts}
