# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Which tests share a cluster."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster import pool
from tests.cluster.levels import Level
from tests.cluster.pool import Clusters, cluster_or_skip
from tests.cluster.progress import Report
from tests.cluster.selection import UnavailableError


class Made:
    """A cluster that is none."""

    def __init__(self, level: Level) -> None:
        self.level = level

    def start(self) -> None:
        """Say nothing."""


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[Level]:
    """The levels of the clusters that are started, in order; no node can be had."""
    levels: list[Level] = []

    def begin(level: Level, _: Report) -> Any:
        if level is Level.NODE:
            raise UnavailableError("no node here")
        levels.append(level)
        return Made(level)

    monkeypatch.setattr(pool, "open_cluster", begin)
    return levels


def test_one_cluster_serves_all_levels_below_it(started: list[Level]) -> None:
    clusters = Clusters(frozenset({Level.API, Level.SIMULATED}), Report())
    assert clusters.at("api") is clusters.at("simulated")
    assert started == [Level.SIMULATED]


def test_what_needs_no_node_is_not_given_one(started: list[Level]) -> None:
    clusters = Clusters(frozenset({Level.API, Level.NETPOL}), Report())
    assert clusters.at("netpol") is not clusters.at("api")
    assert started == [Level.NETPOL, Level.API]


@pytest.mark.parametrize(
    ("required", "outcome"), [("", pytest.skip.Exception), ("node", pytest.fail.Exception)]
)
def test_what_cannot_be_had_is_skipped_unless_it_is_required(
    monkeypatch: pytest.MonkeyPatch, required: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("E2E_REQUIRE", required)
    with pytest.raises(outcome, match="no node here"):
        cluster_or_skip(Clusters(frozenset({Level.NODE}), Report()), Level.NODE)
