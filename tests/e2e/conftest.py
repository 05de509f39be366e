# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the stories: one stage for all of them, a fresh namespace for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.databases import Databases
from tests.cluster.installation import Installation
from tests.e2e.stage import Stage
from tests.e2e.stories import fresh_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.pool import Clusters
    from tests.e2e.stories import Place
    from tests.e2e.vault_world import VaultWorld


@pytest.fixture(scope="session")
def stage(clusters: Clusters) -> Iterator[Stage]:
    """A cluster of its own, for stories stop, seal and kill what runs on it.

    The operator logs as much as it can, so that what must not be in a log would be.
    """
    settings = {"logging": {"level": "debug"}}
    with (
        Cluster("simulated", openbao=True) as cluster,
        Installation(cluster, settings=settings) as operator,
    ):
        made = Stage(cluster, operator)
        with made.session:
            yield made


@pytest.fixture
def place(stage: Stage) -> Iterator[Place]:
    """A fresh namespace on a stage where everything runs."""
    stage.settle()
    with fresh_place(stage) as made:
        yield made


@pytest.fixture(scope="module")
def databases(world: VaultWorld) -> Databases:
    """The database of a module's `world`, with what OpenBao needs to make logins to it."""
    found = Databases(world.bao, world.cluster.postgres)
    found.install()
    return found
