# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Who names whom: the workflows whose network depends on whether another workflow exists."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import orjson

from wardkeeper.engine.seen import Key

if TYPE_CHECKING:
    from collections.abc import Iterable


class Peers:
    """An index from a workflow to those that name it; small, for few name any."""

    def __init__(self) -> None:
        self._named: dict[Key, frozenset[Key]] = {}
        self._namers: defaultdict[Key, set[Key]] = defaultdict(set)

    def observe(self, key: Key, spec: bytes) -> None:
        """Remember whom a workflow names; an empty spec names nobody."""
        named = frozenset(_named(key, spec)) if b'"workflow":' in spec else frozenset[Key]()
        before = self._named.pop(key, frozenset())
        for peer in before - named:
            self._namers[peer].discard(key)
            if not self._namers[peer]:
                del self._namers[peer]
        for peer in named:
            self._namers[peer].add(key)
        if named:
            self._named[key] = named

    def namers(self, key: Key) -> tuple[Key, ...]:
        """The workflows that name this one."""
        return tuple(self._namers.get(key, ()))


def _named(key: Key, spec: bytes) -> Iterable[Key]:
    read: dict[str, Any] = orjson.loads(spec)
    entries = [*read.get("endpoints", ()), *read.get("network", {}).get("ingress", ())]
    for entry in entries:
        peer = entry.get("workflow")
        if peer:
            yield Key(peer.get("namespace", key.namespace), peer["name"])
