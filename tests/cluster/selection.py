# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Which cluster a test gets: the first in a fixed order that is there and offers the level.

1. `KUBECONFIG`, only with `E2E_ALLOW_CLUSTER=1`: an everyday context is never touched.
2. kind, when it is installed and Docker answers.
3. `KUBEBUILDER_ASSETS`: a control plane without controllers.
4. Our own build, when it is in the cache or `E2E_BUILD=1` allows to build it.
5. None: a message that says what is missing. `E2E_REQUIRE=<level>,...` makes that a failure.

A real node is always our own: what its pods must not reach stands around it in its namespaces.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster.cluster import Cluster
from tests.cluster.foreign import GivenCluster, KindCluster, kind_answers, level_of
from tests.cluster.golang import go_problem
from tests.cluster.levels import Level
from tests.cluster.node.cluster import NodeCluster
from tests.cluster.node.packages import node_problem
from tests.cluster.tools import COREDNS, KUBE_ROUTER, KUBEALL, KWOK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.cluster.access import ClusterAccess
    from tests.cluster.progress import Report
    from tests.cluster.tools import Tool


class UnavailableError(RuntimeError):
    """No cluster of this level can be had here; the message says what to do about it."""


class Provider(Enum):
    """Where a cluster comes from."""

    GIVEN = "the cluster of KUBECONFIG"
    KIND = "kind"
    ASSETS = "the programs of KUBEBUILDER_ASSETS"
    OWN = "our own build"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is there to choose from.

    Attributes:
        given: what KUBECONFIG names; empty when it is not set.
        consent: whether E2E_ALLOW_CLUSTER=1 is set.
        given_level: what that cluster offers; None when unknown or out of reach.
        kind: whether kind is installed and Docker answers.
        assets: what KUBEBUILDER_ASSETS names.
        built: whether our own build of this level is in the cache.
        may_build: whether E2E_BUILD=1 is set.
        go_problem: why Go cannot build; empty when it can.
        node_problem: why no container can run here; empty when one can.
    """

    given: str = ""
    consent: bool = False
    given_level: Level | None = None
    kind: bool = False
    assets: str = ""
    built: bool = False
    may_build: bool = False
    go_problem: str = ""
    node_problem: str = ""


def choose(level: Level, around: Surroundings) -> Provider:
    """The first provider in order that is there and offers the level.

    Raises:
        UnavailableError: there is none.
    """
    own = around.built or (around.may_build and not around.go_problem)
    if level.real:
        if own and not around.node_problem:
            return Provider.OWN
        raise _unavailable(level, around.node_problem or _missing(around))
    offered = around.given_level if around.given and around.consent else None
    if offered is not None and offered.includes(level):
        return Provider.GIVEN
    if around.kind and Level.CONTROLLERS.includes(level):
        return Provider.KIND
    if around.assets and level is Level.API:
        return Provider.ASSETS
    if own:
        return Provider.OWN
    raise _unavailable(level, _missing(around))


def _unavailable(level: Level, why: str) -> UnavailableError:
    return UnavailableError(f"no cluster of level {level} can be had here: {why}")


def _missing(around: Surroundings) -> str:
    reasons = []
    if around.given and not around.consent:
        reasons.append("KUBECONFIG is left alone without E2E_ALLOW_CLUSTER=1")
    elif around.given:
        reasons.append(f"KUBECONFIG's cluster offers {around.given_level or 'nothing'}")
    if around.go_problem:
        reasons.append(f"our own cannot be built ({around.go_problem})")
    elif not around.may_build:
        reasons.append("our own is not built: run `make up` or set E2E_BUILD=1")
    return "; ".join(reasons)


def required(level: Level, variables: Mapping[str, str]) -> bool:
    """Whether E2E_REQUIRE says that tests of this level must run.

    Raises:
        ValueError: E2E_REQUIRE names no level.
    """
    wanted = variables.get("E2E_REQUIRE", "")
    if not wanted:
        return False
    for one in wanted.split(","):
        if one not in list(Level):
            raise ValueError(f"E2E_REQUIRE={one}: wanted one of {', '.join(Level)}")
    return any(Level(one).includes(level) for one in wanted.split(","))


def tools_for(level: Level) -> tuple[Tool, ...]:
    """What our own cluster of this level is made from."""
    return {
        Level.NODE: (KUBEALL, COREDNS),
        Level.NETPOL: (KUBEALL, COREDNS, KUBE_ROUTER),
        Level.SIMULATED: (KUBEALL, KWOK),
    }.get(level, (KUBEALL,))


def look_around(level: Level, variables: Mapping[str, str], report: Report) -> Surroundings:
    """Gather what there is to choose from, for one level."""
    given = variables.get("KUBECONFIG", "")
    consent = variables.get("E2E_ALLOW_CLUSTER") == "1"
    return Surroundings(
        given=given,
        consent=consent,
        given_level=level_of(Path(given), report) if given and consent else None,
        kind=kind_answers(),
        assets=variables.get("KUBEBUILDER_ASSETS", ""),
        built=all(tool.built for tool in tools_for(level)),
        may_build=variables.get("E2E_BUILD") == "1",
        go_problem=go_problem(),
        node_problem=node_problem() if level.real else "",
    )


def open_cluster(level: Level, report: Report) -> ClusterAccess:
    """A cluster that offers the level, not started yet.

    Raises:
        UnavailableError: none can be had here.
    """
    around = look_around(level, os.environ, report)
    provider = choose(level, around)
    report.say(f"level {level}: {provider.value}")
    if provider is Provider.GIVEN:
        return GivenCluster(Path(around.given), report)
    if provider is Provider.KIND:
        return KindCluster(report)
    if provider is Provider.ASSETS:
        return Cluster(level, programs=Path(around.assets), report=report)
    if level.real:
        return NodeCluster(level, report=report)
    return Cluster(level, report=report)
