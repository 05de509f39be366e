# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What status says of what a pass found; Ready is never True while anything is open."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardkeeper.api.asked import asked
from wardkeeper.api.reasons import Reason
from wardkeeper.api.status import DriftRecord, EndpointState, WorkflowStatus
from wardkeeper.engine.enforcement import Enforced, Enforcement
from wardkeeper.engine.findings import Findings
from wardkeeper.engine.outcome import Terminal, Transient
from wardkeeper.engine.plan import Action, Change, Plan
from wardkeeper.engine.rollout import Progress, Rollout
from wardkeeper.engine.secrets.job import SecretOutcome, Supplied
from wardkeeper.engine.secrets.quarantine import Isolated
from wardkeeper.engine.status import compose
from wardkeeper.kube.resource import Ref
from wardkeeper.policy.opening import Opener
from wardkeeper.policy.verdict import EndpointVerdict, Verdict
from wardkeeper.rotation.facts import Phase

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
NEW = WorkflowStatus()
ROLE = Ref("Role", "radiology", "router")
DONE = Rollout(Progress.READY, Reason.AVAILABLE, "2 pods are updated and available")
MOVING = Rollout(Progress.MOVING, Reason.ROLLOUT_IN_PROGRESS, "waits")
STUCK = Rollout(Progress.STUCK, Reason.ROLLOUT_STUCK, "given up")
SEALED = SecretOutcome(
    "db", phase=Phase.DEGRADED, reason=Reason.VAULT_UNAVAILABLE, message="Vault is sealed"
)
NOTHING = Plan((), None, (), (), ())
WOULD = Plan((Change(Action.CREATE, ROLE),), None, (), (), ())
REFUSED = Plan((), None, (), (Change(Action.REFUSE, ROLE),), ())


def found(**parts: Any) -> Findings:
    """A pass that found everything in place."""
    good: dict[str, Any] = {
        "generation": 3,
        "digest": "sha256:a",
        "running": "sha256:a",
        "verdict": Verdict(),
        "guards_in_place": True,
        "supplied": Supplied(()),
        "rollout": DONE,
    }
    return Findings(**{**good, **parts})


def told(status: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {one["type"]: (one["status"], one["reason"]) for one in status["conditions"]}


def test_a_pass_that_found_everything_in_place_is_ready() -> None:
    assert told(compose(NEW, found(), NOW)) == {
        "Ready": ("True", "Converged"),
        "Admitted": ("True", "Converged"),
        "NetworkClosed": ("True", "PoliciesInPlace"),
        "SecretsCurrent": ("True", "NoSecrets"),
        "WorkloadAvailable": ("True", "Available"),
    }


@pytest.mark.parametrize(
    ("enforcement", "closed", "ready"),
    [
        (Enforcement(), ("True", "PoliciesInPlace"), ("True", "Converged")),
        (Enforcement(Enforced.YES), ("True", "PoliciesEnforced"), ("True", "Converged")),
        (
            Enforcement(Enforced.NO, "it reached a port"),
            ("False", "PoliciesNotEnforced"),
            ("False", "PoliciesNotEnforced"),
        ),
        (
            Enforcement(Enforced.UNKNOWN, "no answer"),
            ("Unknown", "CanaryUnavailable"),
            ("True", "Converged"),
        ),
        (
            Enforcement(Enforced.PENDING, "not asked yet"),
            ("Unknown", "CanaryUnavailable"),
            ("True", "Converged"),
        ),
    ],
)
def test_a_network_is_closed_only_as_far_as_the_canary_has_not_found_it_open(
    enforcement: Enforcement, closed: tuple[str, str], ready: tuple[str, str]
) -> None:
    seen = told(compose(NEW, found(enforcement=enforcement), NOW))
    assert (seen["NetworkClosed"], seen["Ready"]) == (closed, ready)
    assert ("Stalled" in seen) is (enforcement.enforced is Enforced.NO)


@pytest.mark.parametrize(
    ("parts", "shape", "reason"),
    [
        ({"supplied": Supplied((SEALED,))}, "Reconciling", "VaultUnavailable"),
        ({"guards_in_place": False}, "Reconciling", "PoliciesMissing"),
        ({"quarantine": "SEC-1"}, "Reconciling", "Quarantined"),
        ({"would": WOULD}, "Reconciling", "WouldChange"),
        ({"rollout": MOVING}, "Stalled", "PoliciesNotEnforced"),
    ],
)
def test_an_open_network_stalls_what_it_is_the_reason_for_and_nothing_else(
    parts: dict[str, Any], shape: str, reason: str
) -> None:
    status = compose(NEW, found(enforcement=Enforcement(Enforced.NO, "open"), **parts), NOW)
    assert told(status)[shape] == ("True", reason)


@pytest.mark.parametrize(
    ("parts", "closed", "ready"),
    [
        ({}, "OpenedByOthers", "OpenedByOthers"),
        ({"enforcement": Enforcement(Enforced.YES)}, "OpenedByOthers", "OpenedByOthers"),
        ({"enforcement": Enforcement(Enforced.UNKNOWN, "?")}, "OpenedByOthers", "OpenedByOthers"),
        ({"enforcement": Enforcement(Enforced.NO, "x")}, "PoliciesNotEnforced", None),
        ({"rollout": MOVING}, "OpenedByOthers", "OpenedByOthers"),
        ({"would": NOTHING}, "OpenedByOthers", "OpenedByOthers"),
        ({"would": WOULD}, "OpenedByOthers", "WouldChange"),
        ({"supplied": Supplied((SEALED,))}, "OpenedByOthers", "VaultUnavailable"),
        ({"stop": Terminal(Reason.SPEC_INVALID, "x")}, "OpenedByOthers", "SpecInvalid"),
        ({"quarantine": "SEC-1", "isolated": Isolated()}, "OpenedByOthers", "Quarantined"),
        ({"guards_in_place": False}, "PoliciesMissing", "PoliciesMissing"),
    ],
)
def test_a_network_that_others_have_opened_is_not_closed_whatever_else_is_so(
    parts: dict[str, Any], closed: str, ready: str | None
) -> None:
    opened = (Opener("allow-all", ingress=True, egress=False),)
    status = compose(NEW, found(opened=opened, **parts), NOW)
    seen = told(status)
    assert seen["NetworkClosed"][1] == closed
    assert seen["NetworkClosed"][0] == ("Unknown" if closed == "PoliciesMissing" else "False")
    assert seen["Ready"] == ("False", ready or closed)
    assert ("Stalled" in seen) is (seen["Ready"][1] not in _WAITS)
    if closed == "OpenedByOthers" and ready in (closed, "Quarantined"):
        assert "allow-all (ingress)" in status["conditions"][0]["message"]


_WAITS = ("WouldChange", "VaultUnavailable", "PoliciesMissing")


@pytest.mark.parametrize(
    "before",
    [
        Enforcement(Enforced.YES),
        Enforcement(Enforced.NO, "it reached a port"),
        Enforcement(Enforced.UNKNOWN, "no answer"),
    ],
)
def test_what_the_canary_found_is_told_on_until_a_new_operator_has_asked_it(
    before: Enforcement,
) -> None:
    status = compose(NEW, found(enforcement=before), NOW)
    pending = Enforcement(Enforced.PENDING, "not asked yet")
    stood = WorkflowStatus.model_validate(status)
    assert compose(stood, found(enforcement=pending), LATER) == status


@pytest.mark.parametrize(
    ("isolated", "shape", "words"),
    [
        (None, "Reconciling", "cut off: SEC-1"),
        (Isolated({"auth roles": "Vault is sealed"}), "Reconciling", "auth roles: Vault is sealed"),
        (Isolated(), "Stalled", "of use any more"),
    ],
)
def test_a_quarantine_is_no_end_until_vault_has_taken_everything_back(
    isolated: Isolated | None, shape: str, words: str
) -> None:
    status = compose(NEW, found(quarantine="SEC-1", isolated=isolated), NOW)
    conditions = {one["type"]: one for one in status["conditions"]}
    assert told(status)["Ready"] == ("False", "Quarantined")
    assert conditions[shape]["reason"] == "Quarantined"
    assert words in conditions[shape]["message"]
    assert told(status)["NetworkClosed"] == ("True", "Quarantined")
    assert told(status)["WorkloadAvailable"] == ("True", "Available")


@pytest.mark.parametrize(
    ("parts", "ready", "shape"),
    [
        ({"stop": Terminal(Reason.NAME_TAKEN, "x")}, "NameTaken", "Stalled"),
        ({"stop": Terminal(Reason.SPEC_INVALID, "x")}, "SpecInvalid", "Stalled"),
        ({"stop": Terminal(Reason.ACCESS_REFUSED, "x")}, "AccessRefused", "Stalled"),
        ({"stop": Transient(Reason.API_UNAVAILABLE, "x")}, "ApiUnavailable", "Reconciling"),
        ({"stop": Transient(Reason.QUOTA_EXCEEDED, "x")}, "QuotaExceeded", "Reconciling"),
        ({"rollout": MOVING}, "RolloutInProgress", "Reconciling"),
        ({"rollout": None}, "RolloutInProgress", "Reconciling"),
        ({"rollout": STUCK}, "RolloutStuck", "Stalled"),
        ({"supplied": Supplied((SEALED,))}, "VaultUnavailable", "Reconciling"),
        ({"guards_in_place": False}, "PoliciesMissing", "Reconciling"),
        ({"would": WOULD}, "WouldChange", "Reconciling"),
        ({"would": REFUSED}, "WouldChange", "Reconciling"),
        ({"would": NOTHING, "rollout": MOVING}, "RolloutInProgress", "Reconciling"),
    ],
)
def test_what_is_open_is_told_in_the_shapes_that_kstatus_reads(
    parts: dict[str, Any], ready: str, shape: str
) -> None:
    conditions = told(compose(NEW, found(**parts), NOW))
    assert conditions["Ready"] == ("False", ready)
    assert conditions[shape] == ("True", ready)
    assert {"Stalled", "Reconciling"} - {shape} - set(conditions)


@given(
    stop=st.sampled_from(
        [None, Terminal(Reason.NAME_TAKEN, "x"), Transient(Reason.API_UNAVAILABLE, "x")]
    ),
    rollout=st.sampled_from([None, DONE, MOVING, STUCK]),
    guards=st.booleans(),
    supplied=st.sampled_from([None, Supplied(()), Supplied((SEALED,))]),
    would=st.sampled_from([None, NOTHING, WOULD, REFUSED]),
)
def test_ready_is_never_true_while_anything_is_open(
    stop: Any, rollout: Any, guards: bool, supplied: Any, would: Any
) -> None:
    parts = {"stop": stop, "rollout": rollout, "guards_in_place": guards}
    status = compose(NEW, found(**parts, supplied=supplied, would=would), NOW)
    conditions = told(status)
    closed = (
        stop is None
        and rollout is DONE
        and guards
        and supplied != Supplied((SEALED,))
        and would in (None, NOTHING)
    )
    assert (conditions["Ready"][0] == "True") is closed
    shapes = {"Stalled", "Reconciling"} & set(conditions)
    assert len(shapes) == (0 if closed else 1)
    if closed:
        assert conditions["NetworkClosed"][0] == "True"
        assert conditions["WorkloadAvailable"][0] == "True"


def test_a_status_speaks_of_the_generation_that_was_looked_at() -> None:
    status = compose(NEW, found(generation=8), NOW)
    assert status["observedGeneration"] == 8
    assert {one["observedGeneration"] for one in status["conditions"]} == {8}


def test_a_status_is_the_same_when_nothing_that_it_tells_has_changed() -> None:
    first = compose(NEW, found(), NOW)
    assert compose(WorkflowStatus.model_validate(first), found(), LATER) == first


def test_a_transition_time_moves_with_the_status_only() -> None:
    before = WorkflowStatus.model_validate(compose(NEW, found(rollout=MOVING), NOW))
    worse = compose(before, found(rollout=STUCK), LATER)
    times = {one["type"]: one["lastTransitionTime"] for one in worse["conditions"]}
    assert times["Ready"] == "2026-01-01T00:00:00Z"
    assert times["Stalled"] == "2026-01-01T01:00:00Z"
    better = compose(before, found(), LATER)
    times = {one["type"]: one["lastTransitionTime"] for one in better["conditions"]}
    assert times["Ready"] == "2026-01-01T01:00:00Z"
    assert times["Admitted"] == "2026-01-01T00:00:00Z"


def test_a_spec_that_waits_is_pending_beside_the_one_that_runs() -> None:
    status = compose(NEW, found(running="sha256:old"), NOW)
    assert status["revision"] == {"running": "sha256:old", "pending": "sha256:a"}
    assert compose(NEW, found(), NOW)["revision"] == {"running": "sha256:a"}


def test_endpoints_are_told_and_counted() -> None:
    verdict = Verdict(
        endpoints=(
            EndpointVerdict("a", EndpointState.OPEN, Reason.DECLARED, ""),
            EndpointVerdict("b", EndpointState.CLOSED, Reason.PEER_MISSING, ""),
        ),
        missing_peers=("x/b",),
    )
    status = compose(NEW, found(verdict=verdict), NOW)
    assert [(one["name"], one["state"]) for one in status["endpoints"]] == [
        ("a", "Open"),
        ("b", "Closed"),
    ]
    assert status["endpointsSummary"] == "1/2"
    assert told(status)["Admitted"] == ("True", "PeerMissing")


def test_what_a_pass_did_not_get_to_stays_as_it_was_told() -> None:
    rich = found(
        verdict=Verdict(endpoints=(EndpointVerdict("a", EndpointState.OPEN, Reason.DECLARED, ""),)),
        supplied=Supplied((SecretOutcome("db", version="4"),)),
    )
    before = WorkflowStatus.model_validate(compose(NEW, rich, NOW))
    stopped = found(
        verdict=None, supplied=None, stop=Terminal(Reason.SPEC_INVALID, "x"), rollout=None
    )
    after = compose(before, stopped, LATER)
    assert after["secrets"][0]["version"] == "4"
    assert after["endpoints"][0]["name"] == "a"
    assert told(after)["SecretsCurrent"][0] == "Unknown"
    assert told(after)["Admitted"] == ("False", "SpecInvalid")


def test_repairs_add_up_and_the_last_one_is_told() -> None:
    record = DriftRecord(
        kind="Role", name="r", fields=("rules",), manager="x", at="2026-01-01T00:00:00Z"
    )
    once = compose(NEW, found(repaired=[record]), NOW)
    assert once["drift"]["repaired"] == 1
    other = record.model_copy(update={"kind": "Service"})
    twice = compose(WorkflowStatus.model_validate(once), found(repaired=[record, other]), NOW)
    assert twice["drift"]["repaired"] == 3
    assert twice["drift"]["last"]["kind"] == "Service"
    quiet = compose(WorkflowStatus.model_validate(twice), found(), NOW)
    assert quiet["drift"] == twice["drift"]


def test_the_next_rotation_is_the_earliest() -> None:
    secrets = tuple(
        SecretOutcome(name, version="1", rotated_at=NOW, due_at=NOW + timedelta(days=days))
        for name, days in (("a", 3), ("b", 1), ("c", 2))
    )
    status = compose(NEW, found(supplied=Supplied(secrets)), NOW)
    assert status["nextRotation"] == "2026-01-02T00:00:00Z"


def test_long_messages_are_cut_to_what_the_schema_allows() -> None:
    status = compose(NEW, found(stop=Terminal(Reason.NAME_TAKEN, "x" * 5000)), NOW)
    assert max(len(one["message"]) for one in status["conditions"]) == 1024
    WorkflowStatus.model_validate(status)


def test_echoes_of_annotations_are_repeated() -> None:
    status = compose(NEW, found(reconcile_at="1", rotate_now="db@2"), NOW)
    assert (status["lastHandledReconcileAt"], status["lastHandledRotateNow"]) == ("1", "db@2")


def test_what_is_asked_for_is_echoed_however_long_its_annotation_is() -> None:
    longest = {"ask": "x" * 262_144}  # what Kubernetes takes
    wanted = asked(longest, "ask")
    status = compose(NEW, found(reconcile_at=wanted, rotate_now=wanted), NOW)
    assert status["lastHandledReconcileAt"] == status["lastHandledRotateNow"] == wanted
    assert asked(longest, "other") is None


def test_a_secret_without_reason_leaves_ready_alone() -> None:
    current = replace(SEALED, reason=None, message="", phase=Phase.IDLE, version="1")
    assert told(compose(NEW, found(supplied=Supplied((current,))), NOW))["Ready"][0] == "True"
