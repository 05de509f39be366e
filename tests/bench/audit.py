# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Who wrote what, as the API server's audit log tells it. Pure but for reading that file.

The operator's own count of its requests is never asked: what counts is what reached the server.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

OPERATOR_AGENT = "wardkeeper/"
"""How the User-Agent of each of the operator's clients begins."""

_DONE = "ResponseComplete"
_LEASE = ("leases", "serviceaccounts/token")
_CONFLICT = 409


class Target(NamedTuple):
    """What a write was aimed at; `resource` includes the subresource."""

    resource: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Write:
    """One write that the API server has answered.

    Attributes:
        agent: User-Agent of who sent it.
        user: name of who sent it.
        verb: `create`, `update`, `patch`, `delete` or `deletecollection`.
        target: at what.
        code: HTTP status of the answer.
    """

    agent: str
    user: str
    verb: str
    target: Target
    code: int


@dataclass(frozen=True, slots=True)
class Tally:
    """The operator's writes of some span of time; leases and TokenRequests are counted apart.

    Attributes:
        writes: that were accepted, by target.
        kinds: the same by `verb resource`.
        refused: how many were refused, by HTTP status.
        apart: Lease renewals and TokenRequests, by `verb resource`.
        users: names under which they were sent.
    """

    writes: Counter[Target]
    kinds: Counter[str]
    refused: Counter[int]
    apart: Counter[str]
    users: frozenset[str]

    @property
    def total(self) -> int:
        """Writes that were accepted."""
        return self.writes.total()

    @property
    def conflicts(self) -> int:
        """Writes that were refused because somebody else had written."""
        return self.refused[_CONFLICT]

    @property
    def repeated(self) -> int:
        """Writes beyond the first at the same target, and refused ones: what had to be redone."""
        return self.total - len(self.writes) + self.refused.total()

    def of(self, *resources: str) -> frozenset[Target]:
        """Targets of these resources that were written to."""
        return frozenset(one for one in self.writes if one.resource in resources)

    def facts(self) -> dict[str, Any]:
        """For the results."""
        return {
            "writes": dict(sorted(self.kinds.items())),
            "refused": {str(code): count for code, count in sorted(self.refused.items())},
            "counted_apart": dict(sorted(self.apart.items())),
            "users": sorted(self.users),
        }


def tally(writes: Iterable[Write]) -> Tally:
    """Count the operator's writes among all of them."""
    accepted: Counter[Target] = Counter()
    kinds: Counter[str] = Counter()
    refused: Counter[int] = Counter()
    apart: Counter[str] = Counter()
    users = set()
    for write in writes:
        if not write.agent.startswith(OPERATOR_AGENT):
            continue
        users.add(write.user)
        kind = f"{write.verb} {write.target.resource}"
        if write.target.resource in _LEASE:
            apart[kind] += 1
        elif write.code >= 400:
            refused[write.code] += 1
        else:
            accepted[write.target] += 1
            kinds[kind] += 1
    return Tally(accepted, kinds, refused, apart, frozenset(users))


def parse(line: bytes) -> Write | None:
    """A line of the log; None for what is no finished write."""
    event = orjson.loads(line)
    about = event.get("objectRef")
    if event["stage"] != _DONE or not about or event["verb"] in ("get", "list", "watch"):
        return None
    resource = "/".join(filter(None, (about["resource"], about.get("subresource"))))
    return Write(
        agent=event.get("userAgent", ""),
        user=event["user"]["username"],
        verb=event["verb"],
        target=Target(resource, about.get("namespace", ""), about.get("name", "")),
        code=event["responseStatus"]["code"],
    )


class AuditLog:
    """The audit log of one API server.

    Args:
        path: a file with one event a line, in order.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def position(self) -> int:
        """Where the log ends now; hand it to `since`."""
        return self._path.stat().st_size

    def since(self, position: int) -> Iterator[Write]:
        """The finished writes after a position, everybody's; an unfinished last line is left."""
        with self._path.open("rb") as log:
            log.seek(position)
            for line in log:
                write = parse(line) if line.endswith(b"\n") else None
                if write is not None:
                    yield write
