# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.engine.secret_bench import NS, ROLES, WF, Bench, Crash, path, spec
from wardkeeper.api.reasons import Reason
from wardkeeper.engine.secret_case import LONGEST_LOOK, WAIT_REFUSED
from wardkeeper.engine.secret_job import Phase
from wardkeeper.engine.secrets import supply, withdraw
from wardkeeper.rotation.decide import Action, Cause
from wardkeeper.rotation.identity import rotation_id
from wardkeeper.vault.errors import Kind, VaultError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.vault.fake_vault import Answer

DAY = timedelta(days=1)
KV_WRITE = "POST secret/data/"


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.stop()


def denied(part: str) -> Any:
    def act(line: str) -> Answer | None:
        return (403, {"errors": ["permission denied"]}) if part in line else None

    return act


async def test_a_new_secret_is_made_and_delivered_in_one_write(bench: Bench) -> None:
    outcome = await bench.one(labels={"wardkeeper.io/workflow": WF})
    assert (outcome.action, outcome.cause) == (Action.CREATE, Cause.FIRST)
    assert outcome.rotated
    assert (outcome.version, outcome.phase, outcome.reason) == ("1", Phase.IDLE, None)
    assert bench.published == 1
    secret = bench.live["db"]
    assert secret["type"] == "Opaque"
    assert secret["metadata"]["name"] == "router-db"
    assert secret["metadata"]["labels"] == {"wardkeeper.io/workflow": WF}
    assert secret["metadata"]["ownerReferences"] == [{"uid": "uid-1"}]
    assert set(bench.values()) == {"password"}
    assert bench.annotation("content-mac") == outcome.content_mac
    assert bench.annotation("rotation-id") == rotation_id("uid-1", "db")
    assert outcome.deadline == bench.now + 45 * DAY
    assert bench.annotation("not-after") == "2026-02-15T00:00:00Z"


async def test_nothing_to_do_costs_no_request_and_no_write(bench: Bench) -> None:
    first = await bench.one()
    bench.fake.log.clear()
    bench.advance(timedelta(minutes=2))
    again = await bench.one()
    assert (again.action, again.published, bench.published) == (Action.KEEP, False, 1)
    assert bench.fake.log == []
    assert (again.version, again.content_mac) == (first.version, first.content_mac)
    assert again.due_at == first.due_at
    assert again.next_look == LONGEST_LOOK


async def test_the_next_look_is_when_the_rotation_is_due(bench: Bench) -> None:
    outcome = await bench.one(secrets=(spec(every="10m"),))
    assert outcome.due_at
    assert outcome.next_look == (outcome.due_at - bench.now).total_seconds()


async def test_a_secret_that_is_due_is_rotated_once(bench: Bench) -> None:
    await bench.one()
    before = bench.values()
    bench.advance(31 * DAY)
    outcome = await bench.one()
    assert (outcome.action, outcome.cause, outcome.version) == (Action.ROTATE, Cause.DUE, "2")
    assert outcome.rotated
    assert bench.values() != before
    assert (await bench.one()).action is Action.KEEP
    assert bench.versions() == 2


async def test_a_request_is_answered_once_and_unknown_names_are_told(bench: Bench) -> None:
    await bench.one()
    supplied = await bench.supply(rotate_now="db@1,dbx")
    assert supplied.secrets[0].cause is Cause.REQUESTED
    assert supplied.unknown_requests == ("dbx",)
    assert supplied.handled_rotate_now == "db@1,dbx"
    again = await bench.supply(handled_rotate_now="db@1,dbx")
    assert again.secrets[0].action is Action.KEEP
    assert bench.versions() == 2
    assert (await bench.one(rotate_now="db@2")).rotated
    assert bench.versions() == 3


async def test_a_request_that_status_says_was_answered_is_not_answered_again(bench: Bench) -> None:
    await bench.one()
    outcome = await bench.one(rotate_now="db@1", handled_rotate_now="db@1")
    assert outcome.action is Action.KEEP


async def test_a_request_that_waits_is_not_reported_as_handled(bench: Bench) -> None:
    await bench.one()
    bench.fake.sealed = True
    assert (await bench.supply(rotate_now="db@1")).handled_rotate_now is None
    bench.fake.sealed = False
    bench.advance(timedelta(minutes=2))
    assert (await bench.supply()).handled_rotate_now == "db@1"
    assert bench.versions() == 2


async def test_a_request_made_while_a_version_was_on_its_way_is_answered_too(bench: Bench) -> None:
    await bench.one()
    bench.effects = crash_at("publish")
    with pytest.raises(Crash):
        await bench.one(rotate_now="db@1")
    bench.effects = None
    assert (await bench.one(rotate_now="db@2")).rotated
    assert bench.annotation("rotation-request") == "db@2"
    assert bench.versions() == 3


def crash_at(what: str) -> Any:
    def effect(seen: str) -> None:
        if seen == what:
            raise Crash

    return effect


async def test_a_new_field_makes_a_new_version(bench: Bench) -> None:
    await bench.one()
    outcome = await bench.one(secrets=(spec("db", "password", "salt"),))
    assert (outcome.cause, outcome.version) == (Cause.SOURCE_CHANGED, "2")
    assert set(bench.values()) == {"password", "salt"}
    assert (await bench.one()).action is Action.KEEP


@pytest.mark.parametrize("how", ["deleted", "edited", "annotations gone"])
async def test_what_a_stranger_did_to_a_secret_is_undone_with_the_same_version(
    bench: Bench, how: str
) -> None:
    first = await bench.one()
    before = bench.values()
    if how == "deleted":
        del bench.live["db"]
    elif how == "edited":
        bench.live["db"]["data"] = {"password": "Zm9yZWlnbg=="}
        bench.foreign.add("db")
    else:
        bench.live["db"]["metadata"]["annotations"].clear()
    bench.fake.log.clear()
    outcome = await bench.one(known=frozenset({"db"}))
    assert outcome.action is Action.RESTORE
    assert (outcome.rotated, outcome.published) == (False, True)
    assert (outcome.version, outcome.content_mac) == (first.version, first.content_mac)
    assert bench.values() == before
    assert bench.fake.seen(KV_WRITE) == []


async def test_forged_annotations_cause_no_rotation(bench: Bench) -> None:
    await bench.one()
    annotations = bench.live["db"]["metadata"]["annotations"]
    annotations["wardkeeper.io/rotated-at"] = "1999-01-01T00:00:00Z"
    bench.foreign.add("db")
    outcome = await bench.one()
    assert (outcome.action, outcome.rotated) == (Action.RESTORE, False)
    assert bench.annotation("rotated-at") == "2026-01-01T00:00:00Z"


async def test_a_changed_maximum_age_is_published_without_a_rotation(bench: Bench) -> None:
    await bench.one()
    outcome = await bench.one(secrets=(spec(maxAge="1000h"),))
    assert (outcome.action, outcome.cause) == (Action.RESTORE, Cause.DATES_CHANGED)
    assert (bench.versions(), (await bench.one()).action) == (1, Action.KEEP)


@pytest.mark.parametrize("how", ["deleted", "replaced by hand", "gone", "of a namesake"])
async def test_an_entry_that_cannot_be_delivered_is_replaced(bench: Bench, how: str) -> None:
    await bench.one()
    first = bench.values()
    if how == "deleted":
        bench.fake.delete(path())
    elif how == "replaced by hand":
        bench.fake.edit(path(), password="by hand")
    elif how == "gone":
        bench.fake.kv.clear()
    else:
        bench.live.clear()
    bench.foreign.add("db")
    outcome = await bench.one(uid="uid-2" if how == "of a namesake" else "uid-1")
    assert outcome.rotated
    assert bench.values() not in (first, {"password": "by hand"})
    assert (await bench.one()).action is Action.KEEP
    if how != "of a namesake":
        wanted = rotation_id("uid-1", "db", rotation_id("uid-1", "db"))
        assert bench.annotation("rotation-id") == wanted


async def test_while_vault_is_away_a_first_secret_waits_and_then_comes_by_itself(
    bench: Bench,
) -> None:
    bench.fake.sealed = True
    outcome = await bench.one()
    assert (outcome.phase, outcome.reason) == (Phase.WAITING, Reason.VAULT_UNAVAILABLE)
    assert "unseal it; work goes on by itself; nothing is delivered yet" in outcome.message
    assert (outcome.content_mac, outcome.version, bench.published) == (None, None, 0)
    assert outcome.next_look
    bench.fake.sealed = False
    bench.advance(timedelta(seconds=outcome.next_look))
    assert (await bench.one()).reason is None


async def test_while_vault_is_away_what_is_delivered_stays(bench: Bench) -> None:
    first = await bench.one()
    before = bench.values()
    bench.advance(31 * DAY)
    bench.fake.sealed = True
    outcome = await bench.one()
    assert outcome.reason is Reason.VAULT_UNAVAILABLE
    assert outcome.message.endswith("what is delivered stays in use")
    assert (outcome.version, outcome.content_mac) == (first.version, first.content_mac)
    assert (bench.values(), bench.published) == (before, 1)
    bench.advance(15 * DAY)
    outcome = await bench.one()
    assert outcome.overdue
    assert "overdue since 2026-02-15T00:00:00Z" in outcome.message


async def test_a_sealed_vault_is_not_noticed_when_nothing_is_to_be_done(bench: Bench) -> None:
    await bench.one()
    bench.fake.sealed = True
    assert (await bench.one()).reason is None


async def test_what_a_stranger_wrote_is_not_trusted_while_vault_is_away(bench: Bench) -> None:
    await bench.one()
    bench.foreign.add("db")
    bench.fake.sealed = True
    bench.advance(timedelta(minutes=2))
    outcome = await bench.one()
    assert outcome.reason is Reason.VAULT_UNAVAILABLE
    assert outcome.content_mac is None


async def test_one_refused_secret_does_not_keep_the_others_waiting(bench: Bench) -> None:
    bench.fake.before = denied("data/hw/radiology/router/api")
    api, db = (await bench.supply(secrets=(spec("api"), spec("db")))).secrets
    assert (api.phase, api.reason) == (Phase.FAILED, Reason.VAULT_REFUSED)
    assert api.next_look == WAIT_REFUSED
    assert "wardkeeper vault bootstrap" in api.message
    assert (db.reason, db.published) == (None, True)


async def test_an_outage_in_the_middle_keeps_what_was_done(bench: Bench) -> None:
    def seal(line: str) -> None:
        bench.fake.sealed = bench.fake.sealed or line.startswith(KV_WRITE)

    bench.fake.after = seal
    api, db = (await bench.supply(secrets=(spec("api"), spec("db")))).secrets
    assert api.reason is None
    assert db.reason is Reason.VAULT_UNAVAILABLE


async def test_without_a_vault_the_setting_is_named(bench: Bench) -> None:
    bare = replace(bench.services(), vault=None)
    supplied = await supply(bench.current_job(dropped=("old",)), bare)
    assert supplied.secrets[0].reason is Reason.VAULT_NOT_CONFIGURED
    assert "set vault.address" in supplied.secrets[0].message
    assert set(supplied.unfinished) == {"old"}
    left = (await withdraw(bench.current_job(), bare, has_identity=True)).left
    assert set(left) == {"KV entry db", "KV entry old"}


async def test_an_operator_without_a_token_of_its_own_says_where_it_belongs(bench: Bench) -> None:
    async def no_token() -> str:
        raise VaultError(Kind.NO_JWT, "log in to Vault")

    bench.vault._operator._jwt = no_token
    outcome = await bench.one()
    assert outcome.reason is Reason.VAULT_NOT_CONFIGURED
    assert "vault.tokenFile" in outcome.message


async def test_a_clock_that_runs_ahead_rotates_nothing(bench: Bench) -> None:
    await bench.one()
    bench.now += 365 * DAY
    bench.monotonic += 120
    bench.fake.log.clear()
    for _ in range(3):
        outcome = await bench.one()
        assert (outcome.action, outcome.reason) == (Action.KEEP, None)
        assert not outcome.overdue
    assert bench.fake.log == ["GET sys/health"]
    assert bench.versions() == 1


async def test_a_clock_that_lags_rotates_once_not_for_ever(bench: Bench) -> None:
    bench.now -= 365 * DAY
    for _ in range(4):
        assert (await bench.one()).reason is None
    assert bench.versions() == 1
    bench.stop()
    bench.start()
    for _ in range(3):
        await bench.one()
    assert bench.versions() == 1


async def test_a_difference_of_clocks_that_is_over_delays_nothing(bench: Bench) -> None:
    await bench.one()
    bench.advance(DAY)
    bench.fake.now -= 25 * DAY
    await bench.supply(secrets=(spec("db"), spec("api")))
    assert bench.vault.skew < -24 * DAY
    bench.fake.now += 25 * DAY
    bench.advance(30 * DAY)
    db, _ = (await bench.supply()).secrets
    assert db.rotated


async def test_two_operators_at_once_make_one_version(bench: Bench) -> None:
    await bench.one()
    bench.advance(31 * DAY)
    await asyncio.gather(bench.one(), bench.one(), bench.one())
    assert bench.versions() == 2
    assert (await bench.one()).version == "2"


async def test_a_write_that_always_loses_is_given_up(bench: Bench) -> None:
    def lose(line: str) -> Answer | None:
        words = "check-and-set parameter did not match the current version"
        return (400, {"errors": [words]}) if line.startswith(KV_WRITE) else None

    bench.fake.before = lose
    outcome = await bench.one()
    assert outcome.phase is Phase.FAILED
    assert len(bench.fake.seen(KV_WRITE)) == 3


async def test_a_dropped_secret_is_removed_from_vault_first(bench: Bench) -> None:
    await bench.supply(secrets=(spec("db"), spec("old")))
    supplied = await bench.supply(secrets=(spec("db"),), dropped=("old",))
    assert supplied.removed == ("old",)
    assert set(bench.fake.kv) == {path("db")}


async def test_a_dropped_secret_waits_for_vault(bench: Bench) -> None:
    await bench.supply(secrets=(spec("db"), spec("old")))
    bench.fake.sealed = True
    supplied = await bench.supply(secrets=(spec("db"),), dropped=("old",))
    assert supplied.secrets[0].reason is None
    assert supplied.removed == ()
    assert "unseal" in supplied.unfinished["old"]


async def test_no_token_outlives_its_pass(bench: Bench) -> None:
    await bench.supply(secrets=(spec("db"), spec("api")))
    assert list(bench.fake.tokens.values()) == ["operator"]


async def test_withdrawing_leaves_nothing_and_may_be_repeated(bench: Bench) -> None:
    await bench.supply(secrets=(spec("db"), spec("api")))
    for _ in range(2):
        withdrawn = await bench.withdraw(secrets=(spec("db"),), known=frozenset({"api"}))
        assert withdrawn.done
        assert withdrawn.next_look is None
    assert not bench.fake.kv
    assert not bench.fake.roles
    assert list(bench.fake.tokens.values()) == ["operator"]


async def test_without_its_identity_the_rest_is_named(bench: Bench) -> None:
    await bench.one()
    withdrawn = await bench.withdraw(has_identity=False)
    assert not withdrawn.unavailable
    assert list(withdrawn.left) == ["KV entry db"]
    assert "ServiceAccount is gone" in withdrawn.left["KV entry db"]
    assert not bench.fake.roles


async def test_withdrawing_waits_for_vault(bench: Bench) -> None:
    await bench.one()
    bench.fake.sealed = True
    withdrawn = await bench.withdraw()
    assert withdrawn.unavailable
    assert set(withdrawn.left) == {"KV entry db", "auth roles"}
    assert withdrawn.next_look
    assert bench.fake.kv
    assert set(bench.fake.roles) == ROLES


async def test_an_outage_in_the_middle_keeps_the_way_back(bench: Bench) -> None:
    await bench.supply(secrets=(spec("api"), spec("db")))

    def seal(line: str) -> None:
        bench.fake.sealed = bench.fake.sealed or line.startswith("DELETE secret/")

    bench.fake.after = seal
    withdrawn = await bench.withdraw()
    assert withdrawn.unavailable
    assert set(withdrawn.left) == {"KV entry db", "auth roles"}
    assert set(bench.fake.roles) == ROLES


async def test_a_request_that_fails_keeps_the_way_back_too(bench: Bench) -> None:
    await bench.one()
    bench.fake.before = lambda line: (500, {}) if line.startswith("DELETE secret/") else None
    withdrawn = await bench.withdraw()
    assert withdrawn.unavailable
    assert set(bench.fake.roles) == ROLES


async def test_without_rights_everything_that_is_left_is_named(bench: Bench) -> None:
    await bench.one()
    bench.fake.before = denied("/role/")
    withdrawn = await bench.withdraw()
    assert not withdrawn.unavailable
    assert set(withdrawn.left) == {"KV entry db", "auth roles"}


async def test_an_entry_that_may_not_be_removed_is_named_and_the_roles_go(bench: Bench) -> None:
    await bench.one()
    bench.fake.before = denied("DELETE secret/metadata/")
    withdrawn = await bench.withdraw()
    assert not withdrawn.unavailable
    assert list(withdrawn.left) == ["KV entry db"]
    assert f"{NS}/{WF}" in withdrawn.left["KV entry db"]
    assert not bench.fake.roles


async def test_roles_that_may_not_be_deleted_are_named(bench: Bench) -> None:
    await bench.one()
    bench.fake.before = denied("DELETE auth/")
    withdrawn = await bench.withdraw()
    assert list(withdrawn.left) == ["auth roles"]
