# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The commands of each page, run in their order on a real cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.cluster import Cluster
from tests.docs.blocks import blocks, file_of, way_of
from tests.docs.test_blocks import WHAT_TO_DO
from tests.docs.ways import AS_IT_STANDS, NOT_RUN, WAYS
from tests.docs.world import CommandsFailedError, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.pool import Clusters
    from tests.docs.blocks import Block

LEFT_OUT = {(one.page, one.first) for one in NOT_RUN}


def of_page(page: str) -> list[Block]:
    """The blocks of a page that are run."""
    return [
        one
        for one in blocks(page)
        if way_of(one) == "commands" and (page, one.first) not in LEFT_OUT
    ]


WITH_COMMANDS = sorted({one.page for one in blocks() if of_page(one.page)})
SHARED = [page for page in WITH_COMMANDS if not WAYS.get(page, AS_IT_STANDS).alone]
ALONE = [page for page in WITH_COMMANDS if page not in SHARED]


@pytest.fixture(scope="module")
def shared(clusters: Clusters) -> Iterator[list[World]]:
    """The world that pages share, made when the first of them is run."""
    made: list[World] = []
    yield made
    for world in made:
        world.stop()
        world.cluster.stop()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", SHARED)
def test_the_commands_of_a_page_work(page: str, shared: list[World], tmp_path: Path) -> None:
    if not shared:
        cluster = Cluster("simulated", openbao=True)
        cluster.start()
        shared.append(World(cluster, tmp_path))
    shared[0].folder = tmp_path
    run_all(page, shared[0])


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", ALONE)
def test_the_commands_of_a_page_that_installs_or_removes_work(
    page: str, clusters: Clusters, tmp_path: Path
) -> None:
    with Cluster("simulated", openbao=True) as cluster:
        world = World(cluster, tmp_path)
        try:
            run_all(page, world)
        finally:
            world.stop()


def run_all(page: str, world: World) -> None:
    """Run what is to be run of a page."""
    way = WAYS.get(page, AS_IT_STANDS)
    shown = {file_of(one): one.text for one in blocks(page) if file_of(one)}
    world.prepare(way, shown)
    for block in of_page(page):
        try:
            world.run(block.text, way)
        except CommandsFailedError as error:
            pytest.fail(f"{block} failed with {error}\n{block.text}{WHAT_TO_DO}", pytrace=False)
