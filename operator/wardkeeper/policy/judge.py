# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The judgement on a workflow: what the API server's schema and CEL could not see.

Everything about the shape of a spec is the API models' own business. Left for here is what needs
knowledge of the world: time zones, calendars, other workflows. A missing peer is no mistake of
the spec: its opening stays closed, and opens by itself when the peer appears.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from wardkeeper.api.reasons import Reason
from wardkeeper.api.status import EndpointState
from wardkeeper.policy.cron import check_schedule
from wardkeeper.policy.secrets import judge_secrets
from wardkeeper.policy.verdict import EndpointVerdict, Problem, Verdict
from wardkeeper.policy.zones import unknown_zone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wardkeeper.api.network import Endpoint, WorkflowPeer
    from wardkeeper.api.workflow import HealthcareWorkflow

    Known = Callable[[str, str], bool]


def judge(workflow: HealthcareWorkflow, known: Known) -> Verdict:
    """What may run, what may be reached, and what is wrong.

    Args:
        workflow: the workflow, accepted by the API models.
        known: whether a HealthcareWorkflow of this namespace and name exists.
    """
    return Verdict(
        problems=tuple(
            chain(judge_schedule(workflow), judge_time_zone(workflow), judge_secrets(workflow))
        ),
        endpoints=tuple(
            judge_endpoint(one, workflow.metadata.namespace, known)
            for one in workflow.spec.endpoints
        ),
        missing_peers=judge_peers(workflow, known),
    )


def judge_schedule(workflow: HealthcareWorkflow) -> Iterator[Problem]:
    """Whether the schedule of a CronJob is one that Kubernetes accepts and that ever comes."""
    schedule = workflow.spec.workload.schedule
    if schedule is None:
        return
    try:
        check_schedule(schedule)
    except ValueError as wrong:
        yield Problem(
            "spec.workload.schedule",
            f"{schedule!r}: {wrong}",
            "schedule must be the five fields of cron; write it like '30 2 * * *'",
        )


def judge_time_zone(workflow: HealthcareWorkflow) -> Iterator[Problem]:
    """Whether the time zone of a schedule exists."""
    zone = workflow.spec.workload.time_zone
    if zone is not None:
        yield from unknown_zone("spec.workload.timeZone", zone)


def judge_endpoint(endpoint: Endpoint, namespace: str, known: Known) -> EndpointVerdict:
    """Whether a declared endpoint may be reached; `namespace` is the workflow's own."""
    peer = endpoint.workflow
    if peer is not None and not _exists(peer, namespace, known):
        return EndpointVerdict(
            endpoint.name,
            EndpointState.CLOSED,
            Reason.PEER_MISSING,
            f"HealthcareWorkflow {_full_name(peer, namespace)} does not exist; the endpoint opens"
            " when it is created",
        )
    return EndpointVerdict(
        endpoint.name, EndpointState.OPEN, Reason.DECLARED, "declared, and open as declared"
    )


def judge_peers(workflow: HealthcareWorkflow, known: Known) -> tuple[str, ...]:
    """Workflows that are named and do not exist, as `namespace/name`."""
    namespace = workflow.metadata.namespace
    peers = chain(
        (one.workflow for one in workflow.spec.network.ingress),
        (one.workflow for one in workflow.spec.endpoints),
    )
    missing = {
        _full_name(peer, namespace)
        for peer in peers
        if peer is not None and not _exists(peer, namespace, known)
    }
    return tuple(sorted(missing))


def _exists(peer: WorkflowPeer, namespace: str, known: Known) -> bool:
    return known(peer.namespace or namespace, peer.name)


def _full_name(peer: WorkflowPeer, namespace: str) -> str:
    return f"{peer.namespace or namespace}/{peer.name}"
