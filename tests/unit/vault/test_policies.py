# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re

import pytest

from wardkeeper.vault import names
from wardkeeper.vault.access import VaultAccess
from wardkeeper.vault.policies import policies
from wardkeeper.vault.roles import READER_PINS, WRITER_PINS, role_body, writer_pins

TEXTS = policies(VaultAccess("https://vault.test:8200"), "auth_kubernetes_1")
ALIAS = "identity.entity.aliases.auth_kubernetes_1.metadata"
NAMESPACE = f"{{{{{ALIAS}.service_account_namespace}}}}"
ACCOUNT = f"{{{{{ALIAS}.service_account_name}}}}"
OWN = f"{NAMESPACE}/{ACCOUNT}/*"
OWN_NAME = f"hw.{NAMESPACE}.{ACCOUNT}.*"
OWN_TOKEN = {
    "auth/token/lookup-self": ["read"],
    "auth/token/renew-self": ["update"],
    "auth/token/revoke-self": ["update"],
}


def grants(policy: str) -> dict[str, list[str]]:
    """Capabilities by path."""
    found = re.findall(r'path "([^"]+)" *\{\s*capabilities *= \[([^]]*)\]', policy)
    assert len(found) == policy.count('path "')
    return {path: re.findall(r'"(\w+)"', capabilities) for path, capabilities in found}


def test_the_operator_writes_roles_and_reads_no_secret() -> None:
    roles = ["create", "update", "read", "delete"]
    assert grants(TEXTS[names.OPERATOR_POLICY]) == {
        "auth/kubernetes/role/hw.w.*": roles,
        "auth/kubernetes/role/hw.r.*": roles,
        "auth/kubernetes/role": ["list"],
        "sys/leases/revoke/database/creds/hw.*": ["update"],
        "sys/leases/lookup/database/creds/hw.*": ["list", "sudo"],
        "sys/leases/lookup": ["deny"],
        "database/rotate-role/hw.*": ["update"],
        "transit/encrypt/hw-operator-state": ["update"],
        "transit/decrypt/hw-operator-state": ["update"],
        "pki/certs": ["list"],
        "pki/cert/*": ["read"],
        "sys/policies/acl/hw-*": ["read"],
        **OWN_TOKEN,
    }


def test_the_operator_ends_a_lease_by_its_path_and_by_nothing_in_the_body() -> None:
    assert re.search(
        r'revoke/database/creds/hw\.\*" \{[^}]*denied_parameters = \{ "lease_id" = \[\] \}',
        TEXTS[names.OPERATOR_POLICY],
    )


def test_quarantine_disables_and_never_enables() -> None:
    text = TEXTS[names.QUARANTINE_POLICY]
    assert grants(text) == {
        "identity/entity/id": ["list"],
        "identity/entity/id/*": ["read", "update"],
    }
    assert 'allowed_parameters = { "disabled" = [true] }' in text


def test_the_writer_has_what_is_its_own_only() -> None:
    assert grants(TEXTS[names.WRITER_POLICY]) == {
        f"secret/data/hw/{OWN}": ["create", "update", "read", "delete"],
        f"secret/metadata/hw/{OWN}": ["read", "delete"],
        f"secret/destroy/hw/{OWN}": ["update"],
        f"secret/data/hw-synced/{OWN}": ["read"],
        f"secret/metadata/hw-synced/{OWN}": ["read"],
        "sys/policies/password/+/generate": ["read"],
        f"database/creds/{OWN_NAME}": ["read"],
        f"database/static-creds/{OWN_NAME}": ["read"],
        f"database/roles/{OWN_NAME}": ["read"],
        "sys/leases/renew": ["update"],
        "pki/sign/hw-mtls": ["update"],
        "pki/revoke-with-key": ["update"],
        "pki/issuers": ["list"],
        "pki/issuer/+/json": ["read"],
        f"transit/keys/{OWN_NAME}": ["read", "update"],
        f"transit/encrypt/{OWN_NAME}": ["update"],
        f"transit/decrypt/{OWN_NAME}": ["update"],
        **OWN_TOKEN,
    }


def test_the_reader_reads_its_own_path_and_uses_its_own_keys() -> None:
    assert grants(TEXTS[names.READER_POLICY]) == {
        f"secret/data/hw/{OWN}": ["read"],
        f"transit/encrypt/{OWN_NAME}": ["update"],
        f"transit/decrypt/{OWN_NAME}": ["update"],
        f"transit/sign/{OWN_NAME}": ["update"],
        f"transit/verify/{OWN_NAME}": ["update"],
        **OWN_TOKEN,
    }


UNTEMPLATED = {
    "sys/policies/password/+/generate",
    "sys/leases/renew",
    "pki/sign/hw-mtls",
    "pki/revoke-with-key",
    "pki/issuers",
    "pki/issuer/+/json",
    *OWN_TOKEN,
}
"""What both workflow policies grant by name: it holds no secret, or is templated elsewhere."""


@pytest.mark.parametrize("name", [names.WRITER_POLICY, names.READER_POLICY])
def test_a_policy_of_workflows_names_nobody(name: str) -> None:
    for path in grants(TEXTS[name]):
        assert path in UNTEMPLATED or (NAMESPACE in path and ACCOUNT in path)


@pytest.mark.parametrize("pins", [WRITER_PINS, READER_PINS])
def test_every_field_of_a_role_is_pinned_to_one_exact_string(pins: dict[str, str]) -> None:
    text = TEXTS[names.OPERATOR_POLICY]
    for name, value in pins.items():
        assert re.search(rf'"{name}" += \["{re.escape(value)}"\]', text)
        assert "*" not in value


@pytest.mark.parametrize(("seconds", "written"), [(72 * 3600, "72h"), (90, "90s")])
def test_another_period_is_pinned_as_the_role_says_it(seconds: int, written: str) -> None:
    access = VaultAccess("https://vault.test", token_period=seconds)
    assert writer_pins(seconds)["token_period"] == written
    pins = re.findall(r'"token_period" += (.*)', policies(access, "acc")[names.OPERATOR_POLICY])
    assert pins == [f'["{written}"]']


def test_a_family_of_roles_is_pinned_to_its_own_policy_and_audience() -> None:
    writer, reader = re.findall(r'role/hw\.[wr]\.\*".*?\n}\n', TEXTS[names.OPERATOR_POLICY], re.S)
    assert "hw-workflow-writer" in writer
    assert '["vault-operator"]' in writer
    assert "hw-workflow-reader" not in writer
    assert "hw-workflow-reader" in reader
    assert '["vault"]' in reader
    assert "vault-operator" not in reader


def test_a_role_says_every_field_every_time_as_a_string() -> None:
    body = role_body(WRITER_PINS, "radiology", "router")
    assert body == {
        "token_policies": "hw-workflow-writer",
        "audience": "vault-operator",
        "alias_name_source": "serviceaccount_uid",
        "token_period": "24h",
        "token_type": "service",
        "bound_service_account_names": "router",
        "bound_service_account_namespaces": "radiology",
    }


@pytest.mark.parametrize("name", ["", "a.b", "..", "a/b", "A", "-a", "a" * 64, "*"])
def test_a_name_that_could_climb_out_of_its_path_is_refused(name: str) -> None:
    for build, parts in (
        (names.kv_path, ("ns", "wf", name)),
        (names.kv_path, (name, "wf", "db")),
        (names.writer_role, ("ns", name)),
        (names.reader_role, (name, "wf")),
    ):
        with pytest.raises(ValueError, match="is no DNS label"):
            build(*parts)
