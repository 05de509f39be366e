# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What a pass may touch, handed in by the process that runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from wardkeeper.engine.enforcement import Enforcement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from wardkeeper.engine.secrets.job import SecretOutcome, SecretServices
    from wardkeeper.engine.secrets.restarts import Restarts
    from wardkeeper.engine.seen import Key
    from wardkeeper.engine.world import World
    from wardkeeper.engine.writer import Writer
    from wardkeeper.kube.client import Client
    from wardkeeper.render.surroundings import Surroundings


class Teller(Protocol):
    """Tells people what happened; never waits, never raises."""

    def __call__(
        self, regarding: dict[str, Any], *, warning: bool, reason: str, action: str, note: str
    ) -> None:
        """Tell one thing about one object."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a pass may touch.

    Attributes:
        world: what has been observed.
        client: the API server.
        writer: writes children.
        secrets: Vault and what goes with it.
        restarts: when workloads may be restarted for their secrets.
        surroundings: what the cluster looks like around workflows.
        clock: the time, with time zone.
        monotonic: seconds that only ever grow.
        observed: told what an answer of the API server says of a workflow: type and object, as
            an event would.
        tell: posts an event.
        ready: told the seconds from a spec's first pass until it was ready.
        repaired: told the kind of each child that was put back.
        deletion_timeout: seconds after which a workflow is let go though Vault is away.
        enforcement: whether the network plug-in is seen to enforce policies.
        secrets_seen: told where the secrets of a workflow stand; none when it is gone.
        in_force: told the spec of a workflow that is in force while a newer one is refused.
    """

    world: World
    client: Client
    writer: Writer
    secrets: SecretServices
    restarts: Restarts
    surroundings: Callable[[], Surroundings]
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    observed: Callable[[str, Mapping[str, Any]], None]
    tell: Teller
    ready: Callable[[float], None]
    repaired: Callable[[str], None]
    deletion_timeout: float = 900.0
    enforcement: Callable[[], Enforcement] = Enforcement
    secrets_seen: Callable[[Key, Sequence[SecretOutcome]], None] = lambda *_: None
    in_force: Callable[[Key, bytes], None] = lambda *_: None
