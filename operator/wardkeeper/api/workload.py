# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`spec.workload`: what runs."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field
from pydantic.alias_generators import to_snake

from wardkeeper.api.container import Container
from wardkeeper.api.schedule import Schedule, TimeZone
from wardkeeper.api.schema import Model, Obeys, Rule, list_map

if TYPE_CHECKING:
    from collections.abc import Callable


class WorkloadKind(StrEnum):
    """The kinds of workload that a workflow can be."""

    DEPLOYMENT = "Deployment"
    CRON_JOB = "CronJob"
    JOB = "Job"


class ConcurrencyPolicy(StrEnum):
    """What a CronJob does when a run is due and the last one still works."""

    ALLOW = "Allow"
    FORBID = "Forbid"
    REPLACE = "Replace"


def _only_for(kinds: tuple[WorkloadKind, ...], *members: str) -> tuple[Rule, ...]:
    """One rule for each member that only some kinds of workload have."""

    def rule(member: str) -> Rule:
        attribute = to_snake(member)
        return Rule(
            f"!has(self.{member}) || self.kind in {[kind.value for kind in kinds]!r}",
            f"{member} is for a {' or '.join(kinds)} only; remove it, or correct kind",
            lambda self: getattr(self, attribute) is None or self.kind in kinds,
            f".{member}",
        )

    return tuple(rule(member) for member in members)


def _every(
    containers: str, right: str, wrong: str, holds: Callable[[Workload, Container], bool]
) -> Rule:
    """A rule that each container of a list obeys, but that needs to see its neighbours.

    Args:
        containers: name of the list.
        right: CEL over `self`, the workload, and `container`.
        wrong: what is wrong with a container that breaks the rule, and the remedy.
        holds: the same as `right`.
    """
    attribute = to_snake(containers)
    return Rule(
        f"!has(self.{containers}) || self.{containers}.all(container, {right})",
        f"a container {wrong}",
        lambda self: all(holds(self, container) for container in getattr(self, attribute)),
        f".{containers}",
    )


def _unique_port(member: str, what: str) -> Rule:
    """Containers of a pod share one address, so ports are unique in all of them."""
    alike = (
        "self.containers.map(each, has(each.ports) ? each.ports.filter(other, "
        f"other.{member} == port.{member}).size() : 0).sum()"
    )
    return _every(
        "containers",
        f"!has(container.ports) || container.ports.all(port, {alike} == 1)",
        f"declares a port {what} that is declared twice in the pod; give each port its own",
        lambda self, container: (
            not any(
                [getattr(one, member) for each in self.containers for one in each.ports].count(
                    getattr(port, member)
                )
                > 1
                for port in container.ports
            )
        ),
    )


_RULES = (
    *_only_for((WorkloadKind.DEPLOYMENT,), "replicas"),
    *_only_for(
        (WorkloadKind.CRON_JOB,),
        "schedule",
        "timeZone",
        "concurrencyPolicy",
        "startingDeadlineSeconds",
    ),
    *_only_for((WorkloadKind.JOB, WorkloadKind.CRON_JOB), "backoffLimit", "activeDeadlineSeconds"),
    Rule(
        "self.kind != 'CronJob' || has(self.schedule)",
        "schedule is required for a CronJob; write it like 30 2 * * *",
        lambda self: self.kind is not WorkloadKind.CRON_JOB or self.schedule is not None,
        ".schedule",
    ),
    _every(
        "containers",
        "self.kind != 'Deployment' || (has(container.probes) && has(container.probes.readiness) "
        "&& has(container.probes.liveness))",
        "needs probes.readiness and probes.liveness, as every container of a Deployment; without "
        "them nobody knows whether it is well",
        lambda self, container: (
            self.kind is not WorkloadKind.DEPLOYMENT
            or bool(container.probes and container.probes.readiness and container.probes.liveness)
        ),
    ),
    _unique_port("name", "name"),
    _unique_port("port", "number"),
    _every(
        "initContainers",
        "!has(container.probes)",
        "has probes, which an init container cannot have; remove them, its end is its answer",
        lambda self, container: container.probes is None,
    ),
    _every(
        "initContainers",
        "!has(container.ports) || container.ports.size() == 0",
        "declares ports, but nobody can connect before the containers start; remove them from "
        "initContainers",
        lambda self, container: not container.ports,
    ),
    _every(
        "initContainers",
        "!self.containers.exists(other, other.name == container.name)",
        "has the name of another of containers; give each container of the pod a name of its own",
        lambda self, container: all(other.name != container.name for other in self.containers),
    ),
)


class Workload(Model):
    """What runs: a Deployment that stays, a Job that ends, or a CronJob that comes again."""

    obeys: ClassVar[tuple[Rule, ...]] = _RULES

    kind: Annotated[
        WorkloadKind,
        Obeys(
            Rule(
                "self == oldSelf",
                "kind cannot be changed while the workflow exists; delete the workflow and create "
                "it anew, or create another one",
                None,
            )
        ),
    ] = Field(
        description="Deployment stays, Job runs once to its end, CronJob runs again and again. It "
        "cannot be changed."
    )
    replicas: int | None = Field(
        None,
        ge=0,
        le=1000,
        description="Deployment only: number of pods; when left out it is not enforced, so that "
        "an autoscaler can own it.",
    )
    schedule: Schedule | None = Field(
        None,
        description="CronJob only, required there: minute, hour, day of month, month, day of "
        "week, such as 30 2 * * *.",
    )
    time_zone: TimeZone | None = Field(
        None,
        description="CronJob only: IANA time zone of the schedule, such as America/New_York; "
        "Etc/UTC when left out.",
    )
    concurrency_policy: ConcurrencyPolicy | None = Field(
        None,
        description="CronJob only: what to do when a run is due while the last one works; Forbid "
        "(leave it out) when nothing is said.",
    )
    starting_deadline_seconds: int | None = Field(
        None,
        ge=10,
        le=86400,
        description="CronJob only: seconds that a run may start late before it is left out; 300 "
        "when nothing is said.",
    )
    backoff_limit: int | None = Field(
        None,
        ge=0,
        le=100,
        description="Job and CronJob: failed pods after which a run has failed; 6 when nothing is "
        "said.",
    )
    active_deadline_seconds: int | None = Field(
        None,
        ge=1,
        le=604800,
        description="Job and CronJob: seconds after which a run is ended; no end when left out.",
    )
    containers: tuple[Container, ...] = Field(
        min_length=1,
        max_length=8,
        json_schema_extra=list_map("name"),
        description="The containers of the pod.",
    )
    init_containers: tuple[Container, ...] = Field(
        (),
        max_length=8,
        json_schema_extra=list_map("name"),
        description="Containers that run to their end, one after the other, before the others "
        "start; without probes and ports.",
    )
