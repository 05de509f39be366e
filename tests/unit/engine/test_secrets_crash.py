# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The operator dies before or after any effect, several times over: what comes of it in the end."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine.secret_bench import Bench, Crash, path, spec
from wardkeeper.rotation.decide import Action
from wardkeeper.rotation.identity import rotation_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.vault.fake_vault import Answer

FIRST_ID = rotation_id("uid-1", "db")
SECOND_ID = rotation_id("uid-1", "db", FIRST_ID)
EFFECTS = 24
"""More than a pass has, so that some crashes never happen."""


def nothing(_: Bench) -> None:
    """The secret has never been made."""


def due(bench: Bench) -> None:
    bench.advance(timedelta(days=31))


def requested(bench: Bench) -> None:
    bench.current_job(rotate_now="db@1")


def changed(bench: Bench) -> None:
    bench.current_job(secrets=(spec("db", "password", "salt"),))


def deleted(bench: Bench) -> None:
    bench.live.clear()


def edited(bench: Bench) -> None:
    bench.foreign.add("db")


def asked_and_deleted(bench: Bench) -> None:
    requested(bench)
    deleted(bench)


def entry_lost(bench: Bench) -> None:
    bench.fake.kv.clear()
    bench.foreign.add("db")


CASES: dict[Callable[[Bench], None], tuple[int, str]] = {
    nothing: (1, FIRST_ID),
    due: (2, SECOND_ID),
    requested: (2, SECOND_ID),
    changed: (2, SECOND_ID),
    deleted: (1, FIRST_ID),
    edited: (1, FIRST_ID),
    asked_and_deleted: (2, SECOND_ID),
    entry_lost: (1, SECOND_ID),
}


class Killer:
    """Ends the process at the n-th effect, and lets nothing through after that."""

    def __init__(self, at: int, *, lost_answer: bool) -> None:
        self.left = at
        self.lost_answer = lost_answer
        self.dead = False

    def before(self, line: str) -> Answer | None:
        """At a request to Vault, before it is carried out."""
        del line
        if not self.lost_answer:
            self.count()
        elif self.dead:
            raise Crash
        return None

    def after(self, line: str) -> None:
        """After it was carried out: the answer gets lost, or the process ends."""
        del line
        if self.lost_answer and self.left == 0:
            self.left = -1
            raise requests.ConnectionError
        self.left -= self.lost_answer
        self.effect("")

    def effect(self, what: str) -> None:
        """At a publication and at a token request."""
        del what
        if not self.lost_answer:
            self.count()

    def count(self) -> None:
        if self.dead or self.left <= 0:
            self.dead = True
            raise Crash
        self.left -= 1


async def crashing_pass(bench: Bench, at: int, *, lost_answer: bool) -> None:
    """One pass of a process that dies on the way; the next one is a new process."""
    killer = Killer(at, lost_answer=lost_answer)
    bench.fake.before, bench.fake.after, bench.effects = killer.before, killer.after, killer.effect
    with contextlib.suppress(Crash):
        await bench.supply()
    bench.fake.before = bench.fake.after = bench.effects = None
    bench.stop()
    bench.start()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
@given(
    crashes=st.lists(
        st.tuples(st.integers(min_value=0, max_value=EFFECTS), st.booleans()), max_size=4
    )
)
@settings(max_examples=60, deadline=None)
async def test_whatever_crashes_in_between_one_reason_makes_one_version(
    case: Callable[[Bench], None], crashes: list[tuple[int, bool]]
) -> None:
    versions, newest = CASES[case]
    bench = Bench()
    if case is not nothing:
        await bench.supply(known=frozenset({"db"}))
    case(bench)
    for at, lost_answer in crashes:
        await crashing_pass(bench, at, lost_answer=lost_answer)
    await bench.supply()
    bench.fake.log.clear()
    settled = await bench.one()
    bench.stop()
    assert (settled.action, settled.reason, bench.fake.log) == (Action.KEEP, None, [])
    assert bench.versions() == versions
    assert bench.annotation("rotation-id") == newest
    stored = bench.fake.kv[path()][-1].data
    assert stored is not None
    assert bench.values() == {k: v for k, v in stored.items() if not k.startswith("_")}
