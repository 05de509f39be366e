# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A request to the API server, read once: which object, which verb, by whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from tests.component.apiserver.kinds import BY_PATH, Kind
from tests.component.apiserver.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

APPLY = "application/apply-patch+yaml"
_PATCHES = {
    APPLY: "apply",
    "application/json-patch+json": "patch",
    "application/merge-patch+json": "patch",
}
_VERBS = {"POST": "create", "PUT": "update", "DELETE": "delete"}
WRITES = frozenset({"create", "update", "patch", "apply", "delete"})


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One request.

    Attributes:
        verb: get, list, watch, create, update, patch, apply or delete.
        agent: the User-Agent up to its slash.
    """

    verb: str
    kind: Kind
    namespace: str
    name: str
    subresource: str
    agent: str
    query: Mapping[str, str] = field(repr=False)
    accept: str = field(repr=False)
    content_type: str = field(repr=False)
    body: Any = field(repr=False)

    @property
    def writes(self) -> bool:
        """It would change an object; a dry run and a TokenRequest change none."""
        dry = bool(self.query.get("dryRun"))
        return self.verb in WRITES and not dry and self.subresource != "token"

    @property
    def partial(self) -> bool:
        """Only metadata is asked for."""
        return "as=PartialObjectMetadata" in self.accept


def read_call(
    method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], raw: bytes
) -> ApiCall:
    """The request meant by these parts of an HTTP message.

    Raises:
        Refusal: 404 for a path that is none, 415 for an unknown patch, 400 for a bad body.
    """
    kind, namespace, name, subresource = _read_path(path)
    content_type = headers.get("Content-Type", "").partition(";")[0]
    try:
        body = orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError:
        raise Refusal(400, "the body is no JSON") from None
    return ApiCall(
        verb=_read_verb(method, name, query, content_type),
        kind=kind,
        namespace=namespace,
        name=name,
        subresource=subresource,
        agent=headers.get("User-Agent", "").partition("/")[0],
        query=query,
        accept=headers.get("Accept", ""),
        content_type=content_type,
        body=body,
    )


def _read_verb(method: str, name: str, query: Mapping[str, str], content_type: str) -> str:
    if method == "GET":
        if query.get("watch") in ("true", "1"):
            return "watch"
        return "get" if name else "list"
    if method == "PATCH":
        if content_type not in _PATCHES:
            raise Refusal(415, f"patches of type {content_type!r} are not served")
        return _PATCHES[content_type]
    if method not in _VERBS:
        raise Refusal(405, f"{method} is not served")
    return _VERBS[method]


def _read_path(path: str) -> tuple[Kind, str, str, str]:
    parts = path.strip("/").split("/")
    if parts[0] == "api":
        group, version, rest = "", parts[1:2], parts[2:]
    elif parts[0] == "apis" and len(parts) > 1:
        group, version, rest = parts[1], parts[2:3], parts[3:]
    else:
        raise Refusal(404, "the server could not find the requested resource")
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces" and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    kind = BY_PATH.get((group, version[0] if version else "", rest[0] if rest else ""))
    if kind is None or len(rest) > 3:
        raise Refusal(404, "the server could not find the requested resource")
    name, subresource = [*rest[1:], "", ""][:2]
    if subresource == "status" and not kind.status:
        raise Refusal(404, "the server could not find the requested resource")
    return kind, namespace, name, subresource
