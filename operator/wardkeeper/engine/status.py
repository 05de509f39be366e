# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The status of a workflow, computed once from what a pass found. Pure.

Ready=True for a generation says: at that generation every guard was seen in place, the workload
has rolled out and the secrets are current. Everything else is Ready=False with a reason. The
shapes are those that kstatus reads: Reconciling and Stalled exist only while they are true.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wardkeeper.api.reasons import ConditionType, Reason
from wardkeeper.api.status import (
    Condition,
    ConditionStatus,
    Drift,
    EndpointState,
    EndpointStatus,
    Revision,
    SecretStatus,
    WorkflowStatus,
)
from wardkeeper.engine.enforcement import Enforced
from wardkeeper.engine.network import NOT_CLOSED, as_told, judge_network
from wardkeeper.engine.outcome import Terminal
from wardkeeper.engine.rollout import Progress
from wardkeeper.policy.opening import describe_openers
from wardkeeper.rotation.record import write_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from wardkeeper.engine.findings import Findings
    from wardkeeper.engine.secrets.job import SecretOutcome

_LONGEST_MESSAGE = 1024
_TRUE, _FALSE, _UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN
_Told = tuple[ConditionType, ConditionStatus, Reason, str]


def compose(before: WorkflowStatus, found: Findings, now: datetime) -> dict[str, Any]:
    """The status as JSON; equal to `before` when nothing that is told has changed."""
    if found.enforcement.enforced is Enforced.PENDING:
        found = replace(found, enforcement=as_told(before, found.enforcement))
    secrets = _secrets(before, found)
    endpoints = _endpoints(before, found)
    status = WorkflowStatus(
        observed_generation=found.generation,
        conditions=tuple(_stamped(before, found, write_time(now))),
        revision=_revision(found),
        endpoints=endpoints,
        secrets=secrets,
        drift=_drift(before, found),
        last_handled_reconcile_at=found.reconcile_at,
        last_handled_rotate_now=found.rotate_now,
        endpoints_summary=_summary(endpoints),
        next_rotation=min((one.due_at for one in secrets if one.due_at), default=None),
    )
    told = status.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    return {**told, "observedGeneration": found.generation}


def _stamped(before: WorkflowStatus, found: Findings, now: str) -> Iterator[Condition]:
    past = {one.type: one for one in before.conditions}
    for kind, status, reason, message in _conditions(found):
        old = past.get(kind)
        since = old.last_transition_time if old and old.status is status else now
        yield Condition(
            type=kind,
            status=status,
            reason=reason,
            message=message[:_LONGEST_MESSAGE],
            observed_generation=found.generation,
            last_transition_time=since,
        )


def _conditions(found: Findings) -> Iterator[_Told]:
    status, reason, message = _ready(found)
    yield ConditionType.READY, status, reason, message
    if status is not _TRUE:
        stalled = reason in NOT_CLOSED or _is_stalled(found)
        kind = ConditionType.STALLED if stalled else ConditionType.RECONCILING
        yield kind, _TRUE, reason, message
    yield _admitted(found)
    yield (ConditionType.NETWORK_CLOSED, *judge_network(found))
    yield _secrets_current(found)
    yield _workload(found)


def _ready(found: Findings) -> tuple[ConditionStatus, Reason, str]:
    if found.stop:
        return _FALSE, found.stop.reason, found.stop.message
    if found.quarantine:
        opened = f"; the network is {describe_openers(found.opened)}" if found.opened else ""
        return _FALSE, Reason.QUARANTINED, f"{_quarantined(found)}{opened}"
    if found.would is not None and (found.would.changes or found.would.refused):
        steps = (*found.would.changes, *found.would.refused)
        todo = ", ".join(f"{c.action} {c.ref.kind} {c.ref.name}" for c in steps[:8])
        return _FALSE, Reason.WOULD_CHANGE, f"mode is Audit, nothing was done; would {todo}"
    for one in found.supplied.secrets if found.supplied else ():
        if one.reason:
            return _FALSE, one.reason, f"secret {one.name}: {one.message}"
    network = judge_network(found)
    if not found.guards_in_place or network.reason in NOT_CLOSED:
        return _FALSE, network.reason, network.message
    if found.rollout is None or found.rollout.progress is not Progress.READY:
        reason = found.rollout.reason if found.rollout else Reason.ROLLOUT_IN_PROGRESS
        text = found.rollout.message if found.rollout else "the workload is not there yet"
        return _FALSE, reason, text
    if found.would is not None:
        return _TRUE, Reason.AUDIT_MODE, "mode is Audit; everything is as it would be made"
    return _TRUE, Reason.CONVERGED, f"guards are in place and {found.rollout.message}"


def _quarantined(found: Findings) -> str:
    """Why, and how far it has come."""
    why, isolated = f"cut off: {found.quarantine}", found.isolated
    if isolated is None:
        return why
    if isolated.done:
        return f"{why}; nothing that Kubernetes or Vault gave to it is of use any more"
    left = "; ".join(f"{what}: {reason}" for what, reason in isolated.left.items())
    return f"{why}; network, rights and identity are closed, and this is not done yet: {left}"


def _is_stalled(found: Findings) -> bool:
    if found.stop:
        return isinstance(found.stop, Terminal)
    if found.quarantine:
        return found.isolated is not None and found.isolated.done
    return found.rollout is not None and found.rollout.progress is Progress.STUCK


def _admitted(found: Findings) -> _Told:
    kind = ConditionType.ADMITTED
    if found.stop and found.stop.reason is Reason.SPEC_INVALID:
        return kind, _FALSE, Reason.SPEC_INVALID, found.stop.message
    if found.verdict is None:
        return kind, _UNKNOWN, found.stop.reason if found.stop else Reason.SPEC_INVALID, ""
    missing = found.verdict.missing_peers
    if missing:
        return (
            kind,
            _TRUE,
            Reason.PEER_MISSING,
            f"the network stays closed to {', '.join(missing)} until these workflows exist",
        )
    return kind, _TRUE, Reason.CONVERGED, "the spec can be carried out"


def _secrets_current(found: Findings) -> _Told:
    kind = ConditionType.SECRETS_CURRENT
    if found.isolated is not None:
        return kind, _FALSE, Reason.QUARANTINED, _quarantined(found)
    if found.supplied is None:
        return kind, _UNKNOWN, Reason.SECRETS_CURRENT, "secrets were not looked at"
    if not found.supplied.secrets:
        return kind, _TRUE, Reason.NO_SECRETS, "the workflow declares no secrets"
    for one in found.supplied.secrets:
        if one.reason:
            return kind, _FALSE, one.reason, f"secret {one.name}: {one.message}"
    advice = "".join(
        f"; secret {one.name}: {one.advice}" for one in found.supplied.secrets if one.advice
    )
    words = f"every secret is delivered and within its age{advice}"
    return kind, _TRUE, Reason.SECRETS_CURRENT, words


def _workload(found: Findings) -> _Told:
    kind = ConditionType.WORKLOAD_AVAILABLE
    if found.rollout is None:
        return kind, _FALSE, Reason.ROLLOUT_IN_PROGRESS, "the workload is not there yet"
    status = _TRUE if found.rollout.progress is Progress.READY else _FALSE
    return kind, status, found.rollout.reason, found.rollout.message


def _revision(found: Findings) -> Revision:
    pending = found.digest if found.running != found.digest else None
    return Revision(running=found.running, pending=pending)


def _endpoints(before: WorkflowStatus, found: Findings) -> tuple[EndpointStatus, ...]:
    if found.verdict is None or found.verdict.problems:
        return before.endpoints
    return tuple(
        EndpointStatus(name=one.name, state=one.state, reason=one.reason)
        for one in found.verdict.endpoints
    )


def _summary(endpoints: tuple[EndpointStatus, ...]) -> str | None:
    if not endpoints:
        return None
    opened = sum(one.state is EndpointState.OPEN for one in endpoints)
    return f"{opened}/{len(endpoints)}"


def _secrets(before: WorkflowStatus, found: Findings) -> tuple[SecretStatus, ...]:
    if found.supplied is None:
        return before.secrets
    return tuple(_secret(one) for one in found.supplied.secrets)


def _secret(one: SecretOutcome) -> SecretStatus:
    return SecretStatus(
        name=one.name,
        engine=one.engine,
        phase=one.phase,
        version=one.version,
        rotated_at=write_time(one.rotated_at) if one.rotated_at else None,
        due_at=write_time(one.due_at) if one.due_at else None,
        deadline=write_time(one.deadline) if one.deadline else None,
        expires_at=write_time(one.expires_at) if one.expires_at else None,
        waits_for=one.waits_for or None,
    )


def _drift(before: WorkflowStatus, found: Findings) -> Drift | None:
    if not found.repaired:
        return before.drift
    count = (before.drift.repaired if before.drift else 0) + len(found.repaired)
    return Drift(repaired=count, last=found.repaired[-1])
