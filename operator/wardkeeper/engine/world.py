# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What has been observed: the workflows and their children, as small as decisions allow.

The world never asks and never writes. A child is kept as identity and version; what it contains
is kept only until a pass has held it against what is wanted. Observing returns whether, and how
urgently, a pass is wanted; an event that tells of our own write wants none.

News come in any order: over several watches, in lists, in answers to our own writes. Versions say
which is newer, whoever bears the name, and what is gone stays gone.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wardkeeper.api.workflow import KIND
from wardkeeper.engine.gone import Gone
from wardkeeper.engine.seen import (
    Child,
    Key,
    Observed,
    controlled_by,
    differs,
    key_of,
    named_by,
    packed,
    packed_status,
    see_child,
    see_workflow,
)
from wardkeeper.engine.strangers import Strangers
from wardkeeper.kube.resource import Ref, ref_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping


@dataclass(slots=True)
class _Family:
    """The children of one workflow, and the uids of those that vanished without our doing."""

    children: dict[Ref, Child] = field(default_factory=dict)
    lost: dict[Ref, str] = field(default_factory=dict)


class World:
    """Everything that has been observed, by workflow.

    Attributes:
        keeps_contents: whether what a child contains is kept for the next pass. A standby runs no
            passes, so it keeps none and lists anew when it takes over.
        strangers: NetworkPolicies of others that open something.
    """

    def __init__(self) -> None:
        self.keeps_contents = True
        self._workflows: dict[Key, Observed] = {}
        self._families: defaultdict[Key, _Family] = defaultdict(_Family)
        self._homes: dict[Ref, Key] = {}
        self._leaving: set[str] = set()
        self._gone = Gone()
        self.strangers = Strangers(self._uid_of)

    def __len__(self) -> int:
        """How many workflows there are."""
        return len(self._workflows)

    def workflows(self) -> Iterable[Key]:
        """Every workflow that was observed and not seen to go."""
        return tuple(self._workflows)

    def workflow(self, key: Key) -> Observed | None:
        """A workflow, or None when it is gone."""
        return self._workflows.get(key)

    def exists(self, namespace: str, name: str) -> bool:
        """Whether there is a workflow of that name that is not being deleted."""
        seen = self._workflows.get(Key(namespace, name))
        return seen is not None and not seen.deleting

    def observe_workflow(self, raw: Mapping[str, Any]) -> bool:
        """Remember a workflow; True when a pass is wanted.

        A change of foreign labels wants none, and of status only what somebody else wrote there.
        """
        metadata = raw["metadata"]
        key = Key(metadata["namespace"], metadata["name"])
        before = self._workflows.get(key)
        version = int(metadata["resourceVersion"])
        late = before is not None and version <= before.version
        if late or self._gone.holds(metadata["uid"], version):
            return False
        now = self._workflows[key] = see_workflow(raw, before)
        if before is not None and before.uid != now.uid and key in self._families:
            self._families[key].lost.clear()
        self.strangers.settle(key, now.uid)
        return before is None or differs(before, now)

    def telling(self, key: Key, uid: str, status: Mapping[str, Any]) -> None:
        """We are about to write this status: whoever sees it there has not seen a forgery."""
        seen = self._workflows.get(key)
        if seen is not None and seen.uid == uid:
            seen.telling = packed_status(status)

    def told(self, key: Key, uid: str, status: bytes) -> None:
        """This is what we say of a workflow, whatever somebody else wrote there meanwhile."""
        seen = self._workflows.get(key)
        if seen is not None and seen.uid == uid:
            seen.status, seen.told, seen.telling = status, True, b""
            seen.stands = status if seen.stands == status else seen.stands

    def forget_workflow(self, key: Key, uid: str) -> bool:
        """A workflow is gone; True when it was this one and not a successor of the same name."""
        self._gone.add(uid)
        seen = self._workflows.get(key)
        if seen is None or seen.uid != uid:
            return False
        del self._workflows[key]
        if key in self._families:
            self._families[key].lost.clear()
            self._tidy(key)
        return True

    def observe_child(self, raw: dict[str, Any]) -> Key | None:
        """Remember a child; its workflow when a pass is wanted, else None.

        A child that lost its label and its owner reference is still the one it was. One that
        somebody gave to another workflow is that one's, and its own misses it.
        """
        ref = ref_of(raw)
        home = self._homes.get(ref)
        key = controlled_by(raw) or home or named_by(raw)
        known = self.children(home).get(ref) if home else None
        child = see_child(raw, known)
        if key is None or self._gone.holds(child.uid, child.version):
            return None
        if known and child.version < known.version:
            return None
        if known and home == key and child.uid == known.uid:
            compared = known.unread is not None or known.good_for
            if child.version == known.version and compared:
                return None
            child.owner = child.owner or known.owner
            child.taken_from = known.taken_from if child.owner == known.owner else known.owner
            child.good_for = known.good_for
        child.unread = packed(raw) if self.keeps_contents else None
        self._put(key, ref, child)
        return key

    def forget_child(self, raw: dict[str, Any]) -> Key | None:
        """A child is gone; its workflow when a pass is wanted, else None.

        A child that vanished while nobody watched comes with kind, namespace and name only. What
        never was one is not remembered as gone.
        """
        ref, uid = ref_of(raw), raw["metadata"].get("uid")
        if uid and (ref in self._homes or key_of(raw)):
            self._gone.add(uid, int(raw["metadata"]["resourceVersion"]))
        key = self._homes.get(ref)
        if key is None:
            return None
        known = self._families[key].children[ref]
        if uid and (uid != known.uid or int(raw["metadata"]["resourceVersion"]) < known.version):
            return None
        self._leave(key, ref, known)
        return key if key in self._workflows else None

    def wrote(self, raw: dict[str, Any], good_for: int) -> None:
        """Remember a child as the server stored it after our own write.

        Args:
            raw: the stored object.
            good_for: fingerprint of the wanted object that it is equal to; 0 when it is not.
        """
        ref = ref_of(raw)
        home = self._homes.get(ref)
        key = controlled_by(raw) or home or named_by(raw)
        if key is None:
            return
        known = self.children(home).get(ref) if home else None
        child = see_child(raw, known)
        if self._gone.holds(child.uid, child.version):
            if key in self._workflows:
                self._families[key].lost[ref] = child.uid
            return
        if known is None or known.version <= child.version:
            child.good_for = good_for
            if not good_for:
                child.unread, child.own = packed(raw), True
            self._put(key, ref, child)

    def compared(self, key: Key, ref: Ref, version: int, good_for: int) -> None:
        """A pass has found the child at this version to be as wanted."""
        child = self.children(key).get(ref)
        if child is not None and child.version == version:
            child.unread, child.good_for = None, good_for

    def drop_contents(self) -> None:
        """Forget what children contain; they are listed anew before the next pass."""
        self.keeps_contents = False
        for family in self._families.values():
            for child in family.children.values():
                child.unread, child.good_for = None, 0

    def leaving(self, uid: str) -> None:
        """We are about to delete this child: its going is no drift."""
        self._leaving.add(uid)

    def children(self, key: Key) -> Mapping[Ref, Child]:
        """The children of a workflow, whoever owns them by uid."""
        family = self._families.get(key)
        return family.children if family else {}

    def lost(self, key: Key) -> frozenset[Ref]:
        """Children that vanished without our doing and are not back yet."""
        family = self._families.get(key)
        return frozenset(family.lost) if family else frozenset()

    def pending(self, key: Key) -> frozenset[tuple[Ref, int | str]]:
        """Changes that no pass has taken in: ref and version, of a child that is lost its uid."""
        seen, family = self._workflows.get(key), self._families.get(key)
        forged = {(Ref(KIND, *key), seen.version)} if seen and seen.forged else set()
        if family is None:
            return frozenset(forged)
        news = forged | {
            (ref, one.version)
            for ref, one in family.children.items()
            if one.unread is not None and not one.own
        }
        return frozenset(news | set(family.lost.items()))

    def settle(self, key: Key, wanted: Collection[Ref]) -> None:
        """What nobody wants is neither missed nor remembered in full.

        What came to belong to the workflow during its pass is news, though nobody wants it: the
        next pass has it go.
        """
        family = self._families.get(key)
        if family is None:
            return
        family.lost = {ref: uid for ref, uid in family.lost.items() if ref in wanted}
        uid = self._uid_of(key)
        for ref, child in family.children.items():
            stays = child.owner == uid and not (child.leaving or child.uid in self._leaving)
            if ref not in wanted and not stays:
                child.unread, child.good_for = None, 0

    def known(self, kind: str) -> Iterable[tuple[str, str]]:
        """Namespace and name of every child of a kind."""
        return [(ref.namespace, ref.name) for ref in self._homes if ref.kind == kind]

    def _uid_of(self, key: Key) -> str | None:
        seen = self._workflows.get(key)
        return seen.uid if seen else None

    def _put(self, key: Key, ref: Ref, child: Child) -> None:
        home = self._homes.get(ref)
        if home not in (None, key):
            self._leave(home, ref, self._families[home].children[ref])
        family = self._families[key]
        before = family.children.get(ref)
        if before is not None and before.uid != child.uid:
            self._leaving.discard(before.uid)  # who has a successor has gone
        family.children[ref] = child
        self._homes[ref] = key
        family.lost.pop(ref, None)

    def _leave(self, key: Key, ref: Ref, known: Child) -> None:
        """A child is there no more, or not as one of this workflow, which may miss it."""
        family, seen = self._families[key], self._workflows.get(key)
        del family.children[ref], self._homes[ref]
        expected = known.uid in self._leaving
        self._leaving.discard(known.uid)
        owned = seen is not None and seen.uid in (known.owner, known.taken_from)
        if seen and not seen.deleting and owned and not expected:
            family.lost[ref] = known.uid
        self._tidy(key)

    def _tidy(self, key: Key) -> None:
        family = self._families[key]
        if not family.children and not family.lost and key not in self._workflows:
            del self._families[key]
