# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What policy has to say about a workflow, as values.

A verdict carries no way to change anything and never a value that could be secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wardkeeper.api.problem import Problem
from wardkeeper.api.status import EndpointState

if TYPE_CHECKING:
    from wardkeeper.api.reasons import Reason

__all__ = ["EndpointVerdict", "Problem", "Verdict"]


@dataclass(frozen=True, slots=True)
class EndpointVerdict:
    """Whether one declared endpoint may be reached, and why."""

    name: str
    state: EndpointState
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may run and what may be reached.

    `problems` empty means that the spec can be rendered. `endpoints` holds one entry for each
    declared endpoint, in their order. `missing_peers` are the workflows that endpoints or ingress
    name and that do not exist, as `namespace/name`, sorted, each once.
    """

    problems: tuple[Problem, ...] = ()
    endpoints: tuple[EndpointVerdict, ...] = ()
    missing_peers: tuple[str, ...] = ()

    def open_endpoints(self) -> frozenset[str]:
        """Names of the endpoints that may be reached."""
        return frozenset(one.name for one in self.endpoints if one.state is EndpointState.OPEN)
