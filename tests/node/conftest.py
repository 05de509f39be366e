# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Fixtures for tests on a real node: one node for all of them, with the operator in pods on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.levels import Level
from tests.cluster.node.cluster import NodeCluster
from tests.cluster.node.installation import PodInstallation
from tests.cluster.pool import cluster_or_skip
from tests.node.proof import Proof
from tests.node.scene import Scene, build

if TYPE_CHECKING:
    from tests.cluster.pool import Clusters


@pytest.fixture(scope="session")
def node(clusters: Clusters) -> NodeCluster:
    """The cluster with a real node that all tests here share."""
    cluster = cluster_or_skip(clusters, Level.NETPOL)
    assert isinstance(cluster, NodeCluster)
    return cluster


@pytest.fixture(scope="session")
def operator(node: NodeCluster) -> PodInstallation:
    """The operator in two pods, installed by Helm, with OpenBao behind it."""
    made = PodInstallation(node)
    made.install()
    made.start()
    return made


@pytest.fixture(scope="session")
def proof(node: NodeCluster) -> Proof:
    """Where probes are written down."""
    return Proof(node.version())


@pytest.fixture(scope="session")
def scene(node: NodeCluster, operator: PodInstallation) -> Scene:
    """Workflows and pods that may and may not speak to each other."""
    return build(node, operator)
