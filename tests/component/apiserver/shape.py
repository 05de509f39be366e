# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What of a written body reaches the stored object, and what the server sets itself. Pure."""

from __future__ import annotations

import base64
import uuid
from typing import TYPE_CHECKING, Any

from tests.component.apiserver.refusal import Refusal

if TYPE_CHECKING:
    from tests.component.apiserver.target import Target

_SERVER_SET = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)


def given(target: Target, body: dict[str, Any]) -> dict[str, Any]:
    """The part of a body that this endpoint takes: status here, everything else there."""
    if target.subresource == "status":
        return {key: part for key, part in body.items() if key == "status"}
    ignored = ("status",) if target.kind.status else ()
    return _plain({key: part for key, part in body.items() if key not in ignored})


def born(target: Target, body: dict[str, Any], stamp: str) -> dict[str, Any]:
    """A new object."""
    obj = {**given(target, body), **target.kind.on_create}
    metadata = {key: part for key, part in obj["metadata"].items() if key not in _SERVER_SET}
    metadata |= {"name": target.name, "uid": str(uuid.uuid4()), "creationTimestamp": stamp}
    if target.kind.namespaced:
        metadata["namespace"] = target.namespace
    if target.kind.generation:
        metadata["generation"] = 1
    kind = {"apiVersion": target.kind.api_version, "kind": target.kind.name}
    return {**obj, **kind, "metadata": metadata}


def kept(target: Target, live: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """The body, with everything this endpoint leaves alone as it was.

    Raises:
        Refusal: 422, a finalizer added to an object that is being deleted.
    """
    if target.subresource == "status":
        rest = {key: part for key, part in live.items() if key != "status"}
        return {**rest, "status": body["status"]} if body.get("status") else rest
    new = given(target, body)
    if target.kind.status and "status" in live:
        new["status"] = live["status"]
    metadata = {
        key: part
        for key, part in new["metadata"].items()
        if key not in _SERVER_SET and part not in (None, {}, [])
    }
    metadata |= {key: live["metadata"][key] for key in _SERVER_SET if key in live["metadata"]}
    if metadata.get("deletionTimestamp"):
        before = live["metadata"].get("finalizers") or ()
        if any(added not in before for added in metadata.get("finalizers") or ()):
            raise Refusal(422, "no new finalizers can be added if the object is being deleted")
    if target.kind.generation and _content(new) != _content(live):
        metadata["generation"] = live["metadata"]["generation"] + 1
    return {**new, "metadata": metadata}


def is_held(obj: dict[str, Any]) -> bool:
    """Whether finalizers keep the object; namespaces have theirs in the spec."""
    if obj["metadata"].get("finalizers"):
        return True
    return obj["kind"] == "Namespace" and bool(obj.get("spec", {}).get("finalizers"))


def _content(obj: dict[str, Any]) -> dict[str, Any]:
    return {key: part for key, part in obj.items() if key not in ("metadata", "status")}


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    """With stringData of a Secret where it belongs."""
    if "stringData" not in body:
        return body
    result = dict(body)
    texts = result.pop("stringData") or {}
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
    result["data"] = {**(result.get("data") or {}), **encoded}
    return result
