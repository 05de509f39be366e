# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What a test may rely on: the levels a test cluster can reach."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """How much of Kubernetes is there; each level includes the ones before it.

    Attributes:
        API: etcd and the API server: schemas, admission, RBAC, tokens, audit. No controllers.
        CONTROLLERS: garbage collection, ServiceAccounts, Deployments make Pods.
        SIMULATED: Pods become Running and Ready, Jobs complete; no container runs.
    """

    API = "api"
    CONTROLLERS = "controllers"
    SIMULATED = "simulated"

    def includes(self, other: Level) -> bool:
        """Whether a test that asks for `other` may run here."""
        order = list(Level)
        return order.index(self) >= order.index(other)
