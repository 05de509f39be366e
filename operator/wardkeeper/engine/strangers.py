# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The NetworkPolicies that open something and that no pass looks after; nobody touches them here.

Of each is kept whom it selects and in which directions, and of one that opens nothing, nothing. A
workflow's own two policies are compared by its passes, so they are no strangers to it; but only as
long as they bear its owner reference and select its pods alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from wardkeeper.api.workflow import KIND
from wardkeeper.engine.seen import Key
from wardkeeper.policy.opening import Opener, Opening, read_opening
from wardkeeper.policy.selector import Requirement
from wardkeeper.render.metadata import WORKFLOW
from wardkeeper.render.networkpolicy import policy_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from wardkeeper.policy.selector import PodLabels


class _Home(NamedTuple):
    """The workflow that an owner reference says a policy is of."""

    key: Key
    uid: str


class _Stranger(NamedTuple):
    """What a policy opens, and whose it says it is."""

    opening: Opening
    home: _Home | None


class Strangers:
    """What others have opened, by namespace and name.

    Args:
        uid_of: the uid of a workflow that has been observed; None of one that has not.
    """

    def __init__(self, uid_of: Callable[[Key], str | None]) -> None:
        self._uid_of = uid_of
        self._spaces: dict[str, dict[str, _Stranger]] = {}

    def __len__(self) -> int:
        """How many are kept."""
        return sum(map(len, self._spaces.values()))

    def names(self) -> Iterator[tuple[str, str]]:
        """Namespace and name of each."""
        for namespace, policies in self._spaces.items():
            yield from ((namespace, name) for name in policies)

    def observe(self, raw: Mapping[str, Any]) -> tuple[Opening, ...]:
        """Remember a policy; what it opened before and opens now, empty when that is the same."""
        metadata = raw["metadata"]
        opening = read_opening(raw.get("spec") or {})
        now = _Stranger(opening, _home(raw)) if opening else None
        if now and now.home and self._uid_of(now.home.key) == now.home.uid:
            now = None if _is_guard(metadata["name"], now) else now
        return self._put(metadata["namespace"], metadata["name"], now)

    def forget(self, raw: Mapping[str, Any]) -> tuple[Opening, ...]:
        """A policy is gone; what it opened."""
        return self._put(raw["metadata"]["namespace"], raw["metadata"]["name"], None)

    def settle(self, key: Key, uid: str) -> None:
        """A workflow is there whose own policies may have been seen before it was."""
        policies = self._spaces.get(key.namespace, {})
        for name in policy_names(key.name):
            one = policies.get(name)
            if one and one.home == _Home(key, uid) and _is_guard(name, one):
                self._put(key.namespace, name, None)

    def openers(
        self, key: Key, uid: str, labels: PodLabels, *, guarded: bool
    ) -> tuple[Opener, ...]:
        """The policies that open the pods of a workflow, sorted by name.

        Args:
            key: the workflow.
            uid: its identity.
            labels: those of its pods.
            guarded: whether its pass has both of its own policies as wanted, whoever changed them;
                in a quarantine it removes one, if that is its own.
        """
        home, own = _Home(key, uid), policy_names(key.name)
        return tuple(
            Opener(name, one.opening.ingress, one.opening.egress)
            for name, one in sorted(self._spaces.get(key.namespace, {}).items())
            if not (name in own and (guarded or one.home == home))
            if one.opening.selector.may_select(labels)
        )

    def _put(self, namespace: str, name: str, now: _Stranger | None) -> tuple[Opening, ...]:
        policies = self._spaces.get(namespace, {})
        before = policies.pop(name, None)
        if now is not None:
            self._spaces.setdefault(namespace, policies)[name] = now
        elif before is not None and not policies:
            del self._spaces[namespace]
        if before == now:
            return ()
        return tuple(one.opening for one in (before, now) if one is not None)


def _home(raw: Mapping[str, Any]) -> _Home | None:
    metadata = raw["metadata"]
    for one in metadata.get("ownerReferences") or ():
        if one.get("controller") and one.get("kind") == KIND:
            return _Home(Key(metadata["namespace"], one["name"]), one["uid"])
    return None


def _is_guard(name: str, policy: _Stranger) -> bool:
    """Whether it is one of the two that its workflow has, and can be about its pods only."""
    if policy.home is None:
        return False
    workflow = policy.home.key.name
    alone = Requirement(WORKFLOW, "In", (workflow,))
    return name in policy_names(workflow) and alone in policy.opening.selector.requirements
