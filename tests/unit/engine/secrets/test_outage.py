# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Who gets their turn first when Vault is back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from tests.component.apiserver.virtual import run
from wardkeeper.api.reasons import Reason
from wardkeeper.engine.queue import Priority, Queue
from wardkeeper.engine.secrets.job import SecretOutcome
from wardkeeper.engine.secrets.outage import Outage
from wardkeeper.engine.seen import Key

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Story:
    """A queue, and an outage over it."""

    def __init__(self) -> None:
        self.queue: Queue[Key] = Queue(clock=asyncio.get_running_loop().time, draw=lambda: 0.5)
        self.now = NOW
        self.outage = Outage(self.queue, lambda: self.now)
        self.outage.vault_is(True)

    def waits(self, name: str, *hours: float | None, reason: Reason | None = None) -> None:
        """A pass ends whose secrets wait for Vault and have deadlines in so many hours."""
        self.outage.seen(
            Key("n", name),
            [
                SecretOutcome(
                    "db",
                    reason=reason or Reason.VAULT_UNAVAILABLE,
                    deadline=None if one is None else NOW + timedelta(hours=one),
                )
                for one in hours
            ],
        )

    async def served(self) -> str:
        names = []
        while len(self.queue):
            key = await self.queue.get()
            self.queue.done(key)
            names.append(key.name)
        return " ".join(names)


def test_the_nearest_deadline_gets_its_turn_first() -> None:
    async def tell() -> None:
        story = Story()
        for name, hours in (("c", 72.0), ("a", -1.0), ("b", 3.0)):
            story.waits(name, hours, 100.0)
        story.outage.vault_is(False)
        assert await story.served() == "a b c"
        story.outage.vault_is(False)
        assert await story.served() == ""

    run(tell())


def test_a_workload_that_cannot_start_counts_from_when_it_began_to_wait() -> None:
    async def tell() -> None:
        story = Story()
        story.waits("new", None)
        story.now += timedelta(hours=2)
        story.waits("newer", None)
        story.waits("new", None)
        story.waits("overdue", -1.0)
        story.waits("soon", 1.0)
        story.outage.vault_is(False)
        assert await story.served() == "overdue new soon newer"

    run(tell())


def test_a_pass_that_was_refused_just_before_the_return_gets_its_turn_once() -> None:
    async def tell() -> None:
        story = Story()
        story.waits("later", 5.0)
        story.outage.vault_is(False)
        story.waits("missed", 1.0)
        assert await story.served() == "missed later"
        story.waits("missed", 1.0)
        story.waits("later", 5.0)
        assert await story.served() == ""
        story.outage.vault_is(True)
        story.outage.vault_is(False)
        assert await story.served() == "missed later"

    run(tell())


def test_what_waits_for_something_else_is_left_alone() -> None:
    async def tell() -> None:
        story = Story()
        story.waits("denied", 1.0, reason=Reason.VAULT_REFUSED)
        story.waits("settled", 1.0)
        story.outage.seen(Key("n", "settled"), ())
        story.outage.vault_is(False)
        assert await story.served() == ""

    run(tell())


def test_live_changes_still_go_first() -> None:
    async def tell() -> None:
        story = Story()
        story.waits("overdue", -1.0)
        story.outage.vault_is(False)
        story.queue.add(Key("n", "changed"), Priority.LIVE)
        assert await story.served() == "changed overdue"

    run(tell())


def test_nothing_is_kept_of_a_workflow_that_is_gone() -> None:
    async def tell() -> None:
        story = Story()
        story.waits("a", 1.0)
        story.waits("b", 2.0)
        story.outage.vault_is(False)
        for name in ("a", "b"):
            story.waits(name)
        assert story.outage._waiting == {}
        assert story.outage._served == set()

    run(tell())
