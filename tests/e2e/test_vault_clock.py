# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The operator's clock is five minutes wrong, either way: Vault's clock counts, nothing hurries."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.e2e.supplied import NS, Supply, operator
from tests.e2e.vault_world import VaultWorld, open_vault_world
from tests.faults.vault_proxy import VaultProxy
from wardkeeper.api.secrets import SecretSpec
from wardkeeper.engine.secrets.job import Job
from wardkeeper.kube.client import Client
from wardkeeper.kube.kubeconfig import from_kubeconfig
from wardkeeper.vault.clock import SKEW_KEEPS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from wardkeeper.engine.secrets.job import SecretOutcome

pytestmark = pytest.mark.cluster("api")

WRONG = timedelta(minutes=5)
HOUR = timedelta(hours=1)
SLACK = timedelta(seconds=2)
"""Vault tells its time in whole seconds, and passes take some."""

EITHER_WAY = pytest.mark.parametrize("wrong", [WRONG, -WRONG], ids=["fast", "slow"])
HEALTH = ("GET", "sys/health")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultWorld]:
    with open_vault_world(tmp_path_factory.mktemp("vault")) as world:
        yield world


class Operator:
    """An operator with a clock of its own, and what it asks.

    Attributes:
        late: how long after its time the end of a pass came at most, on a busy machine.
    """

    def __init__(self, wrong: timedelta, proxy: VaultProxy) -> None:
        self.wrong, self.proxy = wrong, proxy
        self.passed = 0.0
        self.late = timedelta()
        self.supply: Supply

    def seconds(self) -> float:
        return time.monotonic() + self.passed

    def now(self) -> datetime:
        return datetime.now(UTC) + self.wrong

    def made(self) -> list[datetime]:
        """When Vault was given each version."""
        path = f"secret/metadata/hw/{NS}/{self.supply.job.workflow}/db"
        versions = self.supply.world.ask("GET", path)[1]["data"]["versions"]
        return sorted(datetime.fromisoformat(one["created_time"]) for one in versions.values())

    async def passes(self, until: datetime) -> SecretOutcome:
        """Pass after pass, each when the one before wants it, until that time."""
        wanted = time.monotonic()
        while True:
            outcome = await self.supply.one()
            self.late = max(self.late, timedelta(seconds=time.monotonic() - wanted))
            left = (until - datetime.now(UTC)).total_seconds()
            assert outcome.next_look
            if outcome.next_look > left:
                return outcome
            wanted = time.monotonic() + outcome.next_look
            await asyncio.sleep(outcome.next_look)


@asynccontextmanager
async def operating(world: VaultWorld, wrong: timedelta, every: str) -> AsyncIterator[Operator]:
    """An operator whose clock is wrong, with one secret."""
    name = f"wf-{secrets.token_hex(3)}"
    world.service_account(NS, name)
    source = {"kvGenerated": {"fields": [{"name": "password"}]}}
    spec = SecretSpec.model_validate({"name": "db", "source": source})
    rotation = spec.rotation.model_copy(update={"every": every, "overlap": "0s"})
    spec = spec.model_copy(update={"rotation": rotation})  # shorter than a user may say
    access = from_kubeconfig(world.cluster.kubeconfig())
    with VaultProxy(world.bao.address) as proxy:
        made = Operator(wrong, proxy)
        async with (
            Client(access, user_agent="test") as kube,
            operator(world, proxy.address, clock=made.now, monotonic=made.seconds) as vault,
        ):
            job = Job(NS, name, f"uid-of-{name}", (spec,))
            made.supply = Supply(world, kube, vault, job, clock=made.now)
            yield made


@EITHER_WAY
async def test_times_are_vaults_and_a_pass_that_is_not_due_does_nothing(
    world: VaultWorld, wrong: timedelta
) -> None:
    async with operating(world, wrong, every="4m") as one:
        outcome = await one.supply.one()
        (made,) = one.made()
        assert outcome.rotated_at is not None
        assert outcome.due_at is not None
        assert abs(outcome.rotated_at - made) <= SLACK
        assert timedelta(seconds=216) - SLACK <= outcome.due_at - made <= timedelta(minutes=4)
        assert abs(one.supply.vault.skew + wrong) <= SLACK
        one.proxy.forget()
        for _ in range(20):
            outcome = await one.supply.one()
            assert outcome.next_look is not None
            assert outcome.next_look > 20
        assert outcome.version == "1"
        assert one.proxy.counts().keys() <= {HEALTH}
        assert one.proxy.counts()[HEALTH] <= 1


@EITHER_WAY
async def test_an_operator_that_starts_with_a_wrong_clock_hurries_nothing(
    world: VaultWorld, wrong: timedelta
) -> None:
    async with operating(world, timedelta(), every="4m") as one:
        await one.supply.one()
        async with operator(world, one.proxy.address, clock=one.now) as fresh:
            one.wrong, one.supply = wrong, replace(one.supply, vault=fresh)
            one.proxy.forget()
            for _ in range(5):
                assert (await one.supply.one()).version == "1"
            assert one.proxy.counts().keys() <= {HEALTH}
        assert len(one.made()) == 1


@EITHER_WAY
async def test_a_clock_that_is_set_while_the_operator_runs_hurries_nothing(
    world: VaultWorld, wrong: timedelta
) -> None:
    async with operating(world, timedelta(), every="4m") as one:
        due = (await one.supply.one()).due_at
        one.wrong = wrong
        one.proxy.forget()
        for _ in range(5):
            outcome = await one.supply.one()
            assert (outcome.version, outcome.due_at) == ("1", due)
        assert one.proxy.counts().keys() <= {HEALTH}


@EITHER_WAY
async def test_a_node_of_vault_whose_clock_is_wrong_causes_one_rotation_when_one_is_asked_for(
    world: VaultWorld, wrong: timedelta
) -> None:
    async with operating(world, timedelta(), every="1h") as one:
        await one.supply.one()
        one.proxy.skew = wrong
        one.passed = SKEW_KEEPS + 1
        for _ in range(5):
            outcome = await one.supply.one(rotate_now="db@1")
            assert (outcome.version, outcome.reason) == ("2", None)
        assert one.proxy.counts()[HEALTH] == 2
        assert abs(one.supply.vault.skew - wrong) <= SLACK
        assert outcome.due_at is not None
        assert timedelta(minutes=54) - SLACK <= outcome.due_at - one.made()[-1] <= HOUR


async def test_a_secret_is_replaced_at_its_time_by_vaults_clock_and_once(
    world: VaultWorld,
) -> None:
    async def tell(wrong: timedelta) -> None:
        async with operating(world, wrong, every="20s") as one:
            await one.supply.one()
            (first,) = one.made()
            await one.passes(first + timedelta(seconds=30))
            _, second = one.made()
            latest = timedelta(seconds=20) + SLACK + one.late
            assert timedelta(seconds=18) - SLACK <= second - first <= latest
            asked = one.proxy.counts()
            assert asked["POST", "auth/kubernetes/login"] == 2  # the operator's and the workflow's
            assert asked.total() < 40

    async with asyncio.TaskGroup() as group:
        for wrong in (WRONG, -WRONG):
            group.create_task(tell(wrong))
