# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Answers of the API server become exceptions that say enough and never too much."""

from __future__ import annotations

import orjson
import pytest

from wardkeeper.kube import errors

STATUS = {
    "kind": "Status",
    "reason": "Invalid",
    "message": 'Secret "db" is invalid: data: Invalid value: "hunter2"',
    "details": {
        "causes": [{"reason": "FieldValueInvalid", "message": "hunter2 is bad", "field": "data"}]
    },
    "code": 422,
}


@pytest.mark.parametrize(
    ("code", "kind", "transient"),
    [
        (400, errors.ApiError, False),
        (401, errors.Unauthorized, True),
        (403, errors.Forbidden, False),
        (404, errors.NotFound, False),
        (409, errors.Conflict, True),
        (410, errors.Gone, True),
        (422, errors.Invalid, False),
        (429, errors.TooManyRequests, True),
        (500, errors.ServerError, True),
        (503, errors.ServerError, True),
    ],
)
def test_each_code_has_its_class_and_says_whether_waiting_helps(
    code: int, kind: type[errors.ApiError], transient: bool
) -> None:
    error = errors.error_from_response(code, b"{}", what="get Pod a/b", secret=False)
    assert type(error) is kind
    assert (error.code, error.transient) == (code, transient)


def test_message_reason_and_causes_come_from_the_status() -> None:
    error = errors.error_from_response(
        422, orjson.dumps(STATUS), what="apply Service a/b", secret=False
    )
    assert error.reason == "Invalid"
    assert str(error).startswith("apply Service a/b: 422 Invalid: Secret")
    assert error.causes == (errors.Cause("FieldValueInvalid", "hunter2 is bad", "data"),)


NO_ROOM = (
    'secrets "lab-db" is forbidden: exceeded quota: small, requested: count/secrets=1, '
    "used: count/secrets=2, limited: count/secrets=2"
)
BY_POLICY = (
    "secrets \"lab-db\" is forbidden: ValidatingAdmissionPolicy 'theirs' with binding 'theirs' "
    "denied request"
)
BY_WEBHOOK = 'admission webhook "audit.example.org" denied the request'


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (NO_ROOM, NO_ROOM),
        (f"{BY_POLICY}: found hunter2", BY_POLICY),
        (f"{BY_WEBHOOK}: found hunter2", BY_WEBHOOK),
        (f"{NO_ROOM} hunter2", ""),
        (f"hunter2 {NO_ROOM}", ""),
        (f"exceeded quota: hunter2. {NO_ROOM}", ""),
    ],
)
def test_who_refused_a_secret_is_kept_and_not_what_they_said(said: str, kept: str) -> None:
    body = orjson.dumps({"code": 403, "reason": "Forbidden", "message": said})
    error = errors.error_from_response(403, body, what="apply Secret a/db", secret=True)
    assert error.message == ": ".join(filter(None, ("apply Secret a/db: 403 Forbidden", kept)))


def test_no_word_of_the_server_about_a_secret_is_kept() -> None:
    error = errors.error_from_response(
        422, orjson.dumps(STATUS), what="apply Secret a/db", secret=True
    )
    assert str(error) == "apply Secret a/db: 422 Invalid"
    assert error.causes == ()
    assert "hunter2" not in repr(vars(error))


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'"text"'])
def test_an_answer_that_is_no_status_is_still_an_error(body: bytes) -> None:
    error = errors.error_from_response(502, body, what="get Pod a/b", secret=False)
    assert isinstance(error, errors.ServerError)
    assert str(error) == "get Pod a/b: 502 BadGateway"


def test_seconds_to_wait_are_taken_from_the_details_when_no_header_has_them() -> None:
    body = orjson.dumps({"reason": "TooManyRequests", "details": {"retryAfterSeconds": 7}})
    told = errors.error_from_response(429, body, what="x", secret=False)
    header = errors.error_from_response(429, body, what="x", secret=False, retry_after=2.0)
    assert (told.retry_after, header.retry_after) == (7.0, 2.0)


def test_an_error_event_of_a_watch_is_an_error_too() -> None:
    error = errors.error_from_status({"code": 410, "reason": "Expired"}, what="x", secret=False)
    assert isinstance(error, errors.Gone)
    assert error.reason == "Expired"


def test_a_status_without_code_counts_as_the_servers_fault() -> None:
    assert errors.error_from_status({}, what="x", secret=False).code == 500


def test_no_answer_says_whether_the_write_may_have_happened() -> None:
    assert errors.Unreachable("x", ambiguous=True).ambiguous
    assert not errors.Unreachable("x").ambiguous
    assert errors.Unreachable("x").code == 0
    assert errors.Unreachable("x").transient
