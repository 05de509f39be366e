# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pytest

from wardkeeper.api.reasons import Reason
from wardkeeper.vault.errors import Kind, VaultError, kind_of


@pytest.mark.parametrize(
    ("status", "error", "login", "kind"),
    [
        (503, "Vault is sealed", False, Kind.SEALED),
        (503, "Vault is sealed", True, Kind.SEALED),
        (501, "", False, Kind.UNINITIALISED),
        (429, "rate limit quota exceeded", False, Kind.RATE_LIMITED),
        (412, "required index state not present", False, Kind.NOT_CONSISTENT),
        (400, "Upgrading from non-versioned to versioned data.", False, Kind.NOT_CONSISTENT),
        (502, "", False, Kind.UNREACHABLE),
        (307, "", False, Kind.REDIRECTED),
        (403, "permission denied", False, Kind.DENIED),
        (403, "permission denied", True, Kind.LOGIN_REFUSED),
        (400, 'invalid role name "hw.w.a.b"', True, Kind.ROLE_MISSING),
        (500, "could not load backend configuration", True, Kind.AUTH_NOT_CONFIGURED),
        (500, 'role "x" does not exist during renewal', False, Kind.TOKEN_DEAD),
        (
            404,
            'no handler for route "secret/data/x". route entry not found.',
            False,
            Kind.MOUNT_MISSING,
        ),
        (
            400,
            "check-and-set parameter did not match the current version",
            False,
            Kind.CAS,
        ),
        (400, "missing client token", False, Kind.INVALID),
        (500, "internal error", False, Kind.FAILED),
    ],
)
def test_an_answer_is_classed_by_status_and_by_known_words(
    status: int, error: str, login: bool, kind: Kind
) -> None:
    assert kind_of(status, (error,), login=login) is kind


@pytest.mark.parametrize(
    ("status", "error", "label", "kind"),
    [
        (400, "lease not found", "lease_renew", Kind.LEASE_GONE),
        (400, "invalid lease", "lease_renew", Kind.LEASE_GONE),
        (400, "unknown role: hw.a.b.c", "database_creds", Kind.SOURCE_MISSING),
        (400, "unknown role: hw.a.b.c", "database_static", Kind.SOURCE_MISSING),
        (400, "no static role found for role name", "database_rotate", Kind.SOURCE_MISSING),
        (400, "unknown role: hw-mtls", "pki_sign", Kind.SOURCE_MISSING),
        (404, "", "pki_read", Kind.SOURCE_MISSING),
        (404, "", "transit_read", Kind.SOURCE_MISSING),
        (400, "key not found", "transit_rotate", Kind.SOURCE_MISSING),
        (400, "encryption key not found", "ledger_decrypt", Kind.SOURCE_MISSING),
        (404, "1 error occurred: policy does not exist", "password", Kind.SOURCE_MISSING),
        (404, 'no handler for route "transit/keys/x".', "transit_read", Kind.MOUNT_MISSING),
        (400, "disallowed by policy (too old)", "transit_decrypt", Kind.INVALID),
        (400, "invalid ciphertext: no prefix", "ledger_decrypt", Kind.INVALID),
        (400, "beyond the expiration of the CA certificate", "pki_sign", Kind.AUTHORITY_ENDS),
        (400, "common name x not allowed by this role", "pki_sign", Kind.INVALID),
        (500, "failed to connect to `host=db`", "database_creds", Kind.DATABASE),
        (400, "failed to revoke: connection refused", "lease_revoke", Kind.DATABASE),
        (403, "permission denied", "database_creds", Kind.DENIED),
        (503, "Vault is sealed", "database_creds", Kind.SEALED),
    ],
)
def test_an_engines_answer_is_classed_by_what_was_asked(
    status: int, error: str, label: str, kind: Kind
) -> None:
    assert kind_of(status, (error,) if error else (), label=label) is kind


def test_a_database_that_is_down_is_no_outage_of_vault() -> None:
    error = VaultError(Kind.DATABASE, "make a login")
    assert not error.outage
    assert error.reason is Reason.DATABASE_REFUSED


OUTAGES = {
    Kind.UNREACHABLE,
    Kind.SEALED,
    Kind.UNINITIALISED,
    Kind.RATE_LIMITED,
    Kind.NOT_VAULT,
}


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_says_what_was_tried_what_was_found_and_what_to_do(kind: Kind) -> None:
    error = VaultError(kind, "read the moon")
    assert str(error).startswith("cannot read the moon: ")
    assert str(error).endswith(f"; {error.remedy}")
    assert error.outage == (kind in OUTAGES)
    assert error.unavailable == (kind in OUTAGES | {Kind.NOT_CONSISTENT, Kind.FAILED})
    assert (error.reason is Reason.VAULT_UNAVAILABLE) == error.unavailable
