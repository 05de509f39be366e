# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What the API server can answer besides yes, as exceptions that carry its own Status.

Callers decide by class, never by text. Text about a Secret may quote its values, so for that kind
nothing is kept but code, reason and the beginnings of sentences that the API server itself makes of
names and counts: which quota, policy or webhook refused.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson

_NAME = r"[a-z0-9.-]{1,253}"
_COUNTS = r"[A-Za-z0-9./=,-]{1,512}"
_ABOUT_SECRETS = re.compile(
    rf'secrets "{_NAME}" is forbidden: exceeded quota: {_NAME}, requested: {_COUNTS}, '
    rf"used: {_COUNTS}, limited: {_COUNTS}$"
    rf"|secrets \"{_NAME}\" is forbidden: ValidatingAdmissionPolicy '{_NAME}' with binding "
    rf"'{_NAME}' denied request"
    rf'|admission webhook "{_NAME}" denied the request'
)


class Cause(NamedTuple):
    """One field-level reason of a refusal, as `Status.details.causes` gives it."""

    reason: str
    message: str
    field: str


class NotLeading(Exception):
    """A write was about to be sent while this process does not hold the Lease."""


class ApiError(Exception):
    """The API server refused or could not serve a request.

    `code` is the HTTP status (0 when there was no answer), `reason` the machine word of the
    Status, `retry_after` the seconds the server asked us to wait, if it did.
    """

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        causes: tuple[Cause, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.causes = causes
        self.retry_after = retry_after

    @property
    def transient(self) -> bool:
        """Whether the same intention may succeed later though nobody changes anything."""
        return False


class Unauthorized(ApiError):
    """401: the token is unknown or out of date; it is read anew for every request."""

    @property
    def transient(self) -> bool:
        """A fresh token may already lie in the file."""
        return True


class Forbidden(ApiError):
    """403: RBAC, a quota, an admission policy or a terminating namespace refuses."""


class NotFound(ApiError):
    """404: the object, its namespace or its kind does not exist."""


class Conflict(ApiError):
    """409: another version, another uid, another owner of a field, or the name is taken."""

    @property
    def transient(self) -> bool:
        """A pass that reads again may succeed."""
        return True


class Gone(ApiError):
    """410: the version or continue token is too old; list again."""

    @property
    def transient(self) -> bool:
        """A new list gives a version that can be watched."""
        return True


class Invalid(ApiError):
    """422: the object breaks its schema or a rule; `causes` names the fields."""


class TooManyRequests(ApiError):
    """429: the server sheds load; the client has waited and tried again before raising this."""

    @property
    def transient(self) -> bool:
        """Load passes."""
        return True


class ServerError(ApiError):
    """5xx: the server or something behind it failed."""

    @property
    def transient(self) -> bool:
        """Servers recover."""
        return True


class Unreachable(ApiError):
    """No answer came. `ambiguous` means that a write may have been committed all the same."""

    def __init__(self, message: str, *, ambiguous: bool = False) -> None:
        super().__init__(0, "Unreachable", message)
        self.ambiguous = ambiguous

    @property
    def transient(self) -> bool:
        """Networks recover."""
        return True


_BY_CODE: dict[int, type[ApiError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    422: Invalid,
    429: TooManyRequests,
}


def error_from_response(
    code: int, body: bytes, *, what: str, secret: bool, retry_after: float | None = None
) -> ApiError:
    """The exception for an answer of 300 or above.

    Args:
        code: HTTP status.
        body: the raw answer, a `Status` or anything else.
        what: the request in words, such as `apply Deployment radiology/router`.
        secret: the request was about a Secret: keep no text that may hold a value.
        retry_after: seconds the server asked for.
    """
    try:
        status = orjson.loads(body)
    except orjson.JSONDecodeError:
        status = {}
    return error_from_status(
        status if isinstance(status, dict) else {},
        code=code,
        what=what,
        secret=secret,
        retry_after=retry_after,
    )


def error_from_status(
    status: dict[str, Any],
    *,
    code: int | None = None,
    what: str,
    secret: bool,
    retry_after: float | None = None,
) -> ApiError:
    """The exception for a `Status` object, as a response or as an ERROR event of a watch."""
    code = code or _number(status.get("code")) or HTTPStatus.INTERNAL_SERVER_ERROR
    reason = str(status.get("reason") or _phrase(code))
    details = status.get("details")
    details = details if isinstance(details, dict) else {}
    if retry_after is None and details.get("retryAfterSeconds"):
        retry_after = float(_number(details["retryAfterSeconds"]))
    causes: tuple[Cause, ...] = ()
    message = f"{what}: {code} {reason}"
    if secret:
        harmless = _ABOUT_SECRETS.match(str(status.get("message", "")))
        message = f"{message}: {harmless[0]}" if harmless else message
    else:
        causes = tuple(
            Cause(str(c.get("reason", "")), str(c.get("message", "")), str(c.get("field", "")))
            for c in details.get("causes") or ()
            if isinstance(c, dict)
        )
        message = f"{message}: {status['message']}" if status.get("message") else message
    kind = _BY_CODE.get(code, ServerError if code >= 500 else ApiError)
    return kind(code, reason, message, causes, retry_after)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase.replace(" ", "")
    except ValueError:
        return "Unknown"
