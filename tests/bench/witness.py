# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What a watch sees of Secrets and CronJobs while secrets are rotated. Pure; keeps no value."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from wardkeeper.kube.resource import Ref
from wardkeeper.rotation.record import ROTATION_ID

if TYPE_CHECKING:
    from collections.abc import Mapping, Set

    from tests.bench.watching import Seen


class Witness:
    """Looks at every change after the state that it is given.

    Attributes:
        done: set when every Secret has been seen with another rotation id.
        rotated_at: when that was first seen, by Secret (monotonic seconds).
        empty: Secrets that were seen without a key, with an empty value, or deleted.

    Args:
        secrets: the Secrets as they were before.
        workloads: the CronJobs as they were before.
        keys: the keys that each Secret has.
    """

    def __init__(
        self,
        secrets: Mapping[Ref, Mapping[str, Any]],
        workloads: Mapping[Ref, Mapping[str, Any]],
        keys: Set[str],
    ) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.rotated_at: dict[Ref, float] = {}
        self.empty: set[Ref] = set()
        self._keys = keys
        self._first = {ref: _rotation_id(one) for ref, one in secrets.items()}
        self._ids: defaultdict[Ref, set[str]] = defaultdict(set)
        self._begun = {ref: one["metadata"]["generation"] for ref, one in workloads.items()}
        self._now = dict(self._begun)

    @property
    def once(self) -> int:
        """Secrets that were given exactly one rotation id besides the one they had."""
        return sum(len(ids) == 1 for ids in self._ids.values())

    @property
    def template_changes(self) -> list[int]:
        """How often the spec of each workload has changed."""
        return [self._now[ref] - begun for ref, begun in self._begun.items()]

    def look(self, seen: Seen) -> None:
        """Take one change in."""
        metadata = seen.obj["metadata"]
        ref = Ref(seen.kind, metadata["namespace"], metadata["name"])
        if ref in self._first:
            self._secret(ref, seen)
        elif ref in self._now and seen.type != "DELETED":
            self._now[ref] = metadata["generation"]

    def _secret(self, ref: Ref, seen: Seen) -> None:
        data = seen.obj.get("data") or {}
        if seen.type == "DELETED" or set(data) != self._keys or not all(data.values()):
            self.empty.add(ref)
            return
        found = _rotation_id(seen.obj)
        if found == self._first[ref]:
            return
        self._ids[ref].add(found)
        self.rotated_at.setdefault(ref, seen.at)
        if len(self.rotated_at) == len(self._first) and not self.done.done():
            self.done.set_result(None)


def _rotation_id(secret: Mapping[str, Any]) -> str:
    return str((secret["metadata"].get("annotations") or {}).get(ROTATION_ID, ""))
