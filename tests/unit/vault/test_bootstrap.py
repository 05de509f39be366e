# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from wardkeeper.cli.talk import EXIT_FAILED, EXIT_INVALID
from wardkeeper.cli.vault import app
from wardkeeper.vault.access import VaultAccess
from wardkeeper.vault.bootstrap import BootstrapSettings, Step, bootstrap_plan, in_place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SETTINGS = BootstrapSettings(
    VaultAccess("https://vault.test:8200"), kubernetes_ca="PEM", reviewer_token="canary"
)
PLAN = {step.path: step for step in bootstrap_plan(SETTINGS, "acc_1")}


def test_the_plan_is_complete_and_in_order() -> None:
    assert list(PLAN) == [
        "sys/mounts/database",
        "sys/mounts/transit",
        "sys/mounts/pki",
        "sys/mounts/secret",
        "secret/config",
        "sys/auth/kubernetes",
        "auth/kubernetes/config",
        "sys/policies/acl/hw-operator",
        "sys/policies/acl/hw-operator-quarantine",
        "sys/policies/acl/hw-workflow-writer",
        "sys/policies/acl/hw-workflow-reader",
        "auth/kubernetes/role/hw-operator",
        "transit/keys/hw-operator-state",
        "pki/roles/hw-mtls",
    ]


def test_an_admin_may_leave_quarantine_out() -> None:
    settings = BootstrapSettings(SETTINGS.access, quarantine=False)
    plan = {step.path: step for step in bootstrap_plan(settings)}
    assert "sys/policies/acl/hw-operator-quarantine" not in plan
    role = plan["auth/kubernetes/role/hw-operator"]
    assert role.body(None)["token_policies"] == "hw-operator"


def test_certificates_are_for_whoever_is_logged_in_and_for_nobody_else() -> None:
    role = PLAN["pki/roles/hw-mtls"].body(None)
    alias = "{{identity.entity.aliases.acc_1.metadata.service_account_"
    assert role["allowed_domains"] == f"{alias}name}}}}.{alias}namespace}}}}.svc"
    uri = f"spiffe://cluster.local/ns/{alias}namespace}}}}/sa/{alias}name}}}}"
    assert role["allowed_uri_sans"] == uri
    assert role["allowed_domains_template"] is True
    assert role["allowed_uri_sans_template"] is True
    assert not any(role[each] for each in ("allow_any_name", "allow_ip_sans", "allow_localhost"))
    assert not any(role[each] for each in ("allow_glob_domains", "allow_wildcard_certificates"))


def test_other_mounts_are_named_everywhere() -> None:
    access = VaultAccess("https://vault.test:8200", auth_mount="k8s-east", kv_mount="clinic")
    for step in bootstrap_plan(BootstrapSettings(access), "acc_1"):
        shown = step.path + step.read_path + json.dumps(step.shown())
        assert "secret/data" not in shown
        assert "auth/kubernetes" not in shown


IN_PLACE: list[tuple[str, dict[str, Any]]] = [
    ("sys/mounts/pki", {"type": "pki"}),
    ("transit/keys/hw-operator-state", {"exportable": False, "deletion_allowed": False}),
    ("sys/mounts/secret", {"type": "kv", "options": {"version": "2"}}),
    ("secret/config", {"cas_required": True, "max_versions": 10}),
    ("secret/config", {"cas_required": True, "max_versions": 50}),
    ("sys/auth/kubernetes", {"type": "kubernetes"}),
    (
        "auth/kubernetes/config",
        {
            "kubernetes_host": "https://kubernetes.default.svc",
            "kubernetes_ca_cert": "PEM\n",
            "disable_local_ca_jwt": True,
            "token_reviewer_jwt_set": True,
        },
    ),
    (
        "auth/kubernetes/role/hw-operator",
        {
            "token_policies": ["hw-operator", "hw-operator-quarantine"],
            "audience": "vault",
            "alias_name_source": "serviceaccount_uid",
            "token_period": 3600,
            "token_type": "service",
            "bound_service_account_names": ["wardkeeper"],
            "bound_service_account_namespaces": ["wardkeeper-system"],
        },
    ),
]


@pytest.mark.parametrize(("path", "current"), IN_PLACE)
def test_what_is_as_it_should_be_is_left_alone(path: str, current: Mapping[str, Any]) -> None:
    assert in_place(PLAN[path], current)
    assert not in_place(PLAN[path], None)


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("sys/mounts/secret", {"options": {"version": "1"}}),
        ("sys/mounts/secret", {"options": None}),
        ("sys/mounts/secret", {"type": "pki"}),
        ("secret/config", {"cas_required": False}),
        ("secret/config", {"max_versions": 0}),
        ("sys/auth/kubernetes", {"type": "jwt"}),
        ("auth/kubernetes/config", {"kubernetes_host": "https://other"}),
        ("auth/kubernetes/config", {"kubernetes_ca_cert": "other"}),
        ("auth/kubernetes/config", {"disable_local_ca_jwt": False}),
        ("auth/kubernetes/config", {"token_reviewer_jwt_set": False}),
        ("auth/kubernetes/role/hw-operator", {"token_policies": ["hw-operator", "root"]}),
        ("auth/kubernetes/role/hw-operator", {"token_policies": ["hw-operator"]}),
        ("auth/kubernetes/role/hw-operator", {"audience": ""}),
        ("transit/keys/hw-operator-state", {"exportable": True}),
        ("transit/keys/hw-operator-state", {"deletion_allowed": True}),
        ("sys/mounts/pki", {"type": "kv"}),
        ("auth/kubernetes/role/hw-operator", {"token_period": 7200}),
        ("auth/kubernetes/role/hw-operator", {"bound_service_account_names": ["*"]}),
    ],
)
def test_what_differs_is_written(path: str, change: dict[str, Any]) -> None:
    current = next(current for each, current in IN_PLACE if each == path)
    assert not in_place(PLAN[path], {**current, **change})


def test_a_policy_that_somebody_edited_is_written_again() -> None:
    step = PLAN["sys/policies/acl/hw-workflow-reader"]
    text = step.body(None)["policy"]
    assert in_place(step, {"policy": text + "\n"})
    assert not in_place(step, {"policy": text.replace('["read"]', '["read", "update"]')})


def test_more_old_versions_than_asked_for_are_kept() -> None:
    step = PLAN["secret/config"]
    assert step.body({"cas_required": False, "max_versions": 50})["max_versions"] == 50
    assert step.body(None)["max_versions"] == 10


def test_the_reviewer_token_is_never_shown() -> None:
    assert "canary" not in repr(SETTINGS)
    assert not [step for step in PLAN.values() if "canary" in json.dumps(step.shown()) + repr(step)]


def test_a_new_reviewer_token_is_written_when_asked_for() -> None:
    settings = BootstrapSettings(
        SETTINGS.access, kubernetes_ca="PEM", reviewer_token="x", replace_reviewer_token=True
    )
    steps: dict[str, Step] = {step.path: step for step in bootstrap_plan(settings)}
    current = next(current for each, current in IN_PLACE if each == "auth/kubernetes/config")
    assert not in_place(steps["auth/kubernetes/config"], current)


def test_a_dry_run_prints_every_policy_and_asks_nobody() -> None:
    result = CliRunner().invoke(app, ["bootstrap", "--dry-run"], env={"VAULT_TOKEN": "canary"})
    assert result.exit_code == 0
    assert 'path "auth/kubernetes/role/hw.w.*"' in result.output
    assert "identity.entity.aliases.<ACCESSOR>.metadata" in result.output
    assert "canary" not in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--kubernetes-ca-file is needed"),
        (["--kubernetes-ca-file", "{ca}"], "--reviewer-token-file is needed"),
        (["--kubernetes-ca-file", "{ca}.gone"], "cannot read"),
        (["--kubernetes-ca-file", "{ca}", "--reviewer-token-file", "{ca}"], "set VAULT_TOKEN"),
    ],
)
def test_missing_input_is_named(tmp_path: Path, arguments: list[str], words: str) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("PEM")
    given = [each.format(ca=ca) for each in arguments]
    result = CliRunner().invoke(app, ["bootstrap", *given], env={"VAULT_TOKEN": ""})
    assert result.exit_code == EXIT_INVALID
    assert words in result.output


def test_a_vault_that_is_not_there_is_an_error_in_words(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("PEM")
    files = ["--kubernetes-ca-file", str(ca), "--reviewer-token-file", str(ca)]
    address = ["--address", "http://127.0.0.1:1"]
    result = CliRunner().invoke(app, ["bootstrap", *address, *files], env={"VAULT_TOKEN": "canary"})
    assert result.exit_code == EXIT_FAILED
    assert "Vault cannot be reached" in result.output
    assert "canary" not in result.output
