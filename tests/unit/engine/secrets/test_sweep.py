# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What workflows that are gone left behind is taken back later, and nothing of those that live."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.unit.engine.objects import NAME, SPACE, UID, workflow
from tests.unit.engine.secrets.ledger_world import OWNER, LedgerWorld, TokenVault
from wardkeeper.engine.secrets.ledger import Owner
from wardkeeper.engine.secrets.sweep import (
    LONGEST_OUTAGE_PAUSE,
    LONGEST_PAUSE,
    SWEEP_SECONDS,
    Sweeper,
)
from wardkeeper.engine.secrets.withdraw import withdraw
from wardkeeper.engine.seen import Key
from wardkeeper.engine.world import World
from wardkeeper.kube.errors import ApiError, Forbidden, NotFound, NotLeading, Unreachable

if TYPE_CHECKING:
    from wardkeeper.kube.client import Client

GONE = OWNER
OTHER = Owner(SPACE, "other", "uid-of-the-other")


class Server:
    """Knows which workflows there are."""

    def __init__(self) -> None:
        self.uids: dict[str, str] = {}
        self.fails: Exception | None = None
        self.asked = 0

    async def get(self, resource: Any, namespace: str, name: str, **_: Any) -> dict[str, Any]:
        assert resource.kind == "HealthcareWorkflow"
        self.asked += 1
        if self.fails:
            raise self.fails
        if name not in self.uids:
            raise NotFound(404, "NotFound", name)
        return {"metadata": {"namespace": namespace, "name": name, "uid": self.uids[name]}}


class Sweeping:
    """A sweeper over a ledger, with a clock of its own."""

    def __init__(self) -> None:
        self.world = World()
        self.vault = LedgerWorld()
        self.server = Server()
        self.clock = 1000.0
        self.slept: list[float] = []
        self.sweeper = Sweeper(
            self.world,
            cast("Client", self.server),
            self.vault.services,
            lambda: self.clock,
            self.sleep,
        )

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) == 3:
            raise asyncio.CancelledError

    async def after(self, seconds: float) -> int:
        """Sweep that much later; how many requests that takes of the API server and Vault."""
        before = self.server.asked + len(self.vault.vault.calls)
        self.clock += seconds
        await self.sweeper.sweep()
        return self.server.asked + len(self.vault.vault.calls) - before


@pytest.fixture
async def sweeping() -> Sweeping:
    one = Sweeping()
    await one.vault.tokens.own(GONE)
    await one.vault.lease()
    one.vault.vault.calls.clear()
    return one


async def test_what_is_left_of_a_workflow_that_is_gone_is_taken_back(sweeping: Sweeping) -> None:
    await sweeping.sweeper.sweep()
    assert not sweeping.vault.vault.leases
    assert not sweeping.vault.vault.roles
    assert not sweeping.vault.ledger.owners()
    assert await sweeping.after(SWEEP_SECONDS) == 0


async def test_a_workflow_that_lives_keeps_what_it_has_and_costs_nothing(
    sweeping: Sweeping,
) -> None:
    sweeping.world.observe_workflow(workflow())
    assert (GONE.name, GONE.uid) == (NAME, UID)
    assert await sweeping.after(0) == 0
    assert sweeping.vault.vault.leases


async def test_a_workflow_that_this_process_does_not_follow_keeps_what_it_has(
    sweeping: Sweeping,
) -> None:
    sweeping.server.uids[NAME] = UID
    await sweeping.sweeper.sweep()
    assert sweeping.vault.vault.leases
    assert sweeping.vault.vault.calls == []


@pytest.mark.parametrize(
    "failure", [Forbidden(403, "Forbidden", "no"), Unreachable("cut off"), ApiError(500, "x", "x")]
)
async def test_nothing_is_taken_back_while_nobody_can_tell(
    sweeping: Sweeping, failure: ApiError
) -> None:
    sweeping.server.fails = failure
    await sweeping.sweeper.sweep()
    assert sweeping.vault.vault.leases
    sweeping.server.fails = None
    await sweeping.after(SWEEP_SECONDS)
    assert not sweeping.vault.vault.leases


async def test_a_namesake_keeps_its_roles(sweeping: Sweeping) -> None:
    sweeping.server.uids[NAME] = "uid-of-its-namesake"
    await sweeping.sweeper.sweep()
    assert not sweeping.vault.vault.leases
    assert sweeping.vault.vault.roles
    assert not sweeping.vault.ledger.owners()


@pytest.mark.parametrize("during", ["decrypt", "revoke_lease", "kv.remove"])
async def test_a_namesake_that_comes_meanwhile_keeps_its_roles(
    sweeping: Sweeping, monkeypatch: pytest.MonkeyPatch, during: str
) -> None:
    ask = TokenVault.run

    def run(vault: TokenVault, name: str, act: Any) -> Any:
        if name == during:
            sweeping.world.observe_workflow(workflow(uid="uid-of-its-namesake"))
        return ask(vault, name, act)

    monkeypatch.setattr(TokenVault, "run", run)
    await sweeping.sweeper.sweep()
    assert sweeping.world.workflow(Key(SPACE, NAME)) is not None
    assert sweeping.vault.vault.roles
    assert not sweeping.vault.ledger.owners()


async def test_while_vault_is_away_it_is_tried_less_and_less_often(sweeping: Sweeping) -> None:
    sweeping.vault.vault.away = True
    pauses, asked = [], 0
    await sweeping.sweeper.sweep()
    for _ in range(400):
        asked += 1
        if await sweeping.after(SWEEP_SECONDS):
            pauses.append(asked * SWEEP_SECONDS)
            asked = 0
    assert pauses[:3] == [30, 60, 120]
    assert max(pauses) == LONGEST_OUTAGE_PAUSE
    sweeping.vault.vault.away = False
    await sweeping.after(LONGEST_OUTAGE_PAUSE)
    assert not sweeping.vault.ledger.owners()


async def test_what_a_person_has_to_solve_is_looked_at_once_an_hour(sweeping: Sweeping) -> None:
    sweeping.vault.vault.denies = {"revoke_lease"}
    for _ in range(12):
        await sweeping.after(LONGEST_PAUSE)
    assert await sweeping.after(LONGEST_PAUSE - 1) == 0
    assert await sweeping.after(1) > 0


async def test_one_that_is_stuck_holds_up_no_other(sweeping: Sweeping) -> None:
    await sweeping.vault.tokens.own(OTHER)
    sweeping.vault.vault.denies = {"revoke_lease"}
    await sweeping.sweeper.sweep()
    assert sweeping.vault.ledger.owners() == (GONE,)


async def test_one_that_fails_by_a_defect_holds_up_nobody_and_is_told(
    sweeping: Sweeping, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails_for_one(owner: Owner, *args: Any, **options: Any) -> Any:
        if owner == GONE:
            raise KeyError("a defect")
        return await withdraw(owner, *args, **options)

    await sweeping.vault.tokens.own(OTHER)
    monkeypatch.setattr("wardkeeper.engine.secrets.sweep.withdraw", fails_for_one)
    await sweeping.sweeper.sweep()
    assert sweeping.vault.ledger.owners() == (GONE,)
    assert any(one.exc_info and "radiology/router" in str(vars(one)) for one in caplog.records)
    assert await sweeping.after(SWEEP_SECONDS - 1) == 0


async def test_it_sweeps_again_and_again(sweeping: Sweeping) -> None:
    with pytest.raises(asyncio.CancelledError):
        await sweeping.sweeper.run()
    assert sweeping.slept == [SWEEP_SECONDS] * 3


async def test_it_ends_when_another_process_leads(sweeping: Sweeping) -> None:
    sweeping.server.fails = NotLeading()
    with pytest.raises(NotLeading):
        await sweeping.sweeper.run()
