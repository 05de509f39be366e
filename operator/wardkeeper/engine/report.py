# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Tells the outside what a pass found: status, once; events; log lines; numbers for metrics."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from wardkeeper.api.read import read_status
from wardkeeper.api.reasons import ConditionType, Reason
from wardkeeper.api.schema import GROUP, VERSION
from wardkeeper.api.status import ConditionStatus, WorkflowStatus
from wardkeeper.api.workflow import KIND
from wardkeeper.engine.drift import describe_drift
from wardkeeper.engine.outcome import Transient
from wardkeeper.engine.refusal import outcome_of
from wardkeeper.engine.rollout import Progress
from wardkeeper.engine.seen import packed_status
from wardkeeper.engine.status import compose
from wardkeeper.kube.errors import ApiError, Invalid, NotFound
from wardkeeper.kube.resource import Ref, resource_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wardkeeper.api.status import DriftRecord
    from wardkeeper.engine.findings import Findings
    from wardkeeper.engine.seen import Key, Observed
    from wardkeeper.engine.tools import Tools

_log = logging.getLogger(__name__)

QUIET = (
    Reason.CONVERGED,
    Reason.ROLLOUT_IN_PROGRESS,
    Reason.API_UNAVAILABLE,
    Reason.AUDIT_MODE,
    Reason.DELETING,
)
"""Reasons for Ready that are told by status alone."""


class _Untold(NamedTuple):
    """Repairs that a status tells of which was sent, as long as it is not known to have arrived."""

    status: bytes
    repaired: list[DriftRecord]


class Reporter:
    """Reports passes; remembers since when each spec is on its way, and repairs not told yet."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._since: dict[Key, tuple[int, float]] = {}
        self._untold: dict[Key, _Untold] = {}

    def forget(self, key: Key) -> None:
        """The workflow is gone."""
        self._since.pop(key, None)
        self._untold.pop(key, None)
        self._tools.secrets_seen(key, ())

    async def report(self, key: Key, seen: Observed, found: Findings) -> None:
        """Write the status if it differs, post events, count.

        Raises:
            Transient: the status could not be written.
        """
        self._clock_in(key, seen, found.generation)
        if found.supplied is not None:
            self._tools.secrets_seen(key, found.supplied.secrets)
        before = read_status(orjson.loads(seen.status))
        workflow = regarding(key, seen)
        self.tell_of_repairs(key, seen, found)
        sent = self._untold.pop(key, None)
        if sent and sent.status != seen.status:
            found.repaired = [*sent.repaired, *found.repaired]
        status = compose(before, found, self._tools.clock())
        if (packed := packed_status(status)) != seen.stands:
            self._untold[key] = _Untold(packed, found.repaired)
            await self._write(key, seen, status)
            del self._untold[key]
        elif not seen.told:
            self._tools.world.told(key, seen.uid, seen.stands)
        self._tell_of_changes(workflow, before, found, status)
        _log_ready(before, status)
        self._clock_out(key, status)

    def tell_of_repairs(self, key: Key, seen: Observed, found: Findings) -> None:
        """Log, count and post an event for each child that was put back."""
        for record in found.repaired:
            note = describe_drift(record)
            _log.warning("drift was repaired", extra={"what": note})
            self._tools.repaired(record.kind)
            self._tools.tell(
                regarding(key, seen),
                warning=True,
                reason=Reason.DRIFT_REPAIRED,
                action="Repair",
                note=note,
            )

    async def _write(self, key: Key, seen: Observed, status: dict[str, Any]) -> None:
        ops: list[dict[str, Any]] = [
            {"op": "test", "path": "/metadata/uid", "value": seen.uid},
            {"op": "add", "path": "/status", "value": status},
        ]
        self._tools.world.telling(key, seen.uid, status)
        try:
            stored = await self._tools.client.json_patch(
                resource_of(KIND), key.namespace, key.name, ops, subresource="status"
            )
        except NotFound:
            return
        except Invalid as error:
            if error.causes:
                raise outcome_of(error, Ref(KIND, key.namespace, key.name)) from error
            return
        except ApiError as error:
            raise Transient(Reason.API_UNAVAILABLE, f"status: {error.reason}") from error
        self._tools.world.told(key, seen.uid, packed_status(stored.get("status")))
        self._tools.observed("MODIFIED", stored)

    def _tell_of_changes(
        self,
        workflow: dict[str, Any],
        before: WorkflowStatus,
        found: Findings,
        status: dict[str, Any],
    ) -> None:
        """Post an event when a trouble is new; one that stands is told by status."""
        for reason, action, note in (*_troubles(before, found), *_opened(before, status)):
            self._tools.tell(workflow, warning=True, reason=reason, action=action, note=note)
        for one in found.supplied.secrets if found.supplied else ():
            if one.rotated:
                self._tools.tell(
                    workflow,
                    warning=False,
                    reason=Reason.ROTATED,
                    action="Rotate",
                    note=f"secret {one.name} is now version {one.version}",
                )

    def _clock_in(self, key: Key, seen: Observed, generation: int) -> None:
        began = self._since.get(key)
        if began is None or began[0] != generation:
            told = orjson.loads(seen.status).get("observedGeneration", -1)
            since = self._tools.monotonic() if told != generation else -1.0
            self._since[key] = (generation, since)

    def _clock_out(self, key: Key, status: dict[str, Any]) -> None:
        generation, since = self._since[key]
        ready = status["conditions"][0]["status"] == ConditionStatus.TRUE
        if ready and since >= 0:
            self._tools.ready(self._tools.monotonic() - since)
            self._since[key] = (generation, -1.0)


def _troubles(before: WorkflowStatus, found: Findings) -> Iterator[tuple[Reason, str, str]]:
    """Reason, action and note of each trouble that the status before did not tell of."""
    told = {one.type: one.reason for one in before.conditions}
    stop, rollout = found.stop, found.rollout
    if stop and stop.reason not in (*QUIET, told.get(ConditionType.READY)):
        yield stop.reason, "Reconcile", stop.message
    if found.isolated and told.get(ConditionType.READY) != Reason.QUARANTINED:
        yield Reason.QUARANTINED, "Quarantine", f"cut off: {found.quarantine}"
    for what, why in found.isolated.left_out.items() if found.isolated else ():
        yield Reason.QUARANTINED, "Quarantine", f"{what} cannot be cut off: {why}"
    known = (*QUIET, told.get(ConditionType.WORKLOAD_AVAILABLE))
    if rollout and rollout.progress is not Progress.READY and rollout.reason not in known:
        yield rollout.reason, "RollOut", rollout.message
    missing = found.verdict.missing_peers if found.verdict else ()
    if missing and told.get(ConditionType.ADMITTED) != Reason.PEER_MISSING:
        note = f"no HealthcareWorkflow {', '.join(missing)}; the network stays closed to it"
        yield Reason.PEER_MISSING, "Judge", note
    for one in found.supplied.secrets if found.supplied else ():
        if one.reason and told.get(ConditionType.SECRETS_CURRENT) != one.reason:
            yield one.reason, "Supply", f"secret {one.name}: {one.message}"


def _opened(before: WorkflowStatus, status: dict[str, Any]) -> Iterator[tuple[Reason, str, str]]:
    """The same for a network that others have opened; status says who."""
    kind, reason = ConditionType.NETWORK_CLOSED, Reason.OPENED_BY_OTHERS
    if any((one.type, one.reason) == (kind, reason) for one in before.conditions):
        return
    for one in status["conditions"]:
        if (one["type"], one["reason"]) == (kind, reason):
            yield reason, "Judge", one["message"]


def _log_ready(before: WorkflowStatus, status: dict[str, Any]) -> None:
    """A line whenever the workflow becomes ready, or is not for another reason than before."""
    was = next((one.reason for one in before.conditions if one.type == ConditionType.READY), None)
    now = status["conditions"][0]
    if now["reason"] != was:
        level = logging.INFO if now["status"] == ConditionStatus.TRUE else logging.WARNING
        level = logging.INFO if now["reason"] in QUIET else level
        told = {"ready": now["status"], "reason": now["reason"], "why": now["message"]}
        _log.log(level, "the workflow has come to another state", extra=told)


def regarding(key: Key, seen: Observed) -> dict[str, Any]:
    """What an event about a workflow refers to."""
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": KIND,
        "name": key.name,
        "namespace": key.namespace,
        "uid": seen.uid,
    }
