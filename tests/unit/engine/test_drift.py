# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Which repairs undo somebody's doing, and how that is told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.engine.objects import UID, child
from wardkeeper.engine.compare import Comparison, Difference
from wardkeeper.engine.drift import describe_drift, drift_of
from wardkeeper.engine.plan import Action, Change, Live, fingerprint
from wardkeeper.kube.resource import Ref

AT = "2026-01-01T00:00:00Z"
ROLE = Ref("Role", "radiology", "router")
WISH = child(rules=[])
OTHER_WISH = child(rules=["other"])


def entry(manager: str, time: str, subresource: str = "") -> dict[str, Any]:
    made = {"manager": manager, "time": time, "operation": "Update", "fieldsV1": {}}
    return {**made, "subresource": subresource} if subresource else made


def repair(
    *differences: Difference,
    was: int = 0,
    foreign: bool = False,
    entries: tuple[dict[str, Any], ...] = (),
) -> Change:
    body = {"metadata": {"managedFields": [entry("wardkeeper", "2026-01-01T00:00:05Z"), *entries]}}
    comparison = Comparison(True, (("spec",),) if foreign else (), differences)
    return Change(Action.REPAIR, ROLE, WISH, Live("uid", UID, 7, body, was), comparison)


REMOVED = Difference("rules", "unknown")
EDITED = Difference("rules", "kubectl-edit")
EVE = entry("eve", "2026-01-01T00:00:09Z")
EARLIER = entry("eve", "2026-01-01T00:00:01Z")
CONTROLLER = entry("kube-controller-manager", "2026-01-01T00:00:09Z")
SCALER = entry("autoscaler", "2026-01-01T00:00:09Z", "scale")
SAME, ANOTHER = fingerprint(WISH), fingerprint(OTHER_WISH)


@pytest.mark.parametrize(
    ("change", "settled", "manager"),
    [
        (repair(EDITED), True, "kubectl-edit"),
        (repair(EDITED), False, "kubectl-edit"),
        (repair(REMOVED, EDITED), False, "kubectl-edit"),
        (repair(REMOVED, was=SAME), True, "unknown"),
        (repair(REMOVED, was=SAME), False, "unknown"),
        (repair(REMOVED, was=SAME, entries=(EVE,)), True, "eve"),
        (repair(REMOVED, was=ANOTHER, entries=(EVE,)), True, None),
        (repair(REMOVED, was=ANOTHER), True, None),
        (repair(REMOVED, entries=(EVE,)), True, "eve"),
        (repair(REMOVED, entries=(EARLIER,)), True, None),
        (repair(REMOVED, entries=(CONTROLLER, SCALER)), True, None),
        (repair(REMOVED, entries=(EVE,)), False, None),
        (repair(REMOVED), True, None),
        (repair(REMOVED, foreign=True), True, "unknown"),
    ],
)
def test_a_repair_is_drift_when_somebody_else_made_it_necessary(
    change: Change, settled: bool, manager: str | None
) -> None:
    record = drift_of(change, lost=(), settled=settled, now=AT)
    assert (record.manager if record else None) == manager


@pytest.mark.parametrize(
    ("lost", "settled", "told"),
    [((ROLE,), False, True), ((), True, True), ((), False, False)],
)
def test_a_missing_child_is_drift_when_it_was_there_before(
    lost: tuple[Ref, ...], settled: bool, told: bool
) -> None:
    create = Change(Action.CREATE, ROLE, WISH)
    record = drift_of(create, lost=lost, settled=settled, now=AT)
    assert (record is not None) is told


def test_a_replacement_is_drift_when_somebody_else_made_it_necessary() -> None:
    live = Live("uid", UID, 7, {})
    change = Change(Action.REPLACE, ROLE, WISH, live, Comparison(True, (), (EDITED,)))
    record = drift_of(change, lost=(), settled=True, now=AT)
    assert record is not None
    assert record.manager == EDITED.manager
    ours = Change(Action.REPLACE, ROLE, WISH, live, Comparison(True, (), (REMOVED,)))
    assert drift_of(ours, lost=(), settled=False, now=AT) is None


@pytest.mark.parametrize("action", [Action.DELETE, Action.REFUSE])
def test_what_the_workflow_asked_for_is_no_drift(action: Action) -> None:
    change = Change(action, ROLE, WISH, Live("uid", UID, 7, {}), Comparison(True, (), (EDITED,)))
    assert drift_of(change, lost=(ROLE,), settled=True, now=AT) is None


def test_a_record_names_what_where_and_who_and_stays_within_the_schema() -> None:
    many = tuple(Difference(f"spec.{'x' * 400}{number}", "eve") for number in range(40))
    record = drift_of(repair(*many), lost=(), settled=True, now=AT)
    assert record is not None
    assert (record.kind, record.name, record.at) == ("Role", "router", AT)
    assert len(record.fields) <= 16
    assert max(len(field) for field in record.fields) <= 256


def test_an_event_says_it_in_one_sentence() -> None:
    edited = drift_of(repair(EDITED), lost=(), settled=True, now=AT)
    assert edited is not None
    assert describe_drift(edited) == "Role router: rules changed by kubectl-edit; put back"
    gone = drift_of(Change(Action.CREATE, ROLE, WISH), lost=(ROLE,), settled=True, now=AT)
    assert gone is not None
    assert describe_drift(gone) == "Role router was deleted; it was made again"
