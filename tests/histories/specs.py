# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Specs by chance: traits that are drawn one by one, so that every spec is one people could write.

Everything here but what `WRONG` and `TOO_MUCH` say can be carried out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tests.component.workflows import IMAGE, OTHER_IMAGE, SCHEDULE, container, small

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

Obj = dict[str, Any]

KINDS = ("Deployment", "CronJob", "Job")
WRONG_ZONE = "Mars/Olympus_Mons"
"""A time zone that the definition lets in and the operator does not."""

TOO_MUCH = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}
"""A right that the operator does not hold, so that it may not give it."""

_ROUTES = {
    "apiGroups": [""],
    "resources": ["configmaps"],
    "resourceNames": ["routes"],
    "verbs": ["get"],
}
_SERVICES = {"apiGroups": [""], "resources": ["services"], "verbs": ["list"]}
_RULES = ((), (_ROUTES,), (_SERVICES,), (_ROUTES, _SERVICES), (_SERVICES, _ROUTES))
_ENVIRONMENTS = ((), (("LOG_LEVEL", "info"),), (("LOG_LEVEL", "debug"), ("SITE", "north")))
_ZONES = (None, "America/New_York", "Europe/Berlin")
_ALIVE = {"exec": {"command": ["/bin/true"]}}
_PLAIN_PORTS = (("hl7", 2575), ("admin", 8080), ("hl7", 2576))


@dataclass(frozen=True)
class Traits:
    """What one workflow asks for.

    Attributes:
        kind: of workload; stays as long as the workflow exists.
        ports: names and numbers that the first container listens on.
        peers: workflows that may come in and that are endpoints.
    """

    kind: str
    image: str = IMAGE
    environment: tuple[tuple[str, str], ...] = ()
    ports: tuple[tuple[str, int], ...] = ()
    sidecar: bool = False
    init: bool = False
    writable: bool = True
    replicas: int | None = 1
    schedule: str = SCHEDULE
    zone: str | None = None
    backoff: int | None = None
    rules: tuple[Obj, ...] = ()
    tokens: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()
    outside: int = 0
    team: str = "integration"
    mode: str = "Enforce"

    @property
    def can_be_carried_out(self) -> bool:
        """Whether the operator takes it."""
        return self.zone != WRONG_ZONE

    @property
    def may_be_granted(self) -> bool:
        """Whether Kubernetes lets the operator grant what is asked for."""
        return TOO_MUCH not in self.rules


@dataclass(frozen=True)
class Change:
    """One trait drawn anew; `kinds` of workload have it."""

    trait: str
    draw: Callable[[Random, Sequence[str]], Any]
    kinds: tuple[str, ...] = field(default=KINDS)


def _some(rng: Random, among: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(one for one in among if rng.random() < 0.5)


CHANGES = (
    Change("image", lambda rng, _: rng.choice((IMAGE, OTHER_IMAGE))),
    Change("environment", lambda rng, _: rng.choice(_ENVIRONMENTS)),
    Change("ports", lambda rng, _: _some(rng, _PLAIN_PORTS[:2]), ("Deployment",)),
    Change("ports", lambda rng, _: (rng.choice(_PLAIN_PORTS),), ("Deployment",)),
    Change("sidecar", lambda rng, _: rng.random() < 0.5),
    Change("init", lambda rng, _: rng.random() < 0.5),
    Change("writable", lambda rng, _: rng.random() < 0.5),
    Change("replicas", lambda rng, _: rng.choice((None, 0, 1, 2, 3)), ("Deployment",)),
    Change("schedule", lambda rng, _: f"{rng.randrange(60)} 3 1 1 *", ("CronJob",)),
    Change("zone", lambda rng, _: rng.choice((*_ZONES, WRONG_ZONE)), ("CronJob",)),
    Change("backoff", lambda rng, _: rng.choice((None, 0, 4)), ("CronJob", "Job")),
    Change("rules", lambda rng, _: rng.choice((*_RULES, (_ROUTES, TOO_MUCH)))),
    Change("tokens", lambda rng, _: _some(rng, ("ehr", "billing"))),
    Change("peers", _some),
    Change("outside", lambda rng, _: rng.randrange(3)),
    Change("team", lambda rng, _: rng.choice(("integration", "imaging"))),
)


def draw_traits(rng: Random, kind: str, names: Sequence[str]) -> Traits:
    """A new workflow; one in which everything was drawn would be too odd to be of use."""
    traits = Traits(kind, ports=_PLAIN_PORTS[:1] if kind == "Deployment" else ())
    for _ in range(rng.randrange(4)):
        traits = change(rng, traits, names)[1]
    return traits


def change(rng: Random, traits: Traits, names: Sequence[str]) -> tuple[str, Traits]:
    """One trait changed, and which."""
    one = rng.choice([each for each in CHANGES if traits.kind in each.kinds])
    return one.trait, replace(traits, **{one.trait: one.draw(rng, names)})


def spec_of(name: str, traits: Traits) -> Obj:
    """The spec."""
    spec: Obj = small(name)["spec"]
    spec |= {
        "mode": traits.mode,
        "owner": {"team": traits.team, "contact": "integration@example.org"},
        "workload": _workload(traits),
        "access": {
            "rules": list(traits.rules),
            "tokens": [
                {"name": one, "audience": f"https://{one}.example.org"} for one in traits.tokens
            ],
        },
        "endpoints": [*_peers(name, traits), *_hosts(traits)],
    }
    if traits.ports:
        wanted = [traits.ports[0][0]]
        spec["network"] = {
            "ingress": [
                {"name": f"from-{peer}", "workflow": {"name": peer}, "ports": wanted}
                for peer in traits.peers
                if peer != name
            ]
        }
    return spec


def _peers(name: str, traits: Traits) -> list[Obj]:
    return [
        {"name": f"to-{peer}", "kind": "TCP", "workflow": {"name": peer}, "port": 2575}
        for peer in traits.peers
        if peer != name
    ]


def _hosts(traits: Traits) -> list[Obj]:
    return [
        {
            "name": f"host-{at}",
            "kind": "FHIR",
            "host": f"fhir-{at}.example.org",
            "cidrs": [f"203.0.113.{16 * at}/28"],
            "port": 443,
        }
        for at in range(traits.outside)
    ]


def _workload(traits: Traits) -> Obj:
    probes = {"readiness": _ALIVE, "liveness": _ALIVE} if traits.kind == "Deployment" else None
    plain: Obj = {"ports": None, "probes": probes, "env": None, "writablePaths": None}
    first = container(
        image=traits.image,
        env=[{"name": key, "value": value} for key, value in traits.environment] or None,
        ports=[{"name": key, "port": number} for key, number in traits.ports] or None,
        probes=probes,
        writablePaths=[{"path": "/tmp", "size": "64Mi"}] if traits.writable else None,
    )
    containers = [first, *([container(**plain, name="sidecar")] if traits.sidecar else [])]
    workload: Obj = {"kind": traits.kind, "containers": containers}
    if traits.init:
        workload["initContainers"] = [container(**{**plain, "probes": None}, name="init")]
    if traits.kind == "Deployment" and traits.replicas is not None:
        workload["replicas"] = traits.replicas
    if traits.kind == "CronJob":
        workload["schedule"] = traits.schedule
        if traits.zone is not None:
            workload["timeZone"] = traits.zone
    if traits.kind != "Deployment" and traits.backoff is not None:
        workload["backoffLimit"] = traits.backoff
    return workload
