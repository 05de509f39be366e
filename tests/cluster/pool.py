# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The clusters of one test session: started when first asked for, shared, stopped at the end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.cluster.levels import Level
from tests.cluster.selection import UnavailableError, open_cluster, required

if TYPE_CHECKING:
    from tests.cluster.access import ClusterAccess
    from tests.cluster.progress import Report


class Clusters:
    """Gives every test a running cluster that includes its level."""

    def __init__(self, asked: frozenset[Level], report: Report) -> None:
        """Nothing runs yet; `asked` are the levels that will be asked for."""
        self._asked = asked
        self._report = report
        self._running: list[ClusterAccess] = []
        self._refused: dict[Level, str] = {}

    def at(self, level: Level | str) -> ClusterAccess:
        """A running cluster of this level or above.

        Raises:
            UnavailableError: none can be had here; asked again, it says the same at once.
        """
        wanted = Level(level)
        for cluster in self._running:
            if _serves(cluster.level, wanted):
                return cluster
        try:
            return self._start(self._highest(wanted))  # one cluster serves all levels below it
        except UnavailableError:
            return self._start(wanted)

    def _highest(self, wanted: Level) -> Level:
        """The level to start, so that one cluster serves all that it can."""
        enough = {level for level in self._asked if _serves(level, wanted)}
        return max(enough | {wanted}, key=list(Level).index)

    def _start(self, level: Level) -> ClusterAccess:
        if level in self._refused:
            raise UnavailableError(self._refused[level])
        try:
            cluster = open_cluster(level, self._report)
        except UnavailableError as error:
            self._refused[level] = str(error)
            raise
        cluster.start()
        self._running.append(cluster)
        return cluster

    def stop(self) -> None:
        """Stop them all."""
        while self._running:
            self._running.pop().stop()


def _serves(level: Level, wanted: Level) -> bool:
    """Whether a cluster of a level is given to who wants another; a node only to who wants one."""
    return level.includes(wanted) and level.real == wanted.real


def cluster_or_skip(clusters: Clusters, level: Level) -> ClusterAccess:
    """A running cluster of this level; skips the test where none can be had, or fails it.

    E2E_REQUIRE decides which of the two.
    """
    try:
        return clusters.at(level)
    except UnavailableError as error:
        if required(level, os.environ):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
