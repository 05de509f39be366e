# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Fixtures that give a test a real cluster; a run that asks for none never starts or builds one.

What each fixture promises is told in `tests/cluster/__init__.py`.
"""

from __future__ import annotations

import os
import secrets
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tests.cluster.levels import Level
from tests.sharing import Shares, rank

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.cluster.access import ClusterAccess
    from tests.cluster.pool import Clusters

ASKED = pytest.StashKey[frozenset[Level]]()
"""The levels that collected tests ask for."""


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and give examples of properties the time that a busy machine takes."""
    settings.register_profile(
        "any pace", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("any pace")
    config.addinivalue_line(
        "markers", f"cluster(level): the cluster the test needs: {', '.join(Level)}"
    )


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Shares:
    """Share the tests out by what they share."""
    return Shares(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what takes long first."""
    items.sort(key=rank)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build what will be needed before the first test, outside every test's time limit."""
    asked = frozenset(_level(item) for item in session.items if "clusters" in _fixtures(item))
    session.config.stash[ASKED] = asked
    if session.config.option.collectonly:
        return
    _fetch_servers(session)
    if not asked:
        return

    from tests.cluster import selection  # only a run that needs a cluster pays for this
    from tests.cluster.build import ensure
    from tests.cluster.golang import BuildError
    from tests.cluster.progress import Report

    with _terminal(session.config):
        report = Report()
        for level in sorted(asked, key=list(Level).index):
            around = selection.look_around(level, os.environ, report)
            try:
                provider = selection.choose(level, around)
            except selection.UnavailableError:
                continue  # each test that needs it will say so
            if provider is selection.Provider.OWN:
                try:
                    for tool in selection.tools_for(level):
                        ensure(tool, report)
                except BuildError as error:
                    pytest.exit(str(error), returncode=1)


def _fetch_servers(session: pytest.Session) -> None:
    """Fetch the older OpenBao if a test is run on it too."""
    from tests.cluster.tools import OLDER_OPENBAO

    specs = (getattr(item, "callspec", None) for item in session.items)
    asked = {f"openbao-{value}" for spec in specs if spec for value in spec.params.values()}
    if OLDER_OPENBAO.name not in asked or OLDER_OPENBAO.built:
        return

    from tests.cluster.build import ensure
    from tests.cluster.golang import BuildError
    from tests.cluster.progress import Report

    try:
        with _terminal(session.config):
            ensure(OLDER_OPENBAO, Report())
    except BuildError as error:
        pytest.exit(str(error), returncode=1)


@pytest.fixture(scope="session")
def clusters(request: pytest.FixtureRequest) -> Iterator[Clusters]:
    """The clusters of this session; none runs before a test asks for it."""
    from tests.cluster.pool import Clusters
    from tests.cluster.progress import Report

    pool = Clusters(request.config.stash[ASKED], Report())
    yield pool
    pool.stop()


@pytest.fixture
def cluster(request: pytest.FixtureRequest, clusters: Clusters) -> ClusterAccess:
    """A running cluster of the level that the test's marker names; shared with other tests."""
    from tests.cluster.pool import cluster_or_skip

    with _terminal(request.config):
        return cluster_or_skip(clusters, _level(request.node))


@pytest.fixture(scope="session")
def postgresql() -> Path:
    """PostgreSQL's programs; skips where its package is missing, unless E2E_REQUIRE is set."""
    from tests.cluster.golang import BuildError
    from tests.cluster.postgres import programs

    try:
        return programs()
    except BuildError as error:
        if os.environ.get("E2E_REQUIRE"):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


@pytest.fixture
def namespace(cluster: ClusterAccess) -> Iterator[str]:
    """A fresh namespace that enforces Pod Security restricted; deleted without waiting."""
    name = f"wardkeeper-test-{secrets.token_hex(4)}"
    cluster.create_namespace(name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


def _level(item: pytest.Item) -> Level:
    marker = item.get_closest_marker("cluster")
    return Level(marker.args[0]) if marker and marker.args else Level.SIMULATED


def _fixtures(item: pytest.Item) -> list[str]:
    names: list[str] = getattr(item, "fixturenames", [])
    return names


def _terminal(config: pytest.Config) -> AbstractContextManager[None]:
    """While this is held, what is written reaches the terminal."""
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is None:
        return nullcontext()
    held: AbstractContextManager[None] = capture.global_and_fixture_disabled()
    return held
