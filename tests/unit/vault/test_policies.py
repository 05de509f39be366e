# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re

import pytest

from wardkeeper.vault import names
from wardkeeper.vault.access import VaultAccess
from wardkeeper.vault.policies import policies
from wardkeeper.vault.roles import READER_PINS, WRITER_PINS, role_body

TEXTS = policies(VaultAccess("https://vault.test:8200"), "auth_kubernetes_1")
OWN = (
    "hw/{{identity.entity.aliases.auth_kubernetes_1.metadata.service_account_namespace}}"
    "/{{identity.entity.aliases.auth_kubernetes_1.metadata.service_account_name}}/*"
)
OWN_TOKEN = {
    "auth/token/lookup-self": ["read"],
    "auth/token/renew-self": ["update"],
    "auth/token/revoke-self": ["update"],
}


def grants(policy: str) -> dict[str, list[str]]:
    """Capabilities by path."""
    found = re.findall(r'path "([^"]+)" *\{\s*capabilities *= \[([^]]*)\]', policy)
    assert len(found) == policy.count("path ")
    return {path: re.findall(r'"(\w+)"', capabilities) for path, capabilities in found}


def test_the_operator_writes_roles_and_reads_no_secret() -> None:
    roles = ["create", "update", "read", "delete"]
    assert grants(TEXTS[names.OPERATOR_POLICY]) == {
        "auth/kubernetes/role/hw.w.*": roles,
        "auth/kubernetes/role/hw.r.*": roles,
        "auth/kubernetes/role": ["list"],
        "sys/policies/acl/hw-*": ["read"],
        **OWN_TOKEN,
    }


def test_the_writer_has_its_own_path_only() -> None:
    assert grants(TEXTS[names.WRITER_POLICY]) == {
        f"secret/data/{OWN}": ["create", "update", "read", "delete"],
        f"secret/metadata/{OWN}": ["read", "delete"],
        f"secret/destroy/{OWN}": ["update"],
        **OWN_TOKEN,
    }


def test_the_reader_reads_its_own_path_only() -> None:
    assert grants(TEXTS[names.READER_POLICY]) == {f"secret/data/{OWN}": ["read"], **OWN_TOKEN}


@pytest.mark.parametrize("pins", [WRITER_PINS, READER_PINS])
def test_every_field_of_a_role_is_pinned_to_one_exact_string(pins: dict[str, str]) -> None:
    text = TEXTS[names.OPERATOR_POLICY]
    for name, value in pins.items():
        assert re.search(rf'"{name}" += \["{re.escape(value)}"\]', text)
        assert "*" not in value


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
