# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Fixtures for tests on a real node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.node.cluster import NodeCluster

if TYPE_CHECKING:
    from tests.cluster.access import ClusterAccess


@pytest.fixture
def node(cluster: ClusterAccess) -> NodeCluster:
    """The cluster with a real node that all tests here share; mark with `cluster("netpol")`."""
    assert isinstance(cluster, NodeCluster)
    return cluster
