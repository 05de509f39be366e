# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A refusal of the API server becomes a reason that a person can do something about."""

from __future__ import annotations

import pytest

from wardkeeper.api.reasons import Reason
from wardkeeper.engine.outcome import Outcome, Terminal, Transient
from wardkeeper.engine.refusal import outcome_of
from wardkeeper.kube.errors import ApiError, Forbidden, Invalid, ServerError, Unreachable
from wardkeeper.kube.resource import Ref

ROLE = Ref("Role", "radiology", "lab")
BEYOND = (
    'roles "lab" is forbidden: user "x" is attempting to grant RBAC permissions not currently '
    'held: {APIGroups:[""], Resources:["nodes"], Verbs:["get"]}'
)
NOT_GRANTABLE = (
    "roles \"lab\" is forbidden: ValidatingAdmissionPolicy 'wardkeeper-granted-rights' with "
    "binding 'wardkeeper-granted-rights' denied request: a workflow may not be given get on "
    'secrets of API group ""; take the rule out of spec.access.rules'
)


def forbidden(text: str) -> Forbidden:
    return Forbidden(403, "Forbidden", text)


@pytest.mark.parametrize(
    ("error", "kind", "reason", "words"),
    [
        (forbidden(BEYOND), Terminal, Reason.ACCESS_REFUSED, 'Resources:["nodes"]'),
        (forbidden(NOT_GRANTABLE), Terminal, Reason.ACCESS_REFUSED, "get on secrets of API group"),
        (forbidden("exceeded quota: small"), Transient, Reason.QUOTA_EXCEEDED, "have it raised"),
        (
            forbidden("ValidatingAdmissionPolicy 'theirs' denied request: no"),
            Transient,
            Reason.WRITE_REFUSED,
            "ask whoever runs the webhook or policy",
        ),
        (Invalid(422, "Invalid", "spec.x: bad"), Terminal, Reason.SPEC_INVALID, "spec.x: bad"),
        (
            Invalid(422, "Invalid", "ValidatingAdmissionPolicy 'theirs' denied request: no"),
            Transient,
            Reason.WRITE_REFUSED,
            "ask whoever runs the webhook or policy",
        ),
        (
            Invalid(422, "Invalid", 'admission webhook "theirs" denied the request: no'),
            Transient,
            Reason.WRITE_REFUSED,
            "ask whoever runs the webhook or policy",
        ),
        (ServerError(500, "InternalError", "x"), Transient, Reason.API_UNAVAILABLE, "tried again"),
        (Unreachable("gone"), Transient, Reason.API_UNAVAILABLE, "tried again"),
    ],
)
def test_a_refusal_says_what_was_refused_and_what_to_do(
    error: ApiError, kind: type[Outcome], reason: Reason, words: str
) -> None:
    outcome = outcome_of(error, ROLE)
    assert isinstance(outcome, kind)
    assert outcome.reason is reason
    assert "Role radiology/lab" in outcome.message
    assert words in outcome.message


def test_a_refused_secret_is_tried_again_for_its_refusal_has_no_words() -> None:
    refused = Invalid(422, "Invalid", "apply Secret radiology/lab-db: 422 Invalid")
    outcome = outcome_of(refused, Ref("Secret", "radiology", "lab-db"))
    assert isinstance(outcome, Transient)
    assert outcome.reason is Reason.WRITE_REFUSED


def test_a_refused_right_says_where_it_could_be_allowed() -> None:
    told = outcome_of(forbidden(BEYOND), ROLE).message
    assert "spec.access.rules" in told
    assert "wardkeeper-grantable" in told
