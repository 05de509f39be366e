# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Places to kill a process at: the writes that it makes for one workflow, counted by what they do.

A request at which it is to be killed is held up, before the server hears of it or before its
answer is passed on, until the process is gone. Several workflows may be held up at the same time,
each at its own write, so that one kill meets all of them.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from tests.faults.kinds import kind_of, resource_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PATIENCE = 60.0
LONGEST_HOLD = 5.0
_UNCOUNTED = ("events", "leases", "serviceaccounts/token")
"""Writes to the API server that no rotation is made of."""

STATUS = "PATCH healthcareworkflows/status"
"""Counted once, where it says that what was asked for is done: others come as things move."""

_READS = ("transit/encrypt/hw-operator-state", "transit/decrypt/hw-operator-state")
"""Requests to Vault that change nothing, though they are sent as writes."""


class Request(NamedTuple):
    """One request on its way."""

    server: str
    method: str
    path: str
    body: bytes


class Side(StrEnum):
    """On which side of a write the process is killed."""

    BEFORE = "before"
    AFTER = "after"


class Point(NamedTuple):
    """The n-th write of a kind since the count began, from 1: `PATCH issuedcredentials/status`."""

    write: str
    nth: int = 1

    def __str__(self) -> str:
        return self.write if self.nth == 1 else f"{self.write} #{self.nth}"


@dataclass(frozen=True, slots=True)
class Stop:
    """A write that was counted; asked twice on its way whether it is held up."""

    stops: Stops
    chain: str
    side: Side | None

    def before(self) -> bool:
        """Hold it up before the server hears of it, if so planned; whether it was."""
        return self.side is Side.BEFORE and self.stops.hold(self.chain)

    def after(self) -> bool:
        """Hold it up before its answer is passed on, if so planned; whether it was."""
        return self.side is Side.AFTER and self.stops.hold(self.chain)


class Stops:
    """The writes of some workflows, and where they are held up.

    Args:
        chains: names of the workflows; none is part of another.
    """

    def __init__(self, chains: Iterable[str]) -> None:
        self._chains = tuple(chains)
        self._lock = threading.Condition()
        self._written: dict[str, Counter[str]] = {}
        self._order: dict[str, list[Point]] = {}
        self._planned: Mapping[str, tuple[Point, Side]] = {}
        self._answered = b""
        self._held: dict[str, float] = {}
        self._round = 0
        self.count()

    def count(
        self, planned: Mapping[str, tuple[Point, Side]] | None = None, *, answered: str = ""
    ) -> None:
        """Count from the beginning.

        Args:
            planned: by workflow, the write that is held up, and on which side of it; nothing is
                when left out.
            answered: a status that holds these words is counted, others are not.
        """
        with self._lock:
            self._written = {chain: Counter() for chain in self._chains}
            self._order = {chain: [] for chain in self._chains}
            self._planned = planned or {}
            self._answered = answered.encode()
            self._held.clear()

    def points(self, chain: str) -> list[Point]:
        """What was written for a workflow since the count began, in its order."""
        with self._lock:
            return list(self._order[chain])

    def held(self) -> set[str]:
        """The workflows that are held up now: all that are planned, or those that came in time.

        Empty while others may still come. Whoever asks a server waits for some seconds only, so
        the first is not held up for longer than `LONGEST_HOLD`.
        """
        with self._lock:
            first = min(self._held.values(), default=time.monotonic())
            over = time.monotonic() - first > LONGEST_HOLD
            return set(self._held) if over or self._held.keys() == self._planned.keys() else set()

    def release(self) -> None:
        """The process is gone: drop what is held up, and hold up nothing more."""
        with self._lock:
            self._planned, self._round = {}, self._round + 1
            self._lock.notify_all()

    def meet(self, request: Request) -> Stop | None:
        """Count a request if it is a write of one of the workflows."""
        kind = _write_of(request)
        chain = self._chain_of(request) if kind else None
        if kind is None or chain is None:
            return None
        with self._lock:
            if kind == STATUS and not self._is_first_answer(chain, request):
                return None
            self._written[chain][kind] += 1
            point = Point(kind, self._written[chain][kind])
            self._order[chain].append(point)
            planned, side = self._planned.get(chain, (None, None))
            return Stop(self, chain, side if planned == point else None)

    def hold(self, chain: str) -> bool:
        """Wait until the process is gone; always True."""
        with self._lock:
            began = self._round
            self._held[chain] = time.monotonic()
            self._lock.wait_for(lambda: self._round != began, _PATIENCE)
        return True

    def _is_first_answer(self, chain: str, request: Request) -> bool:
        said = bool(self._answered) and self._answered in request.body
        return said and not self._written[chain][STATUS]

    def _chain_of(self, request: Request) -> str | None:
        text = request.path
        if request.path.endswith(("/issuedcredentials", "pki/sign/hw-mtls")):
            text += request.body.decode()
        if request.path == "pki/revoke-with-key":
            text += _names_in(json.loads(request.body)["certificate"])
        return next((chain for chain in self._chains if chain in text), None)


def _write_of(request: Request) -> str | None:
    """What a request writes; None for what changes nothing of interest."""
    if request.server == "api":
        if request.method == "GET":
            return None
        resource = resource_of(request.path)
        return None if resource in _UNCOUNTED else f"{request.method} {resource}"
    creates = request.method == "GET" and request.path.startswith("database/creds/")
    if request.path in _READS or (request.method in ("GET", "LIST") and not creates):
        return None
    return f"{request.method} {kind_of(request.path)}"


def _names_in(pem: str) -> str:
    """Whatever can be read in a certificate; its names are among it."""
    return ssl.PEM_cert_to_DER_cert(pem.strip()).decode("latin-1")
