# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Ledger entries as objects of the API server and as what decisions are made of. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from wardkeeper.api.credential import (
    CREDENTIAL_KIND,
    REVOKE_FINALIZER,
    CredentialPhase,
    Engine,
)
from wardkeeper.api.schema import GROUP, VERSION
from wardkeeper.engine.seen import packed
from wardkeeper.render.metadata import MANAGED_BY, OPERATOR, WORKFLOW
from wardkeeper.rotation.credential import Credential, Handle
from wardkeeper.rotation.record import read_time, write_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_NAME_ID = 12
"""Characters of the rotation id in an entry's name; the rest of the name says whose it is."""

_KEPT_OF_METADATA = frozenset(
    {"name", "resourceVersion", "creationTimestamp", "deletionTimestamp", "finalizers"}
)
_TIMES = {
    "issuedAt": "issued_at",
    "expiresAt": "expires_at",
    "endsAt": "ends_at",
    "provenAt": "proven_at",
    "revokeAfter": "revoke_after",
    "rejectedAt": "rejected_at",
    "retryAt": "retry_at",
}
_HANDLE = {
    "kvVersion": "kv_version",
    "lease": "lease",
    "serial": "serial",
    "slot": "slot",
    "marker": "marker",
    "accessor": "accessor",
}


class Owner(NamedTuple):
    """The workflow that a credential was made for; a namesake has another uid."""

    namespace: str
    name: str
    uid: str


def entry_name(owner: Owner, credential: Credential) -> str:
    """Name of an entry: the same whenever the same rotation is intended, which is the fence."""
    what = credential.secret or "token"
    return f"{owner.namespace}.{owner.name}.{what}.{credential.rotation_id[:_NAME_ID]}"


def intent_of(owner: Owner, credential: Credential, namespace: str) -> dict[str, Any]:
    """The object that records an intent."""
    spec: dict[str, Any] = {
        "workflowRef": {"namespace": owner.namespace, "name": owner.name, "uid": owner.uid},
        "secret": credential.secret,
        "engine": str(credential.engine),
        "rotationId": credential.rotation_id,
        "role": credential.role,
        "source": credential.source,
        "request": credential.request,
        "before": credential.before,
    }
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": CREDENTIAL_KIND,
        "metadata": {
            "name": entry_name(owner, credential),
            "namespace": namespace,
            "labels": {
                MANAGED_BY: OPERATOR,
                WORKFLOW: owner.name,
                f"{WORKFLOW}-namespace": owner.namespace,
            },
            "finalizers": [REVOKE_FINALIZER],
        },
        "spec": {name: value for name, value in spec.items() if value},
    }


def status_of(credential: Credential) -> dict[str, Any]:
    """The status that says how far a credential has come."""
    handle = {
        name: value
        for name, member in _HANDLE.items()
        if (value := getattr(credential.handle, member))
    }
    times = {
        name: write_time(value)
        for name, member in _TIMES.items()
        if (value := getattr(credential, member))
    }
    status: dict[str, Any] = {"phase": str(phase_of(credential)), **times}
    if handle:
        status["handle"] = handle
    if credential.term is not None:
        status["termSeconds"] = int(credential.term.total_seconds())
    if credential.failures:
        status["failures"] = credential.failures
    if credential.last_error:
        status["lastError"] = credential.last_error
    return status


def phase_of(credential: Credential) -> CredentialPhase:
    """How far it has come, for people."""
    if credential.rejected_at is not None:
        return CredentialPhase.REJECTED
    if credential.revoke_after is not None:
        return CredentialPhase.SUPERSEDED
    if credential.proven_at is not None:
        return CredentialPhase.CURRENT
    return CredentialPhase.INTENT if credential.issued_at is None else CredentialPhase.ISSUED


def owner_of(raw: Mapping[str, Any]) -> Owner:
    """Whose an entry is."""
    ref = raw["spec"]["workflowRef"]
    return Owner(ref["namespace"], ref["name"], ref["uid"])


def is_held(raw: Mapping[str, Any]) -> bool:
    """Whether an entry still stands for a credential: one that is going no longer needs us."""
    metadata = raw["metadata"]
    return REVOKE_FINALIZER in metadata.get("finalizers", ()) or not _is_going(metadata)


def is_doomed(raw: Mapping[str, Any]) -> bool:
    """Whether somebody asked to delete an entry whose credential has not ended."""
    return _is_going(raw["metadata"]) and is_held(raw)


def packed_entry(raw: Mapping[str, Any]) -> bytes:
    """What `credential_of` needs of an entry, and its finalizers."""
    metadata = {name: value for name, value in raw["metadata"].items() if name in _KEPT_OF_METADATA}
    spec = {name: value for name, value in raw["spec"].items() if name != "workflowRef"}
    entry = {"metadata": metadata, "spec": spec, "status": raw.get("status", {})}
    return packed(entry)


def credential_of(raw: Mapping[str, Any]) -> Credential:
    """An entry as decisions are made of it."""
    metadata, spec, status = raw["metadata"], raw["spec"], raw.get("status", {})
    handle = status.get("handle", {})
    term = status.get("termSeconds")
    return Credential(
        name=metadata["name"],
        secret=spec.get("secret", ""),
        engine=Engine(spec["engine"]),
        rotation_id=spec["rotationId"],
        role=spec.get("role", ""),
        source=spec.get("source", ""),
        request=spec.get("request", ""),
        before=spec.get("before", ""),
        handle=Handle(
            **{member: handle[name] for name, member in _HANDLE.items() if name in handle}
        ),
        intended_at=_time(metadata.get("creationTimestamp")),
        **{member: _time(status.get(name)) for name, member in _TIMES.items()},
        failures=status.get("failures", 0),
        last_error=status.get("lastError", ""),
        term=timedelta(seconds=term) if term else None,
        resource_version=metadata["resourceVersion"],
        doomed=is_doomed(raw),
    )


def _is_going(metadata: Mapping[str, Any]) -> bool:
    return "deletionTimestamp" in metadata


def _time(text: str | None) -> datetime | None:
    return read_time(text) if text else None
