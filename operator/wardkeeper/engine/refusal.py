# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What an error of the API server means for a pass, in words for the user. Pure.

Kubernetes tells its refusals apart by code and by text alone; every text that is looked for here
is pinned by a test on a real API server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.reasons import Reason
from wardkeeper.engine.outcome import Outcome, Terminal, Transient
from wardkeeper.kube.errors import ApiError, Forbidden, Invalid, NotFound, Unreachable

if TYPE_CHECKING:
    from wardkeeper.kube.resource import Ref

GRANTED_RIGHTS = "wardkeeper-granted-rights"
"""The admission policy that bounds what workflows are given; its message names rule and remedy."""

_LONGEST = 700


def outcome_of(error: ApiError, ref: Ref) -> Outcome:
    """The outcome of a pass in which writing `ref` met `error`."""
    found = f"{ref.kind} {ref.namespace}/{ref.name}: {_short(error.message)}"
    if isinstance(error, Forbidden):
        return _forbidden(error, found)
    if isinstance(error, Invalid) and not _by_admission(error, ref):
        return Terminal(Reason.SPEC_INVALID, f"{found}; change the field that is named")
    if isinstance(error, Unreachable) or error.transient:
        return Transient(Reason.API_UNAVAILABLE, f"{found}; it is tried again")
    if isinstance(error, NotFound):
        return Transient(Reason.WRITE_REFUSED, f"{found}; the namespace may be going away")
    return Transient(
        Reason.WRITE_REFUSED, f"{found}; ask whoever runs the webhook or policy that it names"
    )


def _by_admission(error: Invalid, ref: Ref) -> bool:
    """Whether a policy or webhook refused, and not the kind's own rules.

    Of a Secret's refusal no text is kept; but nothing in it comes from fields of the spec that the
    definition has not checked.
    """
    said = any(words in error.message for words in ("denied request", "denied the request"))
    return said or ref.kind == "Secret"


def _forbidden(error: Forbidden, found: str) -> Outcome:
    text = error.message
    if "attempting to grant RBAC permissions not currently held" in text:
        return Terminal(
            Reason.ACCESS_REFUSED,
            f"{found}; take the rule out of spec.access.rules, or have a platform administrator "
            "add it to the ClusterRole wardkeeper-grantable",
        )
    if f"ValidatingAdmissionPolicy '{GRANTED_RIGHTS}'" in text:
        return Terminal(Reason.ACCESS_REFUSED, found)
    if "exceeded quota" in text or "failed quota" in text:
        return Transient(
            Reason.QUOTA_EXCEEDED, f"{found}; free some of the quota or have it raised"
        )
    if "is being terminated" in text or "because it is being terminated" in text:
        return Transient(Reason.DELETING, f"{found}; the namespace is going away")
    if "cannot patch resource" in text or "cannot create resource" in text:
        return Terminal(
            Reason.ACCESS_REFUSED,
            f"{found}; bind the ClusterRole wardkeeper-namespace to the operator here",
        )
    return Transient(
        Reason.WRITE_REFUSED, f"{found}; ask whoever runs the webhook or policy that it names"
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
