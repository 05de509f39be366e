# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.rotation.model import Died, World
from tests.unit.rotation.samples import HOUR, wish
from wardkeeper.api.credential import Engine
from wardkeeper.rotation.facts import Step, Wish

ENGINES = (
    Engine.KV_GENERATED,
    Engine.KV_SYNCED,
    Engine.DATABASE_DYNAMIC,
    Engine.DATABASE_ALTERNATING,
    Engine.DATABASE_STATIC,
    Engine.PKI,
)
LEASED = {Engine.DATABASE_DYNAMIC: (6 * HOUR, 60 * HOUR), Engine.PKI: (48 * HOUR, 48 * HOUR)}


class Fuse:
    """Kills the process at the writes that it is told to; counts all."""

    def __init__(self, *deaths: int) -> None:
        self.deaths = set(deaths)
        self.writes = 0

    def __call__(self, where: str) -> None:
        self.writes += 1
        if self.writes in self.deaths:
            raise Died(where)


def world_of(engine: Engine, fuse: Fuse | None = None, **changes: object) -> World:
    term, ends = LEASED.get(engine, (None, None))
    wished: Wish = wish(engine=engine, every=48 * HOUR, max_age=72 * HOUR, **changes)
    return World(wished, fuse or Fuse(), term=term, ends=ends)


def live_through(world: World, duration: timedelta) -> None:
    """Let time pass, look when the machine wants to; the process starts again when it died."""
    end = world.now + duration
    for _ in range(20_000):
        if world.now >= end:
            return
        has_gap = world.wish.engine is Engine.DATABASE_STATIC
        if world.record is not None and world.vault_up and not has_gap:
            assert world.record.rotation_id in world.live(), "it ended before it was replaced"
        try:
            decision = world.run_pass()
        except Died:
            continue
        soon = world.now + timedelta(seconds=31)
        wanted = decision.next_look or soon
        assert wanted > world.now
        rests = decision.step in (Step.NOTHING, Step.WAIT) and not world.workload_moves
        world.now = min(wanted, end) if rests else min(wanted, soon)
    raise AssertionError("the machine asks for too many looks")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_credential_is_made_and_then_replaced_in_time(engine: Engine) -> None:
    world = world_of(engine)
    live_through(world, 40 * 24 * HOUR)
    rotations = len(world.made) - 1
    if engine is Engine.KV_SYNCED:
        assert rotations == 0
    elif engine is Engine.PKI:
        assert 29 <= rotations <= 36
    else:
        assert 19 <= rotations <= 26
    assert len(world.workload.restarts) == rotations


@pytest.mark.parametrize("engine", ENGINES)
def test_one_credential_is_left_when_the_overlap_is_over(engine: Engine) -> None:
    world = world_of(engine)
    live_through(world, 48 * HOUR)
    world.wish = wish(engine=engine, every=48 * HOUR, max_age=72 * HOUR, request="now")
    live_through(world, 6 * HOUR)
    assert world.live() == {world.current.rotation_id}
    assert set(world.entries) == world.live()
    assert world.current.request == "now"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_process_that_dies_at_any_write_is_followed_by_one_that_goes_on(engine: Engine) -> None:
    fuse = Fuse()
    live_through(world_of(engine, fuse), 60 * HOUR)
    for death in range(1, fuse.writes + 1):
        world = world_of(engine, Fuse(death))
        live_through(world, 60 * HOUR)
        known = set(world.entries)
        assert world.live() <= known
        assert world.current.rotation_id in world.live()
        assert len(known) <= 2


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=40)
@given(deaths=st.lists(st.integers(1, 60), max_size=12), stuck=st.sets(st.integers(0, 6)))
def test_a_lasting_credential_comes_of_crashes_and_failures(
    engine: Engine, deaths: list[int], stuck: set[int]
) -> None:
    world = world_of(engine, Fuse(*deaths))
    made = world.made

    class Broken(set[str]):
        def __contains__(self, one: object) -> bool:
            return one in made and made.index(one) in stuck and made.index(one) > 0

    world.workload.broken_by = Broken()
    live_through(world, 70 * HOUR)
    world.workload.broken_by = set()
    live_through(world, 24 * HOUR)
    assert world.current.rotation_id in world.live()
    assert world.live() <= set(world.entries)
    assert len(world.live()) <= 2


@pytest.mark.parametrize("engine", [Engine.KV_GENERATED, Engine.DATABASE_ALTERNATING])
def test_a_credential_that_cannot_be_proven_is_never_delivered(engine: Engine) -> None:
    world = world_of(engine)
    live_through(world, HOUR)
    first = world.current.rotation_id

    class Nothing(set[str]):
        def __contains__(self, one: object) -> bool:
            return one != first

    world.unprovable = Nothing()
    live_through(world, 60 * HOUR)
    assert world.record is not None
    assert world.record.rotation_id == world.current.rotation_id == first
    assert world.workload.restarts == []
    world.unprovable = set()
    live_through(world, 6 * HOUR)
    assert world.current.rotation_id != first
    assert world.live() == {world.current.rotation_id}


def test_a_workload_that_gets_stuck_goes_back_to_what_works() -> None:
    world = world_of(Engine.DATABASE_DYNAMIC)
    live_through(world, HOUR)
    first = world.current.rotation_id
    world.wish = wish(engine=Engine.DATABASE_DYNAMIC, every=48 * HOUR, request="now")

    class AllButFirst(set[str]):
        def __contains__(self, one: object) -> bool:
            return one != first

    world.workload.broken_by = AllButFirst()
    live_through(world, timedelta(seconds=120))
    assert world.record is not None
    assert world.record.rotation_id == first
    assert world.workload.restarts[-1] == first


def test_a_lost_ledger_is_written_anew_without_a_rotation() -> None:
    world = world_of(Engine.KV_GENERATED)
    live_through(world, HOUR)
    made = list(world.made)
    world.entries.clear()
    live_through(world, HOUR)
    assert world.made == made
    assert world.current.rotation_id == made[0]
    assert world.workload.restarts == []


def test_a_source_that_moves_is_delivered_once() -> None:
    world = world_of(Engine.KV_SYNCED)
    live_through(world, HOUR)
    world.source_version += 1
    live_through(world, 4 * HOUR)
    assert len(world.made) == 2
    assert world.current.handle.marker == "2"
    assert world.live() == {world.current.rotation_id}


def test_an_outage_of_vault_takes_nothing_away() -> None:
    world = world_of(Engine.KV_GENERATED)
    live_through(world, HOUR)
    delivered, made = world.record, list(world.made)
    world.vault_up = False
    live_through(world, 100 * HOUR)
    assert world.record == delivered
    assert world.made == made
    world.vault_up = True
    live_through(world, 2 * HOUR)
    assert len(world.made) == 2


def test_an_outage_longer_than_a_lease_ends_with_a_new_one() -> None:
    world = world_of(Engine.DATABASE_DYNAMIC)
    live_through(world, HOUR)
    world.vault_up = False
    live_through(world, 12 * HOUR)
    assert world.live() == set()
    world.vault_up = True
    world.run_pass()
    assert world.record is not None
    assert world.record.rotation_id in world.live()
