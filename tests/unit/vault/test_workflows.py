# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import requests

from tests.unit.vault.fake_vault import Answer, workflow_jwt
from wardkeeper.api.reasons import Reason
from wardkeeper.vault.clock import SKEW_KEEPS
from wardkeeper.vault.errors import Kind, VaultError
from wardkeeper.vault.health import Health
from wardkeeper.vault.token import LOGIN_PAUSE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.unit.vault.conftest import Ticks
    from tests.unit.vault.fake_vault import FakeVault
    from wardkeeper.vault.kv import OwnPath
    from wardkeeper.vault.workflows import WorkflowVault

NS, WF = "radiology", "router"
PATH = f"hw/{NS}/{WF}/db"
JWT = workflow_jwt(NS, WF)
LOGIN = "POST auth/kubernetes/login"
REVOKE = "POST auth/token/revoke-self"


async def test_both_roles_are_written_in_full(vault: WorkflowVault, fake: FakeVault) -> None:
    await vault.ensure_roles(NS, WF)
    assert set(fake.roles) == {"hw.w.radiology.router", "hw.r.radiology.router"}
    assert fake.roles["hw.w.radiology.router"]["audience"] == "vault-operator"
    assert fake.roles["hw.r.radiology.router"]["token_max_ttl"] == "8h"
    await vault.delete_roles(NS, WF)
    await vault.delete_roles(NS, WF)
    assert not fake.roles


async def test_one_login_serves_many_workflows_at_once(
    vault: WorkflowVault, fake: FakeVault
) -> None:
    await asyncio.gather(*(vault.ensure_roles(NS, f"wf-{n}") for n in range(10)))
    assert len(fake.seen(LOGIN)) == 1


async def test_the_operators_token_is_renewed_at_half_its_time(
    vault: WorkflowVault, fake: FakeVault, ticks: Ticks
) -> None:
    await vault.ensure_roles(NS, WF)
    ticks.now += 1801
    await vault.ensure_roles(NS, WF)
    assert len(fake.seen("POST auth/token/renew-self")) == 1
    assert len(fake.seen(LOGIN)) == 1


async def test_a_token_that_died_is_replaced_once(
    vault: WorkflowVault, fake: FakeVault, ticks: Ticks
) -> None:
    await vault.ensure_roles(NS, WF)
    fake.tokens.clear()
    ticks.now += LOGIN_PAUSE
    await vault.ensure_roles(NS, WF)
    assert len(fake.seen(LOGIN)) == 2


async def test_a_token_beyond_renewal_is_replaced(
    vault: WorkflowVault, fake: FakeVault, ticks: Ticks
) -> None:
    await vault.ensure_roles(NS, WF)
    fake.tokens.clear()
    ticks.now += 7200
    await vault.ensure_roles(NS, WF)
    assert len(fake.seen(LOGIN)) == 2


async def test_a_token_is_not_forgotten_because_vault_was_away_at_its_renewal(
    vault: WorkflowVault, fake: FakeVault, ticks: Ticks
) -> None:
    await vault.ensure_roles(NS, WF)
    ticks.now += 1801
    fake.sealed = True
    with pytest.raises(VaultError):
        await vault.ensure_roles(NS, WF)
    fake.sealed = False
    ticks.now += 60
    await vault.ensure_roles(NS, WF)
    assert len(fake.seen(LOGIN)) == 1


async def test_a_denial_that_a_new_token_does_not_cure_causes_no_hammering(
    vault: WorkflowVault, fake: FakeVault
) -> None:
    def deny(line: str) -> Answer | None:
        return (403, {"errors": ["permission denied"]}) if "/role/" in line else None

    fake.before = deny
    for _ in range(5):
        with pytest.raises(VaultError) as caught:
            await vault.ensure_roles(NS, WF)
        assert caught.value.kind is Kind.DENIED
    assert len(fake.seen(LOGIN)) == 1


@asynccontextmanager
async def session(
    vault: WorkflowVault, namespace: str, name: str, jwt: str
) -> AsyncIterator[OwnPath]:
    login = await vault.log_in(namespace, name, jwt)
    yield vault.as_workflow(login.token, namespace, name).kv


async def test_a_session_reads_what_it_wrote(vault: WorkflowVault, fake: FakeVault) -> None:
    await vault.ensure_roles(NS, WF)
    async with session(vault, NS, WF, JWT) as own:
        assert await own.read("db") is None
        written = await own.write("db", {"password": "one"}, 0)
        read = await own.read("db")
    assert read == written
    assert (written.version, written.data) == (1, {"password": "one"})
    assert written.created == fake.now


async def test_a_write_that_lost_says_so(vault: WorkflowVault, fake: FakeVault) -> None:
    await vault.ensure_roles(NS, WF)
    fake.edit(PATH, password="by hand")
    async with session(vault, NS, WF, JWT) as own:
        with pytest.raises(VaultError) as caught:
            await own.write("db", {"password": "one"}, 0)
    assert caught.value.kind is Kind.CAS


async def test_a_missing_engine_is_not_taken_for_a_missing_entry(
    vault: WorkflowVault, fake: FakeVault
) -> None:
    await vault.ensure_roles(NS, WF)

    def unmounted(line: str) -> Answer | None:
        words = f'no handler for route "{PATH}". route entry not found.'
        return (404, {"errors": [words]}) if line.startswith("GET secret/") else None

    fake.before = unmounted
    async with session(vault, NS, WF, JWT) as own:
        with pytest.raises(VaultError) as caught:
            await own.read("db")
    assert caught.value.kind is Kind.MOUNT_MISSING
    assert caught.value.reason is Reason.VAULT_NOT_CONFIGURED


@pytest.mark.parametrize("line", [LOGIN, "POST secret/data/"])
async def test_a_login_or_a_write_whose_answer_got_lost_is_not_repeated(
    vault: WorkflowVault, fake: FakeVault, line: str
) -> None:
    await vault.ensure_roles(NS, WF)
    fake.log.clear()

    def lose(seen: str) -> None:
        if seen.startswith(line):
            raise requests.ConnectionError

    fake.after = lose
    with pytest.raises(VaultError) as caught:
        async with session(vault, NS, WF, JWT) as own:
            await own.write("db", {"password": "one"}, 0)
    assert caught.value.kind is Kind.UNREACHABLE
    assert len(fake.seen(line)) == 1


async def test_a_deleted_version_still_counts(vault: WorkflowVault, fake: FakeVault) -> None:
    await vault.ensure_roles(NS, WF)
    fake.edit(PATH, password="by hand")
    fake.delete(PATH)
    async with session(vault, NS, WF, JWT) as own:
        entry = await own.read("db")
        assert entry is not None
        assert (entry.version, entry.data) == (1, {})
        assert (await own.write("db", {"password": "one"}, 1)).version == 2


async def test_removing_leaves_nothing_and_may_be_done_twice(
    vault: WorkflowVault, fake: FakeVault
) -> None:
    await vault.ensure_roles(NS, WF)
    fake.edit(PATH, password="one")
    async with session(vault, NS, WF, JWT) as own:
        await own.remove("db")
        await own.remove("db")
        assert await own.read("db") is None
    assert not fake.kv


async def test_a_session_cannot_reach_another_workflows_path(
    vault: WorkflowVault, fake: FakeVault
) -> None:
    await vault.ensure_roles(NS, WF)
    async with session(vault, NS, WF, JWT) as own:
        own._workflow = "other"
        with pytest.raises(VaultError) as caught:
            await own.read("db")
    assert caught.value.kind is Kind.DENIED


async def test_a_revoked_token_may_be_revoked_again(vault: WorkflowVault, fake: FakeVault) -> None:
    await vault.ensure_roles(NS, WF)
    login = await vault.log_in(NS, WF, JWT)
    assert await vault.renew(login.token) > 0
    await vault.revoke_self(login.token)
    await vault.revoke_self(login.token)
    assert list(fake.tokens.values()) == ["operator"]


async def test_what_the_ledger_keeps_comes_back_as_it_was(vault: WorkflowVault) -> None:
    kept = await vault.encrypt("s.token")
    assert "s.token" not in kept
    assert await vault.decrypt(kept) == "s.token"


@pytest.mark.parametrize(
    ("jwt", "role", "kind"),
    [
        ("jwt:radiology/other", True, Kind.LOGIN_REFUSED),
        (JWT, False, Kind.ROLE_MISSING),
    ],
)
async def test_a_login_that_is_refused_says_why(
    vault: WorkflowVault, fake: FakeVault, jwt: str, role: bool, kind: Kind
) -> None:
    if role:
        await vault.ensure_roles(NS, WF)
    with pytest.raises(VaultError) as caught:
        async with session(vault, NS, WF, jwt):
            pass
    assert caught.value.kind is kind


async def test_health_tells_a_sealed_vault_from_one_that_is_not_there(
    vault: WorkflowVault, fake: FakeVault, ticks: Ticks
) -> None:
    assert await vault.health() == Health(False, "2.7.2", fake.now)
    fake.sealed = True
    assert await vault.health() == Health(sealed=True)


async def test_while_vault_is_sealed_a_thousand_workflows_cause_one_request(
    vault: WorkflowVault, fake: FakeVault, ticks: Ticks
) -> None:
    fake.sealed = True
    for _ in range(50):
        with pytest.raises(VaultError) as caught:
            await vault.ensure_roles(NS, WF)
        assert caught.value.kind is Kind.SEALED
        assert caught.value.retry_after is not None
    assert len(fake.log) == 1
    fake.sealed = False
    ticks.now += 2
    await vault.ensure_roles(NS, WF)


async def test_time_is_told_by_vaults_clock(
    vault: WorkflowVault, fake: FakeVault, ticks: Ticks
) -> None:
    ours = datetime(2026, 6, 1, tzinfo=UTC)
    vault._clock._clock = lambda: ours
    fake.now = ours + timedelta(hours=2)
    assert vault.skew == timedelta()
    assert await vault.now() == fake.now
    assert vault.skew == timedelta(hours=2)
    await vault.now()
    assert len(fake.log) == 1
    fake.now = ours
    ticks.now += SKEW_KEEPS + 1
    assert await vault.now() == ours


@pytest.mark.parametrize("minutes", [5, -5])
async def test_a_clock_that_somebody_sets_moves_vaults_time_nowhere(
    vault: WorkflowVault, fake: FakeVault, ticks: Ticks, minutes: int
) -> None:
    ours = fake.now
    vault._clock._clock = lambda: ours
    assert await vault.now() == fake.now
    ours += timedelta(minutes=minutes)
    ticks.now += 10
    assert await vault.now() == fake.now + timedelta(seconds=10)
    assert ours + vault.skew == fake.now + timedelta(seconds=10)
    assert len(fake.log) == 1


async def test_leaving_revokes_the_operators_token(vault: WorkflowVault, fake: FakeVault) -> None:
    async with vault:
        await vault.ensure_roles(NS, WF)
    assert not fake.tokens
