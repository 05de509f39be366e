# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What can go wrong at Vault, as kinds that the engine can act on and people can read.

An answer's body never gets into a message: the kind is found by status and by fragments of Vault's
own error strings that are known to carry no value, and the words people read are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from wardkeeper.api.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence


class Kind(StrEnum):
    """The classes of errors, each with an action of its own."""

    UNREACHABLE = "Unreachable"
    SEALED = "Sealed"
    UNINITIALISED = "Uninitialised"
    RATE_LIMITED = "RateLimited"
    NOT_CONSISTENT = "NotConsistent"
    REDIRECTED = "Redirected"
    NOT_VAULT = "NotVault"
    NO_JWT = "NoServiceAccountToken"
    NO_AUTHORITY = "NoAuthority"
    TOKEN_DEAD = "TokenDead"  # noqa: S105 - a kind of error, not a token
    DENIED = "Denied"
    LOGIN_REFUSED = "LoginRefused"
    ROLE_MISSING = "RoleMissing"
    AUTH_NOT_CONFIGURED = "AuthNotConfigured"
    MOUNT_MISSING = "MountMissing"
    CAS = "CompareAndSet"
    LEASE_GONE = "LeaseGone"
    DATABASE = "Database"
    SOURCE_MISSING = "SourceMissing"
    AUTHORITY_ENDS = "AuthorityEnds"
    KEY_LOST = "KeyLost"
    INVALID = "Invalid"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class _Words:
    """What people read about a kind, and what the engine makes of it."""

    found: str
    remedy: str
    reason: Reason = Reason.VAULT_REFUSED
    outage: bool = False

    @property
    def unavailable(self) -> bool:
        """Waiting may be enough."""
        return self.reason is _AWAY


_AWAY = Reason.VAULT_UNAVAILABLE
_WORDS: dict[Kind, _Words] = {
    Kind.UNREACHABLE: _Words(
        "Vault cannot be reached",
        "check its address, its certificate and the network; it is tried again by itself",
        _AWAY,
        outage=True,
    ),
    Kind.SEALED: _Words(
        "Vault is sealed or has no active node",
        "unseal it; work goes on by itself",
        _AWAY,
        outage=True,
    ),
    Kind.UNINITIALISED: _Words(
        "Vault is not initialised",
        "initialise and unseal it; work goes on by itself",
        _AWAY,
        outage=True,
    ),
    Kind.RATE_LIMITED: _Words(
        "Vault limits the rate of requests",
        "it is tried again later; raise the quota if this lasts",
        _AWAY,
        outage=True,
    ),
    Kind.NOT_CONSISTENT: _Words(
        "Vault's node has not caught up yet", "it is tried again by itself", _AWAY
    ),
    Kind.REDIRECTED: _Words(
        "Vault points to another host, which is not followed",
        "set the address to the service of the active node",
    ),
    Kind.NOT_VAULT: _Words(
        "what answers does not speak Vault's API",
        "check the address; a proxy or another service may stand in the way",
        _AWAY,
        outage=True,
    ),
    Kind.NO_JWT: _Words(
        "the operator's ServiceAccount token for Vault cannot be read",
        "mount a projected token with audience vault where vault.tokenFile of the settings says",
        Reason.VAULT_NOT_CONFIGURED,
    ),
    Kind.NO_AUTHORITY: _Words(
        "the file with the authority of Vault's certificate is not there",
        "mount it where vault.caFile of the settings says, or correct that or --ca-file",
        Reason.VAULT_NOT_CONFIGURED,
    ),
    Kind.TOKEN_DEAD: _Words("the token is no longer valid", "a new login follows by itself"),
    Kind.DENIED: _Words(
        "Vault denies it",
        "run `wardkeeper vault bootstrap` to put policies and roles right; "
        "check whether the entity is disabled",
    ),
    Kind.LOGIN_REFUSED: _Words(
        "Vault refuses the login",
        "check that the auth method is mounted, the role's ServiceAccount, namespace and audience, "
        "that the entity is not disabled, and that Vault's reviewer token may create TokenReviews",
    ),
    Kind.ROLE_MISSING: _Words(
        "the role to log in with does not exist", "run `wardkeeper vault bootstrap`"
    ),
    Kind.AUTH_NOT_CONFIGURED: _Words(
        "the Kubernetes auth method is not set up",
        "run `wardkeeper vault bootstrap`",
        Reason.VAULT_NOT_CONFIGURED,
    ),
    Kind.MOUNT_MISSING: _Words(
        "there is no KV v2 engine or auth method at the configured path",
        "run `wardkeeper vault bootstrap`, or correct the mount in the settings",
        Reason.VAULT_NOT_CONFIGURED,
    ),
    Kind.CAS: _Words(
        "somebody else wrote a version in between", "it is read again and decided anew"
    ),
    Kind.LEASE_GONE: _Words(
        "the lease has ended", "a new credential follows by itself", Reason.ROTATION_FAILED
    ),
    Kind.DATABASE: _Words(
        "the database is down or refused it",
        "repair the database or Vault's connection to it; it is tried again by itself",
        Reason.DATABASE_REFUSED,
    ),
    Kind.SOURCE_MISSING: _Words(
        "Vault has no such role, key or path",
        "let an administrator make it as `wardkeeper vault bootstrap --for` prints it",
        Reason.SOURCE_MISSING,
    ),
    Kind.AUTHORITY_ENDS: _Words(
        "the authority ends before the certificate would",
        "put a new issuer into the PKI engine, or ask for a shorter ttl",
        Reason.AUTHORITY_ENDING,
    ),
    Kind.KEY_LOST: _Words(
        "its key is gone from KV, and only its holder may revoke it",
        "let an administrator revoke it, or wait until it has ended; it is looked at again",
    ),
    Kind.INVALID: _Words(
        "Vault does not accept the request",
        "compare the versions of Wardkeeper and Vault, and look at Vault's log",
    ),
    Kind.FAILED: _Words("Vault failed", "look at Vault's log; it is tried again by itself", _AWAY),
}


class VaultError(Exception):
    """A request to Vault that did not do what it should.

    Attributes:
        kind: the class of the error.
        operation: what was tried, in words, without any value.
        remedy: what a person can do.
        unavailable: Vault cannot do it now; waiting is the answer, and nothing may be deleted.
        outage: it can do nothing at all now, so nobody needs to ask in the meantime.
        reason: the reason for a condition.
        retry_after: seconds that Vault asks to wait, when it does.
    """

    def __init__(self, kind: Kind, operation: str, *, retry_after: float | None = None) -> None:
        words = _WORDS[kind]
        self.kind = kind
        self.operation = operation
        self.remedy = words.remedy
        self.unavailable = words.unavailable
        self.outage = words.outage
        self.reason = words.reason
        self.retry_after = retry_after
        super().__init__(f"cannot {operation}: {words.found}; {words.remedy}")


_BY_STATUS = {
    412: Kind.NOT_CONSISTENT,
    429: Kind.RATE_LIMITED,
    501: Kind.UNINITIALISED,
    502: Kind.UNREACHABLE,
    503: Kind.SEALED,
    504: Kind.UNREACHABLE,
}


def kind_of(status: int, errors: Sequence[str], *, login: bool = False, label: str = "") -> Kind:
    """The kind of an answer that reports an error.

    Args:
        status: HTTP status.
        errors: Vault's error strings; looked at, never shown.
        login: the request was a login.
        label: what kind of request it was (`client.Operation.label`).
    """
    text = " ".join(errors).lower()
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status < 400:
        return Kind.REDIRECTED
    if status == 403:
        return Kind.LOGIN_REFUSED if login else Kind.DENIED
    special = _special(status, text, label)
    if special is not None:
        return special
    if status == 404:
        return Kind.MOUNT_MISSING
    if status == 400 and "did not match the current version" in text:
        return Kind.CAS
    if status == 400 and "upgrading from non-versioned" in text:
        return Kind.NOT_CONSISTENT
    if status == 400 and login and "invalid role name" in text:
        return Kind.ROLE_MISSING
    if status >= 500 and login and "could not load backend configuration" in text:
        return Kind.AUTH_NOT_CONFIGURED
    if status >= 500 and "does not exist during renewal" in text:
        return Kind.TOKEN_DEAD
    return Kind.FAILED if status >= 500 else Kind.INVALID


_MISSING = ("unknown role", "no static role found", "key not found", "policy does not exist")
"""What the engines say of a role, key or password policy that is not there."""


def _special(status: int, text: str, label: str) -> Kind | None:
    """What only some kinds of requests can meet; None when it is nothing special."""
    if status == 400 and ("lease not found" in text or "invalid lease" in text):
        return Kind.LEASE_GONE
    if "beyond the expiration of the ca" in text:
        return Kind.AUTHORITY_ENDS
    if status in (400, 404) and any(words in text for words in _MISSING):
        return Kind.SOURCE_MISSING
    if status == 404 and not text and label.startswith(("transit", "ledger", "pki")):
        return Kind.SOURCE_MISSING
    if label.startswith(("database", "lease")) and status in (400, 500):
        return Kind.DATABASE
    return None
