# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What a write does to an object: versions, generations, status apart, finalizers, field owners.

Every function takes the stored state and a request and commits the new state; each write is one
step without waiting in it, so no two writes can mix.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.component.apiserver import merge, owners, shape
from tests.component.apiserver.fields import leaves
from tests.component.apiserver.kinds import BY_NAME
from tests.component.apiserver.owners import Owner
from tests.component.apiserver.refusal import Refusal
from tests.component.apiserver.store import Store, Stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.component.apiserver.owners import Owners
    from tests.component.apiserver.target import Target


class Writer:
    """The writing verbs over a store."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def create(self, target: Target, body: dict[str, Any]) -> dict[str, Any]:
        """POST.

        Raises:
            Refusal: the name is taken, or the namespace is missing or ending.
        """
        if self._store.get(target.kind, target.key) is not None:
            raise target.taken()
        by = Owner(target.manager, "Update")
        obj = self._born(target, body)
        given = leaves(target.kind.name, shape.given(target, body))
        return self._commit(target, None, obj, {by: frozenset(given)})

    def update(self, target: Target, body: dict[str, Any]) -> dict[str, Any]:
        """PUT, and the end of every patch but apply.

        Raises:
            Refusal: the object is not there, or not the one or the version meant.
        """
        stored = self._stored(target)
        self._check_meant(target, stored.obj, body)
        new = shape.kept(target, stored.obj, body)
        kind = target.kind.name
        by = Owner(target.manager, "Update", target.subresource)
        known = owners.left_by(stored.owners, stored.obj, body)
        holders = owners.after_update(known, by, leaves(kind, stored.obj), leaves(kind, new))
        if not known:
            holders = {}  # where nobody is on record, only an apply is noted
        return self._commit(target, stored, new, holders)

    def apply(
        self, target: Target, body: dict[str, Any], *, force: bool
    ) -> tuple[int, dict[str, Any]]:
        """PATCH by server-side apply; the status code tells whether it created.

        Raises:
            Refusal: managedFields in the body, or a conflict without force.
        """
        if body["metadata"].get("managedFields"):
            raise Refusal(400, "metadata.managedFields must be nil")
        by = Owner(target.manager, "Apply", target.subresource)
        stored = self._store.get(target.kind, target.key)
        wanted = leaves(target.kind.name, shape.given(target, body))
        if stored is None:
            if target.subresource:
                raise target.missing()
            if body["metadata"].get("uid"):
                raise target.conflict("uid mismatch: the object does not exist")
            obj = self._born(target, body)
            return 201, self._commit(target, None, obj, {by: frozenset(wanted)})
        self._check_meant(target, stored.obj, body, versioned=False)
        live = leaves(target.kind.name, stored.obj)
        known = stored.owners or {Owner("before-first-apply", "Update"): frozenset(live)}
        taken = owners.conflicts(known, by, live, wanted)
        if taken and not force:
            raise _field_conflict(target, taken)
        result = merge.merged(target.kind.name, stored.obj, shape.given(target, body))
        for path in owners.released(known, by, wanted):
            result = merge.without(result, path)
        new = shape.kept(target, stored.obj, result)
        holders = owners.after_apply(known, by, taken, wanted)
        return 200, self._commit(target, stored, new, holders)

    def delete(self, target: Target, options: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """DELETE; the object as it last was, and whether it is gone already.

        Raises:
            Refusal: the object is not there, or a precondition does not hold.
        """
        stored = self._stored(target)
        metadata = stored.obj["metadata"]
        for field, wanted in (options.get("preconditions") or {}).items():
            if wanted is not None and metadata[field] != wanted:
                raise target.conflict(
                    f"the {field} in the precondition ({wanted}) does not match "
                    f"the {field} in record ({metadata[field]})"
                )
        finalizers = list(metadata.get("finalizers") or ())
        if options.get("propagationPolicy") == "Foreground":
            finalizers.append("foregroundDeletion")
        held = bool(finalizers or shape.is_held(stored.obj))
        if target.dry_run:
            return stored.obj, not held
        if not held:
            return self._store.remove(target.kind, target.key), True
        if metadata.get("deletionTimestamp"):
            return stored.obj, False
        ending = {
            **metadata,
            "deletionTimestamp": self._stamp(),
            "deletionGracePeriodSeconds": 0,
        }
        if finalizers:
            ending["finalizers"] = finalizers
        if target.kind.generation:
            ending["generation"] = metadata["generation"] + 1
        ended = {**stored.obj, "metadata": ending}
        if target.kind.name == "Namespace":
            ended["status"] = {"phase": "Terminating"}
        return self._store.put(target.kind, target.key, Stored(ended, stored.owners)), False

    def _stored(self, target: Target) -> Stored:
        stored = self._store.get(target.kind, target.key)
        if stored is None:
            raise target.missing()
        return stored

    def _check_meant(
        self, target: Target, live: dict[str, Any], body: dict[str, Any], *, versioned: bool = True
    ) -> None:
        meant, now = body["metadata"], live["metadata"]
        if meant.get("uid") and meant["uid"] != now["uid"]:
            raise target.conflict(f"Precondition failed: UID in precondition: {meant['uid']}")
        version = meant.get("resourceVersion")
        if version and version != now["resourceVersion"]:
            raise target.conflict(
                "the object has been modified; please apply your changes to the latest version"
            )
        if versioned and not version and target.kind.versioned_put:
            raise Refusal(422, "metadata.resourceVersion: must be specified for an update")

    def _born(self, target: Target, body: dict[str, Any]) -> dict[str, Any]:
        self._check_namespace(target)
        return shape.born(target, body, self._stamp())

    def _check_namespace(self, target: Target) -> None:
        if not target.kind.namespaced:
            return
        space = self._store.get(BY_NAME["Namespace"], ("", target.namespace))
        if space is None:
            raise Refusal(404, f'namespaces "{target.namespace}" not found')
        if space.obj["metadata"].get("deletionTimestamp"):
            raise Refusal(
                403,
                f'{target.kind.plural} "{target.name}" is forbidden: unable to create new content '
                f"in namespace {target.namespace} because it is being terminated",
                causes=[{"reason": "NamespaceTerminating", "message": "", "field": ""}],
            )

    def _commit(
        self, target: Target, stored: Stored | None, new: dict[str, Any], holders: Owners
    ) -> dict[str, Any]:
        before = stored.obj["metadata"].get("managedFields", []) if stored else []
        entries = owners.managed_fields(holders, target.kind.api_version, self._stamp(), before)
        new = {**new, "metadata": {**new["metadata"], "managedFields": entries}}
        if stored is not None and new == stored.obj:
            return stored.obj
        if target.dry_run:
            version = stored.obj["metadata"]["resourceVersion"] if stored else ""
            return {**new, "metadata": {**new["metadata"], "resourceVersion": version}}
        metadata = new["metadata"]
        if metadata.get("deletionTimestamp") and not shape.is_held(new):
            return self._store.remove(target.kind, target.key)
        return self._store.put(target.kind, target.key, Stored(new, holders))

    def _stamp(self) -> str:
        return self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _field_conflict(target: Target, taken: Owners) -> Refusal:
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f'conflict with "{owner.manager}"',
            "field": ".".join(step.removeprefix("f:") for step in path),
        }
        for owner, fields in taken.items()
        for path in sorted(fields)
    ]
    number = len(causes)
    return Refusal(409, f"Apply failed with {number} conflict(s)", causes=causes)
