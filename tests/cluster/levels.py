# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What a test may rely on: the levels a test cluster can reach."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """How much of Kubernetes is there.

    Two branches grow from `controllers`: a test that asks for simulated nodes may make its images
    up, so a real node does not stand in for them.

    Attributes:
        API: etcd and the API server: schemas, admission, RBAC, tokens, audit. No controllers.
        CONTROLLERS: garbage collection, ServiceAccounts, Deployments make Pods.
        NODE: containers run: probes, logs, exec, volumes, limits, Services, DNS.
        NETPOL: a packet that no NetworkPolicy lets through is really dropped.
        SIMULATED: Pods become Running and Ready, Jobs complete; no container runs.
    """

    API = "api"
    CONTROLLERS = "controllers"
    NODE = "node"
    NETPOL = "netpol"
    SIMULATED = "simulated"

    def includes(self, other: Level) -> bool:
        """Whether a test that asks for `other` may run here."""
        return other in _INCLUDED[self]

    @property
    def real(self) -> bool:
        """Whether containers run."""
        return self.includes(Level.NODE)


_CONTROLLERS = frozenset({Level.API, Level.CONTROLLERS})
_INCLUDED = {
    Level.API: frozenset({Level.API}),
    Level.CONTROLLERS: _CONTROLLERS,
    Level.NODE: _CONTROLLERS | {Level.NODE},
    Level.NETPOL: _CONTROLLERS | {Level.NODE, Level.NETPOL},
    Level.SIMULATED: _CONTROLLERS | {Level.SIMULATED},
}
