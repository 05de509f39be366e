# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Somebody takes a workflow's identity in Vault away, one part at a time, and gives it back.

What works meanwhile goes on working, the pass says what to do, and afterwards exactly one login to
the database and one token of the workflow live. Another workflow is not touched by any of it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.databases import DATABASE, Databases
from tests.cluster.waiting import PAUSE
from tests.e2e.supplied import NS, Supply, login, operator
from tests.e2e.vault_world import SERVERS, VaultWorld, open_vault_world
from wardkeeper.api.reasons import Reason
from wardkeeper.api.secrets import SecretSpec
from wardkeeper.engine.secrets.job import Job
from wardkeeper.kube.client import Client
from wardkeeper.kube.kubeconfig import from_kubeconfig
from wardkeeper.proof.database import log_in
from wardkeeper.proof.errors import NotProven
from wardkeeper.rotation.facts import Phase
from wardkeeper.vault.clock import SKEW_KEEPS
from wardkeeper.vault.token import LOGIN_PAUSE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from wardkeeper.engine.secrets.job import SecretOutcome
    from wardkeeper.vault.workflows import WorkflowVault

pytestmark = pytest.mark.cluster("api")
PATIENCE = 60.0


@pytest.fixture(scope="module", params=SERVERS)
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[VaultWorld]:
    with open_vault_world(tmp_path_factory.mktemp("vault"), request.param, postgres=True) as world:
        yield world


@dataclass
class Member:
    """A workflow with a login to the database, as people see it in Vault."""

    supply: Supply
    role: str

    @property
    def name(self) -> str:
        return self.supply.job.workflow

    def tokens(self) -> dict[str, str]:
        """The tokens by which the operator is this workflow: accessor and entity."""
        ask = self.supply.world.ask
        found = {}
        for accessor in ask("LIST", "auth/token/accessors")[1]["data"]["keys"]:
            status, told = ask("POST", "auth/token/lookup-accessor", body={"accessor": accessor})
            about = told.get("data", {})
            if status == 200 and (about["meta"] or {}).get("role") == f"hw.w.{NS}.{self.name}":
                found[accessor] = str(about["entity_id"])
        return found

    def ask(self, method: str, path: str, **body: Any) -> None:
        """What an administrator does, which has to go well."""
        assert self.supply.world.ask(method, path, body=body)[0] == 204

    async def names_the_command(self, request: str) -> None:
        """A pass that cannot do anything says what a person has to run."""
        outcome = await self.supply.one(rotate_now=request)
        assert outcome.phase is Phase.FAILED
        assert "run `wardkeeper vault bootstrap`" in outcome.message

    async def enters(self, values: dict[str, str]) -> bool:
        """Whether the database lets these values in."""
        postgres = self.supply.world.cluster.postgres
        where = ("localhost", postgres.port, DATABASE, values["username"], values["password"])
        try:
            await log_in(*where, ca_file=str(postgres.ca_file))
        except NotProven:
            return False
        return True

    async def shut_out(self, values: dict[str, str]) -> None:
        """Wait until the database does not let these values in any more.

        When a token ends, OpenBao says so at once, and ends its leases one by one after that.
        """
        async with asyncio.timeout(PATIENCE):
            while True:
                if not await self.enters(values):
                    return
                await asyncio.sleep(PAUSE)

    async def recovers(self, request: str) -> SecretOutcome:
        """Pass after pass, until what was asked for is delivered and all before it has ended."""
        async with asyncio.timeout(PATIENCE):
            while True:
                outcome = await self.supply.one(rotate_now=request)
                left = len(self.supply.ledger.all_of(self.supply.job.uid))
                if outcome.request == request and outcome.reason is None and left == 2:
                    return outcome
                await asyncio.sleep(min(outcome.next_look or 0.2, 0.5))


@dataclass
class Two:
    """The workflow that loses something, and one that must not."""

    mine: Member = field(init=False)
    other: Member = field(init=False)
    _passed: float = 0.0

    def seconds(self) -> float:
        """The operator's monotonic clock."""
        return time.monotonic() + self._passed

    def a_while_passes(self) -> None:
        """Put it forward, so that the operator may log in anew, and looks at Vault's clock."""
        self._passed += max(LOGIN_PAUSE, SKEW_KEEPS) + 1


@pytest.fixture
async def two(world: VaultWorld, databases: Databases) -> AsyncIterator[Two]:
    access = from_kubeconfig(world.cluster.kubeconfig())
    made = Two()
    async with (
        Client(access, user_agent="test") as kube,
        operator(world, monotonic=made.seconds) as vault,
    ):
        made.mine, made.other = (member(world, databases, kube, vault) for _ in range(2))
        for one in (made.mine, made.other):
            assert (await one.supply.one()).reason is None
        yield made


def member(world: VaultWorld, databases: Databases, kube: Client, vault: WorkflowVault) -> Member:
    name = f"wf-{secrets.token_hex(3)}"
    world.service_account(NS, name)
    source = login(databases, "Dynamic")
    spec = SecretSpec.model_validate(
        {"name": "db", "source": source, "rotation": {"every": "1h", "overlap": "0s"}}
    )
    ca = str(world.cluster.postgres.ca_file)
    supply = Supply(world, kube, vault, Job(NS, name, f"uid-of-{name}", (spec,)), ca)
    return Member(supply, databases.dynamic(NS, name, "claims"))


@asynccontextmanager
async def untouched(other: Member, databases: Databases) -> AsyncIterator[None]:
    """What happens in here is none of this workflow's business."""
    before = (other.tokens(), other.supply.values(), databases.leases(other.role))
    yield
    outcome = await other.supply.one()
    assert outcome.reason is None
    assert (other.tokens(), other.supply.values(), databases.leases(other.role)) == before
    assert await other.enters(before[1])


async def test_a_token_that_somebody_revoked_takes_its_login_along_and_both_are_replaced(
    two: Two, databases: Databases
) -> None:
    mine, before = two.mine, two.mine.supply.values()
    async with untouched(two.other, databases):
        (accessor,) = mine.tokens()
        mine.ask("POST", "auth/token/revoke-accessor", accessor=accessor)
        await mine.shut_out(before)
        await mine.recovers("db@1")
    await only_one_of_each(mine, databases)


async def test_a_role_that_somebody_deleted_is_put_back_and_the_login_works_on_meanwhile(
    two: Two, databases: Databases
) -> None:
    mine, before = two.mine, two.mine.supply.values()
    async with untouched(two.other, databases):
        role = f"auth/kubernetes/role/hw.w.{NS}.{mine.name}"
        mine.ask("DELETE", role)
        await mine.supply.tokens.doubt(mine.supply.owner)  # renews it, as in some hours
        assert await mine.enters(before)
        await mine.recovers("db@1")
    assert mine.supply.world.ask("GET", role)[0] == 200
    await only_one_of_each(mine, databases)


async def test_a_disabled_entity_is_named_and_what_works_is_kept(
    two: Two, databases: Databases
) -> None:
    mine, before = two.mine, two.mine.supply.values()
    async with untouched(two.other, databases):
        ((_, entity),) = mine.tokens().items()
        mine.ask("POST", f"identity/entity/id/{entity}", disabled=True)
        for _ in range(2):
            outcome = await mine.supply.one(rotate_now="db@1")
            assert (outcome.phase, outcome.reason) == (Phase.FAILED, Reason.VAULT_REFUSED)
            assert "that the entity is not disabled" in outcome.message
        assert mine.supply.values() == before
        assert await mine.enters(before)
        mine.ask("POST", f"identity/entity/id/{entity}", disabled=False)
        await mine.recovers("db@1")
        assert not await mine.enters(before)
    await only_one_of_each(mine, databases)


async def test_a_service_account_made_anew_goes_on_with_the_token_and_then_with_its_own(
    two: Two, databases: Databases
) -> None:
    mine = two.mine
    async with untouched(two.other, databases):
        ((accessor, entity),) = mine.tokens().items()
        mine.supply.world.core.delete_namespaced_service_account(mine.name, NS)
        mine.supply.world.service_account(NS, mine.name)
        await mine.recovers("db@1")
        assert mine.tokens() == {accessor: entity}
        mine.ask("POST", "auth/token/revoke-accessor", accessor=accessor)
        await mine.recovers("db@2")
        assert entity not in mine.tokens().values()
    await only_one_of_each(mine, databases)


async def test_an_auth_method_made_anew_takes_all_along_until_an_administrator_sets_it_up(
    two: Two, databases: Databases
) -> None:
    mine, before = two.mine, two.mine.supply.values()
    policy = "sys/policies/acl/hw-workflow-writer"
    written_for_the_old = mine.supply.world.ask("GET", policy)[1]["data"]["policy"]
    mine.ask("DELETE", "sys/auth/kubernetes")
    await mine.names_the_command("db@1")
    mine.ask("POST", "sys/auth/kubernetes", type="kubernetes")
    two.a_while_passes()
    await mine.names_the_command("db@1")
    await asyncio.to_thread(mine.supply.world.bootstrap)
    two.a_while_passes()
    mine.ask("POST", policy, policy=written_for_the_old)
    await mine.names_the_command("db@1")
    assert mine.supply.values() == before
    await asyncio.to_thread(mine.supply.world.bootstrap)
    for one in (mine, two.other):
        await one.recovers("db@1")
        await only_one_of_each(one, databases)


async def only_one_of_each(member: Member, databases: Databases) -> None:
    """One token and one login live, and the login is the one that is delivered."""
    assert len(databases.leases(member.role)) == len(member.tokens()) == 1
    assert await member.enters(member.supply.values())
