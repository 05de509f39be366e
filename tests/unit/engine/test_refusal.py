# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What an answer of the API server means for a pass, in words for the user."""

from __future__ import annotations

import pytest

from wardkeeper.api.reasons import Reason
from wardkeeper.engine.outcome import Outcome, Terminal, Transient
from wardkeeper.engine.refusal import outcome_of
from wardkeeper.kube import errors
from wardkeeper.kube.resource import Ref

ROLE = Ref("Role", "radiology", "router")
ESCALATES = (
    'roles.rbac.authorization.k8s.io "router" is forbidden: user "w" is attempting to grant RBAC '
    "permissions not currently held: {APIGroups:[x], Resources:[y], Verbs:[*]}"
)
QUOTA = 'services "router" is forbidden: exceeded quota: small, requested: services=1'
NO_QUOTA_YET = 'pods "x" is forbidden: failed quota: small: must specify limits.cpu'
ENDING = "unable to create new content in namespace radiology because it is being terminated"
NO_RIGHT = 'deployments.apps "router" is forbidden: User "w" cannot patch resource "deployments"'
WEBHOOK = 'admission webhook "x.example.org" denied the request: not today'


def forbidden(message: str) -> errors.ApiError:
    return errors.Forbidden(403, "Forbidden", message)


@pytest.mark.parametrize(
    ("error", "kind", "reason", "remedy"),
    [
        (forbidden(ESCALATES), Terminal, Reason.ACCESS_REFUSED, "wardkeeper-grantable"),
        (forbidden(NO_RIGHT), Terminal, Reason.ACCESS_REFUSED, "wardkeeper-namespace"),
        (forbidden(QUOTA), Transient, Reason.QUOTA_EXCEEDED, "quota"),
        (forbidden(NO_QUOTA_YET), Transient, Reason.QUOTA_EXCEEDED, "quota"),
        (forbidden(ENDING), Transient, Reason.DELETING, "going away"),
        (forbidden(WEBHOOK), Transient, Reason.WRITE_REFUSED, "webhook"),
        (errors.ApiError(400, "BadRequest", WEBHOOK), Transient, Reason.WRITE_REFUSED, "webhook"),
        (errors.Invalid(422, "Invalid", "spec.x: bad"), Terminal, Reason.SPEC_INVALID, "change"),
        (errors.NotFound(404, "NotFound", "no"), Transient, Reason.WRITE_REFUSED, "namespace"),
        (errors.Conflict(409, "Conflict", "no"), Transient, Reason.API_UNAVAILABLE, "again"),
        (errors.Gone(410, "Gone", "no"), Transient, Reason.API_UNAVAILABLE, "again"),
        (errors.TooManyRequests(429, "x", "no"), Transient, Reason.API_UNAVAILABLE, "again"),
        (errors.ServerError(500, "x", "no"), Transient, Reason.API_UNAVAILABLE, "again"),
        (errors.Unauthorized(401, "x", "no"), Transient, Reason.API_UNAVAILABLE, "again"),
        (errors.Unreachable("no answer"), Transient, Reason.API_UNAVAILABLE, "again"),
    ],
)
def test_each_answer_leads_to_one_reason_with_a_remedy(
    error: errors.ApiError, kind: type[Outcome], reason: Reason, remedy: str
) -> None:
    outcome = outcome_of(error, ROLE)
    assert type(outcome) is kind
    assert outcome.reason is reason
    assert outcome.message.startswith("Role radiology/router: ")
    assert error.message in outcome.message
    assert remedy in outcome.message.removeprefix(f"Role radiology/router: {error.message}")


def test_long_words_of_the_server_are_cut_and_the_remedy_is_kept() -> None:
    outcome = outcome_of(forbidden(f"{ESCALATES}{'x' * 5000}"), ROLE)
    assert len(outcome.message) < 1024
    assert outcome.message.endswith("wardkeeper-grantable")


def test_a_spec_that_is_wrong_waits_for_a_change_and_rights_are_looked_at_again() -> None:
    assert Terminal(Reason.SPEC_INVALID, "x").recheck is None
    assert Terminal(Reason.ACCESS_REFUSED, "x").recheck
    assert Terminal(Reason.NAME_TAKEN, "x").recheck
