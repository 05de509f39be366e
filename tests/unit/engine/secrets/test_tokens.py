# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The workflows' tokens across restarts, lost answers, outages and their own end."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.unit.engine.secrets.ledger_world import NOW, OWNER, PERIOD, TOKEN_CANARY, LedgerWorld
from wardkeeper.engine.outcome import Transient
from wardkeeper.kube.errors import Conflict, Unreachable
from wardkeeper.vault.errors import Kind, VaultError

if TYPE_CHECKING:
    from wardkeeper.rotation.credential import Credential


@pytest.fixture
def world() -> LedgerWorld:
    return LedgerWorld()


def newest(world: LedgerWorld, secret: str = "db") -> Credential:
    return world.ledger.of(OWNER.uid, secret)[-1]


def token(world: LedgerWorld) -> Credential:
    found = world.ledger.token(OWNER.uid)
    assert found is not None
    return found


async def test_the_first_use_logs_in_and_later_ones_ask_nothing(world: LedgerWorld) -> None:
    await world.tokens.own(OWNER)
    first = list(world.vault.calls)
    assert first == ["ensure_roles", "log_in", "encrypt"]
    await world.tokens.own(OWNER)
    assert world.vault.calls == first
    entry = token(world)
    assert entry.expires_at == NOW + timedelta(seconds=PERIOD)
    assert entry.handle.accessor == "accessor-1"


async def test_the_intent_stands_before_the_login(world: LedgerWorld) -> None:
    world.vault.denies = {"ensure_roles"}
    with pytest.raises(VaultError):
        await world.tokens.own(OWNER)
    assert token(world).issued_at is None
    world.vault.denies = set()
    await world.tokens.own(OWNER)
    assert len(world.ledger.tokens(OWNER.uid)) == 1


async def test_a_start_asks_vault_nothing_and_goes_on_with_the_kept_token(
    world: LedgerWorld,
) -> None:
    await world.tokens.own(OWNER)
    world.vault.calls.clear()
    world.again()
    await world.tokens.tend(OWNER)
    assert world.tokens.renews_at(OWNER.uid)
    assert world.vault.calls == []
    await world.tokens.own(OWNER)
    assert world.vault.calls == ["decrypt"]


async def test_many_callers_share_one_login(world: LedgerWorld) -> None:
    await asyncio.gather(*(world.tokens.own(OWNER) for _ in range(5)))
    assert world.vault.logins == world.jwts == 1


async def test_a_workflow_without_a_token_needs_none(world: LedgerWorld) -> None:
    await world.tokens.tend(OWNER)
    await world.tokens.end(OWNER)
    assert await world.tokens.kept(OWNER) is None
    assert world.tokens.renews_at(OWNER.uid) is None
    assert world.vault.calls == []
    assert world.api.asked == []


async def test_it_is_renewed_between_a_third_and_half_of_its_period(world: LedgerWorld) -> None:
    await world.tokens.own(OWNER)
    due = world.tokens.renews_at(OWNER.uid)
    assert due is not None
    assert PERIOD / 3 <= (due - NOW).total_seconds() <= PERIOD / 2
    world.vault.calls.clear()
    world.passes((due - NOW).total_seconds() - 1)
    await world.tokens.tend(OWNER)
    assert world.vault.calls == []
    world.passes(1)
    await world.tokens.tend(OWNER)
    assert world.vault.calls == ["renew"]
    assert token(world).expires_at == due + timedelta(seconds=PERIOD)


async def test_an_outage_ends_no_token_that_has_time_left(world: LedgerWorld) -> None:
    await world.tokens.own(OWNER)
    kept = await world.lease()
    world.passes(PERIOD * 0.6)
    world.vault.away = True
    with pytest.raises(VaultError, match="reached"):
        await world.tokens.own(OWNER)
    with pytest.raises(VaultError):
        await world.tokens.tend(OWNER)
    assert newest(world) == kept
    world.vault.away = False
    await world.tokens.own(OWNER)
    assert world.vault.logins == 1


async def test_with_a_token_that_was_revoked_all_its_leases_end(world: LedgerWorld) -> None:
    await world.tokens.own(OWNER)
    mine, unknown = await world.lease(), await world.lease("other", accessor="")
    await world.lease("foreign", accessor="accessor-of-another")
    before = token(world)
    world.vault.tokens.clear()
    assert await world.tokens.doubt(OWNER)
    ended = world.vault.now
    assert newest(world).expires_at == newest(world, "other").expires_at == ended
    assert newest(world, "foreign").expires_at == mine.expires_at == unknown.expires_at
    await world.tokens.own(OWNER)
    assert world.vault.logins == 2
    assert token(world).rotation_id != before.rotation_id
    for secret in ("db", "other"):
        await world.ledger.close(newest(world, secret))  # replaced
    await world.tokens.tend(OWNER)
    assert world.ledger.tokens(OWNER.uid) == (token(world),)


@pytest.mark.parametrize("refuses", ["denied", "role gone"])
async def test_a_token_that_vault_refuses_is_revoked_once_its_leases_are_replaced(
    world: LedgerWorld, refuses: str
) -> None:
    await world.tokens.own(OWNER)
    await world.lease()
    if refuses == "denied":
        world.vault.denies = {"renew"}
    else:
        world.vault.roles.clear()
    assert await world.tokens.doubt(OWNER)
    assert world.tokens.renews_at(OWNER.uid) is None
    assert not await world.tokens.doubt(OWNER)
    world.vault.denies = set()
    await world.tokens.own(OWNER)
    assert set(world.vault.tokens) == {f"{TOKEN_CANARY}-1", f"{TOKEN_CANARY}-2"}
    assert world.tokens.accessor(OWNER.uid) == "accessor-2"
    await world.ledger.close(newest(world))
    await world.tokens.tend(OWNER)
    assert set(world.vault.tokens) == {f"{TOKEN_CANARY}-2"}
    assert world.ledger.tokens(OWNER.uid) == (token(world),)


async def test_policies_that_deny_everything_make_no_heap_of_tokens(world: LedgerWorld) -> None:
    await world.tokens.own(OWNER)
    world.vault.denies = {"renew"}
    doubted = []
    for _ in range(20):  # a pass in each minute
        doubted.append(await world.tokens.doubt(OWNER))
        await world.tokens.own(OWNER)
        world.passes(60)
    assert doubted == [True, *[False] * 9, True, *[False] * 9]
    assert world.vault.logins == 3


async def test_ending_revokes_a_token_too_that_vault_has_refused_for_a_while(
    world: LedgerWorld,
) -> None:
    await world.tokens.own(OWNER)
    world.vault.denies = {"renew"}
    assert await world.tokens.doubt(OWNER)
    await world.tokens.end(OWNER)
    assert not world.vault.tokens
    assert not world.api.objects


async def test_with_a_token_that_outlived_its_period_all_its_leases_end(
    world: LedgerWorld,
) -> None:
    await world.tokens.own(OWNER)
    await world.lease()
    world.vault.away = True
    world.passes(PERIOD)
    world.again()
    await world.tokens.tend(OWNER)  # nobody needs to ask Vault to know it
    assert newest(world).expires_at == world.vault.now
    assert newest(world).ends_at == world.vault.now


async def test_a_token_whose_role_is_gone_is_replaced(world: LedgerWorld) -> None:
    await world.tokens.own(OWNER)
    world.vault.roles.clear()
    world.passes(PERIOD * 0.6)
    await world.tokens.own(OWNER)
    assert world.vault.logins == 2
    assert world.vault.roles


async def test_what_a_crash_left_of_a_replacement_is_tidied(world: LedgerWorld) -> None:
    await world.tokens.own(OWNER)
    await world.lease()
    world.passes(PERIOD)
    world.vault.denies = {"log_in"}
    with pytest.raises(VaultError):
        await world.tokens.own(OWNER)
    assert len(world.ledger.tokens(OWNER.uid)) == 2
    world.vault.denies = set()
    world.again()
    await world.tokens.own(OWNER)
    assert len(world.ledger.tokens(OWNER.uid)) == 1
    assert newest(world).expires_at == world.vault.now


async def test_a_token_that_cannot_be_kept_is_given_back(world: LedgerWorld) -> None:
    world.vault.denies = {"encrypt"}
    with pytest.raises(VaultError):
        await world.tokens.own(OWNER)
    assert not world.vault.tokens
    world.vault.denies = set()
    world.api.fails = ("patch", Conflict(409, "Conflict", "another operator was faster"))
    with pytest.raises(Transient):
        await world.tokens.own(OWNER)
    assert not world.vault.tokens


async def test_a_note_whose_answer_is_lost_leaves_the_token_alone(world: LedgerWorld) -> None:
    world.api.fails = ("patch", Unreachable("cut off", ambiguous=True))
    with pytest.raises(Unreachable):
        await world.tokens.own(OWNER)
    assert len(world.vault.tokens) == 1  # the API server may have it; else it ends by itself


async def test_doubt_clears_a_token_that_lives(world: LedgerWorld) -> None:
    assert not await world.tokens.doubt(OWNER)
    await world.tokens.own(OWNER)
    assert not await world.tokens.doubt(OWNER)
    assert world.vault.logins == 1


async def test_the_kept_token_never_logs_in(world: LedgerWorld) -> None:
    await world.tokens.own(OWNER)
    assert await world.tokens.kept(OWNER) is not None
    world.passes(PERIOD)
    assert await world.tokens.kept(OWNER) is None
    assert world.vault.logins == 1


async def test_the_kept_token_is_renewed_as_long_as_somebody_asks_for_it(
    world: LedgerWorld,
) -> None:
    await world.tokens.own(OWNER)
    for _ in range(4):
        world.passes(PERIOD * 0.6)
        assert await world.tokens.kept(OWNER) is not None


async def test_ending_revokes_the_token_and_closes_its_entry(world: LedgerWorld) -> None:
    await world.tokens.own(OWNER)
    await world.tokens.end(OWNER)
    assert not world.vault.tokens
    assert not world.api.objects
    await world.tokens.own(OWNER)
    assert world.vault.logins == 2


async def test_what_is_done_with_the_end_is_done_again_when_it_fails(world: LedgerWorld) -> None:
    await world.tokens.own(OWNER)
    done: list[str] = []

    async def also() -> None:
        done.append("tried")
        if len(done) == 1:
            raise VaultError(Kind.UNREACHABLE, "disable entities")

    with pytest.raises(VaultError):
        await world.tokens.end(OWNER, also)
    await world.tokens.end(OWNER, also)
    await world.tokens.end(OWNER, also)
    assert done == ["tried", "tried"]
    assert world.vault.asked("revoke_self") == 1
    assert not world.api.objects


async def test_a_token_whose_entry_somebody_deletes_is_replaced_before_it_is_revoked(
    world: LedgerWorld,
) -> None:
    await world.tokens.own(OWNER)
    old = token(world)
    hanging = await world.lease()
    world.api.doom(old.name)
    world.hear()
    await world.tokens.own(OWNER)
    assert token(world).name != old.name
    assert f"{TOKEN_CANARY}-1" in world.vault.tokens  # the lease still works
    assert newest(world).expires_at == world.vault.now  # and is replaced
    assert world.tokens.accessor(OWNER.uid) == "accessor-2"
    newer = await world.lease("other", accessor="accessor-2")
    await world.ledger.close(newest(world))
    await world.tokens.own(OWNER)
    assert f"{TOKEN_CANARY}-1" not in world.vault.tokens
    assert world.ledger.all_of(OWNER.uid) == (token(world), newer)
    assert hanging.name not in world.api.objects


async def test_a_token_that_somebody_asked_to_delete_is_replaced_though_nobody_needs_one(
    world: LedgerWorld,
) -> None:
    await world.tokens.own(OWNER)
    world.api.doom(token(world).name)
    world.hear()
    await world.tokens.tend(OWNER)
    assert list(world.vault.tokens) == [f"{TOKEN_CANARY}-2"]
    assert [one.doomed for one in world.ledger.tokens(OWNER.uid)] == [False]
    world.vault.calls.clear()
    await world.tokens.tend(OWNER)
    assert world.vault.calls == []


async def test_a_token_that_somebody_asked_to_delete_is_replaced_though_a_login_failed(
    world: LedgerWorld,
) -> None:
    await world.tokens.own(OWNER)
    world.api.doom(token(world).name)
    world.hear()
    world.vault.loses.add("ensure_roles")
    with pytest.raises(VaultError):
        await world.tokens.tend(OWNER)
    world.vault.loses.clear()
    assert len(world.ledger.tokens(OWNER.uid)) == 2
    await world.tokens.tend(OWNER)
    assert list(world.vault.tokens) == [f"{TOKEN_CANARY}-2"]
    assert [one.doomed for one in world.ledger.tokens(OWNER.uid)] == [False]


async def test_known_leases_are_decrypted_once(world: LedgerWorld) -> None:
    await world.lease()
    world.vault.calls.clear()
    known = await world.tokens.known_leases(OWNER.uid)
    assert known == {"database/creds/hw.radiology.router.db/1"}
    await world.tokens.known_leases(OWNER.uid)
    assert world.vault.calls == ["decrypt"]


async def test_no_token_shows(world: LedgerWorld) -> None:
    await world.tokens.own(OWNER)
    shown = repr(world.tokens) + repr(world.tokens._live) + repr(world.api.objects)
    assert TOKEN_CANARY in next(iter(world.vault.tokens))
    assert TOKEN_CANARY not in shown
    world.tokens.forget(OWNER.uid)
    assert not world.tokens._live
