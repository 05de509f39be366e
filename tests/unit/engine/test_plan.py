# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What is to be done, in which order, and what must never be touched."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.engine.objects import UID, child
from wardkeeper.engine.plan import Action, Live, Plan, fingerprint, plan
from wardkeeper.kube.resource import Ref, ref_of

OURS = {"manager": "wardkeeper", "operation": "Apply", "fieldsV1": {}}


def wanted(kind: str, name: str = "router", **rest: Any) -> dict[str, Any]:
    made = child(kind, name, **rest)
    for key in ("uid", "resourceVersion"):
        del made["metadata"][key]
    return made


def live(obj: dict[str, Any], *, owner: str = UID, read: bool = True, **changed: Any) -> Any:
    body = {**obj, **changed, "metadata": {**obj["metadata"], "managedFields": [OURS]}}
    return ref_of(obj), Live("uid", owner, 7, body if read else None)


GUARDS = [
    wanted("ServiceAccount"),
    wanted("NetworkPolicy", "router-deny", spec={"a": 1}),
    wanted("Role", rules=[]),
]
WORKLOAD = wanted("Deployment", spec={"replicas": 2})


def names(changes: Any) -> list[tuple[str, str]]:
    return [(str(one.action), one.ref.kind) for one in changes]


def make(lives: list[Any], guards: Any = GUARDS, workload: Any = WORKLOAD) -> Plan:
    return plan(guards, workload, dict(lives), owner=UID)


def test_what_is_missing_is_created_guards_in_their_order_and_the_workload_last() -> None:
    todo = make([])
    assert names(todo.guards) == [
        ("create", "ServiceAccount"),
        ("create", "NetworkPolicy"),
        ("create", "Role"),
    ]
    assert todo.workload is not None
    assert todo.workload.action is Action.CREATE
    assert todo.changes[-1] is todo.workload


def test_what_is_as_wanted_is_left_alone_and_named() -> None:
    todo = make([live(one) for one in (*GUARDS, WORKLOAD)])
    assert todo.changes == ()
    assert set(todo.equal) == {ref_of(one) for one in (*GUARDS, WORKLOAD)}


def test_what_is_known_to_be_as_wanted_is_not_even_compared() -> None:
    todo = make([live(one, read=False) for one in (*GUARDS, WORKLOAD)])
    assert todo.changes == ()
    assert todo.equal == ()


def test_what_differs_is_repaired() -> None:
    todo = make([live(one) for one in GUARDS] + [live(WORKLOAD, spec={"replicas": 0})])
    assert names(todo.changes) == [("repair", "Deployment")]
    assert todo.workload is not None
    assert todo.workload.comparison is not None


@pytest.mark.parametrize("owner", ["", "uid-of-somebody-else"])
@pytest.mark.parametrize("read", [True, False])
def test_what_is_not_ours_is_refused_and_never_changed(owner: str, read: bool) -> None:
    strange = [live(one, owner=owner, read=read) for one in (*GUARDS, WORKLOAD)]
    todo = make(strange)
    assert todo.changes == ()
    assert len(todo.refused) == 4


def test_what_nobody_wants_is_deleted_last() -> None:
    service, old = live(wanted("Service")), live(wanted("CronJob"), read=False)
    todo = make([service, old])
    assert names(todo.changes)[-3:] == [
        ("create", "Deployment"),
        ("delete", "Service"),
        ("delete", "CronJob"),
    ]
    assert all(one.live and one.live.uid == "uid" for one in todo.obsolete)


def test_strangers_and_secrets_are_never_deleted() -> None:
    todo = make([live(wanted("Service"), owner="other"), live(wanted("Secret", "router-db"))])
    assert todo.obsolete == ()


def test_a_workload_that_must_stay_for_now_is_not_obsolete() -> None:
    todo = make([live(WORKLOAD), live(wanted("Service"))], workload=None)
    assert names(todo.obsolete) == [("delete", "Service")]
    assert todo.workload is None


@pytest.mark.parametrize(
    ("spec", "action"),
    [
        ({"template": {"a": 2}, "backoffLimit": 1}, Action.REPLACE),
        ({"template": {"a": 1}, "backoffLimit": 2}, Action.REPAIR),
    ],
)
def test_a_job_is_replaced_when_what_cannot_be_changed_differs(
    spec: dict[str, Any], action: Action
) -> None:
    job = wanted("Job", spec={"template": {"a": 1}, "backoffLimit": 1})
    todo = make([live(job, spec=spec)], guards=(), workload=job)
    assert todo.workload is not None
    assert todo.workload.action is action


def test_fingerprints_tell_wanted_objects_apart_whatever_the_order_of_keys() -> None:
    one = {"kind": "Role", "rules": [{"a": 1, "b": 2}]}
    assert fingerprint(one) == fingerprint({"rules": [{"b": 2, "a": 1}], "kind": "Role"})
    assert fingerprint(one) != fingerprint({"kind": "Role", "rules": []})
    assert fingerprint({}) != 0


def test_a_change_names_its_object() -> None:
    assert make([]).guards[0].ref == Ref("ServiceAccount", "radiology", "router")


@pytest.mark.parametrize(
    ("kind", "made", "found"),
    [
        ("RoleBinding", {"roleRef": {"name": "router"}}, {"roleRef": {"name": "admin"}}),
        (
            "Deployment",
            {"spec": {"selector": {"matchLabels": {"a": "b"}}}},
            {"spec": {"selector": {"matchLabels": {"a": "c"}}}},
        ),
    ],
)
def test_what_nobody_can_change_is_replaced(
    kind: str, made: dict[str, Any], found: dict[str, Any]
) -> None:
    obj = wanted(kind, **made)
    todo = make([live(obj, **found)], [obj], WORKLOAD)
    (change, *_) = todo.guards
    assert change.action is Action.REPLACE


def test_what_is_going_already_is_not_deleted_again() -> None:
    ref, found = live(wanted("Service"))
    todo = make([(ref, replace(found, leaving=True))], [], WORKLOAD)
    assert todo.obsolete == ()
