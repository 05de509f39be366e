# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Lists in pages as of one version, single objects, and what they look like to who asks."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import orjson

from tests.component.apiserver.refusal import Refusal
from tests.component.apiserver.selectors import selector

if TYPE_CHECKING:
    from tests.component.apiserver.call import ApiCall
    from tests.component.apiserver.store import Store


def shown(obj: dict[str, Any], *, partial: bool) -> dict[str, Any]:
    """The object, or its metadata alone."""
    if not partial:
        return obj
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": obj["metadata"],
    }


def get(store: Store, call: ApiCall) -> dict[str, Any]:
    """One object.

    Raises:
        Refusal: 404.
    """
    stored = store.get(call.kind, (call.namespace, call.name))
    if stored is None:
        raise Refusal(404, f'{call.kind.plural} "{call.name}" not found')
    return shown(stored.obj, partial=call.partial)


def page(store: Store, call: ApiCall) -> dict[str, Any]:
    """Part of a list; all parts show the same version.

    Raises:
        Refusal: 410 for a continue token whose version is gone.
    """
    version, start = _resume(call.query.get("continue", ""))
    at, objects = store.snapshot(call.kind, version)
    selects = selector(call.query.get("labelSelector", ""), call.query.get("fieldSelector", ""))
    inside = [
        obj for obj in objects if call.namespace in ("", obj["metadata"].get("namespace", ""))
    ]
    limit = int(call.query.get("limit") or 0) or len(inside)
    items: list[dict[str, Any]] = []
    for obj in inside[start:]:
        if len(items) == limit:
            break
        start += 1
        if selects(obj):
            items.append(_item(obj, call))
    metadata: dict[str, Any] = {"resourceVersion": str(at)}
    if start < len(inside):
        # Nobody has looked whether what follows is selected: the next page may be empty.
        metadata["continue"] = _token(at, start)
    if call.partial:
        return _list("meta.k8s.io/v1", "PartialObjectMetadataList", metadata, items)
    return _list(call.kind.api_version, f"{call.kind.name}List", metadata, items)


def _item(obj: dict[str, Any], call: ApiCall) -> dict[str, Any]:
    """Items of built-in kinds come without kind and apiVersion."""
    if call.partial or call.kind.custom:
        return shown(obj, partial=call.partial)
    return {key: part for key, part in obj.items() if key not in ("kind", "apiVersion")}


def _list(
    api_version: str, kind: str, metadata: dict[str, Any], items: list[dict[str, Any]]
) -> dict[str, Any]:
    return {"kind": kind, "apiVersion": api_version, "metadata": metadata, "items": items}


def _token(version: int, start: int) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([version, start])).decode()


def _resume(token: str) -> tuple[int | None, int]:
    if not token:
        return None, 0
    try:
        version, start = orjson.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        raise Refusal(400, "continue key is not valid") from None
    return version, start
