# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Every request Wardkeeper can make, as a value. Pure.

Two rules are held here and nowhere else: a Secret is only ever asked for as metadata, so that
its values cannot reach this process, and a delete always names the uid it means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from wardkeeper.kube.lanes import Lane
from wardkeeper.kube.resource import Resource, resource_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_JSON = "application/json"
_APPLY = "application/apply-patch+yaml"
_JSON_PATCH = "application/json-patch+json"
_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_SECRET = "Secret"  # noqa: S105 - the name of a kind


class Request(NamedTuple):
    """What is to be sent; `what` is the request in words, for error messages."""

    method: str
    resource: Resource
    target: str
    what: str
    body: Any = None
    content_type: str = _JSON
    accept: str = _JSON
    write: bool = False
    lane: Lane = Lane.LIVE

    @property
    def secret(self) -> bool:
        """Whether nothing the server says about it may be kept."""
        return self.resource.kind == _SECRET


def get_one(
    resource: Resource, namespace: str, name: str, *, metadata_only: bool, lane: Lane
) -> Request:
    """GET of one object."""
    return Request(
        "GET",
        resource,
        resource.path(namespace, name),
        f"get {resource.kind} {_place(namespace, name)}",
        accept=_METADATA if metadata_only or resource.kind == _SECRET else _JSON,
        lane=lane,
    )


def list_page(
    resource: Resource,
    namespace: str | None,
    *,
    label_selector: str,
    metadata_only: bool,
    limit: int,
    token: str,
    lane: Lane,
) -> Request:
    """GET of part of a collection; `token` continues an earlier part."""
    query = {"limit": str(limit), "labelSelector": label_selector, "continue": token}
    return Request(
        "GET",
        resource,
        _with(resource.path(namespace), query),
        f"list {resource.kind} {namespace or 'everywhere'}",
        accept=_METADATA_LIST if metadata_only or resource.kind == _SECRET else _JSON,
        lane=lane,
    )


def watch_from(
    resource: Resource,
    namespace: str | None,
    resource_version: str,
    *,
    label_selector: str,
    metadata_only: bool,
    seconds: int,
) -> Request:
    """GET of the changes of a collection after a version, with bookmarks."""
    query = {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": resource_version,
        "timeoutSeconds": str(seconds),
        "labelSelector": label_selector,
    }
    return Request(
        "GET",
        resource,
        _with(resource.path(namespace), query),
        f"watch {resource.kind} {namespace or 'everywhere'}",
        accept=_METADATA if metadata_only or resource.kind == _SECRET else _JSON,
    )


def apply_object(
    obj: dict[str, Any], *, manager: str, subresource: str, dry_run: bool, lane: Lane
) -> Request:
    """PATCH by server-side apply, taking over fields that others hold."""
    query = {"fieldManager": manager, "force": "true", "dryRun": "All" if dry_run else ""}
    return Request(
        "PATCH",
        *_about(obj, subresource, query, "apply"),
        body=obj,
        content_type=_APPLY,
        accept=_answer(obj["kind"]),
        write=not dry_run,
        lane=lane,
    )


def create_object(obj: dict[str, Any], *, manager: str, lane: Lane) -> Request:
    """POST of a new object."""
    resource = resource_of(obj["kind"])
    namespace = obj["metadata"].get("namespace", "")
    return Request(
        "POST",
        resource,
        _with(resource.path(namespace), {"fieldManager": manager}),
        f"create {resource.kind} {_place(namespace, obj['metadata']['name'])}",
        body=obj,
        accept=_answer(resource.kind),
        write=True,
        lane=lane,
    )


def replace_object(obj: dict[str, Any], *, manager: str, subresource: str, lane: Lane) -> Request:
    """PUT of a whole object."""
    return Request(
        "PUT",
        *_about(obj, subresource, {"fieldManager": manager}, "replace"),
        body=obj,
        accept=_answer(obj["kind"]),
        write=True,
        lane=lane,
    )


def patch_object(
    resource: Resource,
    namespace: str,
    name: str,
    ops: Sequence[dict[str, Any]],
    *,
    manager: str,
    subresource: str,
    lane: Lane,
) -> Request:
    """PATCH by RFC 6902 operations."""
    return Request(
        "PATCH",
        resource,
        _with(resource.path(namespace, name, subresource), {"fieldManager": manager}),
        f"patch {resource.kind} {_place(namespace, name)}",
        body=list(ops),
        content_type=_JSON_PATCH,
        accept=_answer(resource.kind),
        write=True,
        lane=lane,
    )


def delete_object(
    resource: Resource, namespace: str, name: str, *, uid: str, propagation: str, lane: Lane
) -> Request:
    """DELETE of the one object with this uid.

    Raises:
        ValueError: the uid is empty, which would mean any object of that name.
    """
    if not uid:
        raise ValueError(f"delete of {resource.kind} {_place(namespace, name)} needs a uid")
    return Request(
        "DELETE",
        resource,
        resource.path(namespace, name),
        f"delete {resource.kind} {_place(namespace, name)}",
        body={
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": propagation,
            "preconditions": {"uid": uid},
        },
        accept=_answer(resource.kind),
        write=True,
        lane=lane,
    )


def request_token(namespace: str, service_account: str, audience: str, seconds: int) -> Request:
    """POST of a TokenRequest for one audience."""
    resource = resource_of("ServiceAccount")
    return Request(
        "POST",
        resource,
        resource.path(namespace, service_account, "token"),
        f"request token of ServiceAccount {_place(namespace, service_account)}",
        body={
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"audiences": [audience], "expirationSeconds": seconds},
        },
        write=True,
    )


def _about(
    obj: dict[str, Any], subresource: str, query: dict[str, str], verb: str
) -> tuple[Resource, str, str]:
    resource = resource_of(obj["kind"])
    namespace, name = obj["metadata"].get("namespace", ""), obj["metadata"]["name"]
    target = _with(resource.path(namespace, name, subresource), query)
    return resource, target, f"{verb} {resource.kind} {_place(namespace, name)}"


def _answer(kind: str) -> str:
    return _METADATA if kind == _SECRET else _JSON


def _with(path: str, query: dict[str, str]) -> str:
    return f"{path}?{urlencode({key: value for key, value in query.items() if value})}"


def _place(namespace: str, name: str) -> str:
    return f"{namespace}/{name}" if namespace else name
