# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Which cluster a test gets, and what it is told when there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.cluster.levels import Level
from tests.cluster.selection import Provider, Surroundings, UnavailableError, choose, required

API, CONTROLLERS, SIMULATED = Level.API, Level.CONTROLLERS, Level.SIMULATED
NODE, NETPOL = Level.NODE, Level.NETPOL
WITHOUT_NODE = [API, CONTROLLERS, SIMULATED]

EVERYTHING = Surroundings(
    given="config",
    consent=True,
    given_level=SIMULATED,
    kind=True,
    assets="assets",
    built=True,
    may_build=True,
)


def test_a_level_includes_itself_and_the_ones_before_it() -> None:
    assert [level for level in Level if CONTROLLERS.includes(level)] == [API, CONTROLLERS]
    assert [level for level in Level if NODE.includes(level)] == [API, CONTROLLERS, NODE]
    assert [level for level in Level if NETPOL.includes(level)] == [API, CONTROLLERS, NODE, NETPOL]


def test_simulated_nodes_and_a_real_one_do_not_stand_in_for_each_other() -> None:
    assert [level for level in Level if SIMULATED.includes(level)] == WITHOUT_NODE
    assert not NETPOL.includes(SIMULATED)


@pytest.mark.parametrize("level", [NODE, NETPOL])
def test_a_real_node_is_always_our_own(level: Level) -> None:
    assert choose(level, EVERYTHING) is Provider.OWN
    with pytest.raises(UnavailableError, match="run `make up`"):
        choose(level, replace(EVERYTHING, built=False, may_build=False))


def test_without_what_a_node_needs_it_is_said_what_that_is() -> None:
    around = replace(EVERYTHING, node_problem="a real node needs root")
    with pytest.raises(UnavailableError, match=r"level netpol .*: a real node needs root"):
        choose(NETPOL, around)
    assert choose(SIMULATED, replace(around, given="")) is Provider.OWN


@pytest.mark.parametrize("level", WITHOUT_NODE)
def test_a_cluster_given_with_consent_comes_first(level: Level) -> None:
    assert choose(level, EVERYTHING) is Provider.GIVEN


@pytest.mark.parametrize("level", WITHOUT_NODE)
def test_a_cluster_given_without_consent_is_never_touched(level: Level) -> None:
    around = replace(EVERYTHING, consent=False)
    assert choose(level, around) is not Provider.GIVEN
    with pytest.raises(UnavailableError, match="E2E_ALLOW_CLUSTER=1"):
        choose(level, Surroundings(given="config", given_level=SIMULATED))


def test_a_given_cluster_that_offers_too_little_is_passed_over() -> None:
    around = replace(EVERYTHING, given_level=CONTROLLERS)
    assert choose(CONTROLLERS, around) is Provider.GIVEN
    assert choose(SIMULATED, around) is Provider.OWN


def test_then_comes_kind_but_its_real_node_does_not_stand_in_for_simulated_ones() -> None:
    around = replace(EVERYTHING, given="")
    assert choose(API, around) is Provider.KIND
    assert choose(CONTROLLERS, around) is Provider.KIND
    assert choose(SIMULATED, around) is Provider.OWN


def test_then_come_the_assets_for_a_bare_api_server_only() -> None:
    around = replace(EVERYTHING, given="", kind=False)
    assert choose(API, around) is Provider.ASSETS
    assert choose(CONTROLLERS, around) is Provider.OWN


def test_then_comes_our_own_build_when_it_is_in_the_cache() -> None:
    assert choose(SIMULATED, Surroundings(built=True, go_problem="none")) is Provider.OWN


def test_nothing_is_built_unless_it_is_allowed() -> None:
    assert choose(SIMULATED, Surroundings(may_build=True)) is Provider.OWN
    with pytest.raises(UnavailableError, match="E2E_BUILD=1"):
        choose(SIMULATED, Surroundings())


def test_without_go_the_message_says_what_to_install() -> None:
    around = Surroundings(may_build=True, go_problem="install Go 1.26")
    with pytest.raises(UnavailableError, match=r"level api .*install Go 1\.26"):
        choose(API, around)


@pytest.mark.parametrize(
    ("wanted", "levels"),
    [
        ("", []),
        ("api", [API]),
        ("controllers", [API, CONTROLLERS]),
        ("simulated", WITHOUT_NODE),
        ("netpol", [API, CONTROLLERS, NODE, NETPOL]),
        ("simulated,netpol", list(Level)),
    ],
)
def test_a_required_level_requires_the_ones_below_it(wanted: str, levels: list[Level]) -> None:
    variables = {"E2E_REQUIRE": wanted}
    assert [level for level in Level if required(level, variables)] == levels


def test_a_required_level_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ValueError, match="E2E_REQUIRE=nodes: wanted one of api, controllers"):
        required(API, {"E2E_REQUIRE": "api,nodes"})
