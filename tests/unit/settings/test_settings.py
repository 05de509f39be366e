# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Settings are checked as a whole, and what is wrong is said in the words of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wardkeeper.settings import (
    LogLevel,
    RotationSettings,
    Settings,
    SettingsError,
    Switch,
    VaultSettings,
    VerificationSettings,
    load_settings,
)

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = """
namespaces: [radiology, claims, ops]
operator: {namespace: ops, serviceAccount: keeper, leaseName: keeper}
leaderElection: {duration: 1m, deadline: 40s, retry: 5s}
concurrency: {requests: 4, workers: 2}
network:
  dns: {namespace: dns, matchLabels: {app: coredns}}
  apiServer: {cidrs: [10.0.0.1/32, "fd00::/64"], ports: [6443]}
images: {pullPolicy: IfNotPresent}
vault: {address: "https://vault.example.org:8200/", caFile: /ca.pem, namespace: team,
  authMount: k8s, kvMount: kv, databaseMount: db, pkiMount: ca, transitMount: keys,
  trustDomain: example.org, databaseCaFile: /db.pem, writesPerSecond: 10, role: r,
  credentialsPerSecond: 5, tokenPeriod: 12h, tokenFile: /token}
rotation: {collect: 0s, minRestartInterval: 10m, restartsPerMinute: 5, verifyWindow: 1m,
  metricsPerSecret: Disabled}
verification: {canary: Enabled, image: "w@sha256:%s", address: "http://canary.ops:80/",
  every: 30s, port: 9001}
http: {host: 127.0.0.1, port: 9000}
logging: {level: debug, format: text}
events: Disabled
""" % ("0" * 64)


def load(folder: Path, text: str, *overrides: str) -> Settings:
    file = folder / "settings.yaml"
    file.write_text(text)
    return load_settings(file, overrides)


def refusal(folder: Path, text: str, *overrides: str) -> str:
    with pytest.raises(SettingsError) as refused:
        load(folder, text, *overrides)
    return str(refused.value).replace(f"{folder}/", "")


def test_every_setting_has_a_default() -> None:
    settings = load_settings(None)
    assert settings == Settings()
    assert settings.operator.namespace == "wardkeeper-system"
    assert settings.leader_election.duration == 15
    assert settings.vault is None


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, "# nothing\n") == Settings()


def test_every_key_is_read(tmp_path: Path) -> None:
    settings = load(tmp_path, WHOLE)
    assert settings.namespaces == ("radiology", "claims", "ops")
    assert settings.operator.lease_name == "keeper"
    assert settings.leader_election.duration == 60
    assert settings.network.api_server.cidrs == ("10.0.0.1/32", "fd00::/64")
    assert settings.network.dns.match_labels == {"app": "coredns"}
    assert settings.vault
    assert settings.vault.address == "https://vault.example.org:8200"
    assert settings.vault.model_fields_set == set(VaultSettings.model_fields)
    assert settings.rotation.collect == 0
    assert settings.rotation.min_restart_interval == 600
    assert settings.rotation.metrics_per_secret is Switch.DISABLED
    assert settings.rotation.model_fields_set == set(RotationSettings.model_fields)
    assert settings.verification.address == "http://canary.ops:80"
    assert settings.verification.model_fields_set == set(VerificationSettings.model_fields)
    assert settings.logging.level is LogLevel.DEBUG
    assert settings.events is Switch.DISABLED
    every_field = set(Settings.model_fields)
    assert settings.model_fields_set == every_field


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("htpp: {}", "settings.yaml: htpp: unknown key; known here: concurrency, events, http"),
        ("http: {prot: 1}", "settings.yaml: http.prot: unknown key; known here: host, port"),
        ("vault: {tls: 1, address: 'https://v'}", "vault.tls: unknown key; known here: address"),
        ("images: {pull_policy: Always}", "images.pull_policy: unknown key; known here: pullP"),
        ("http: {port: '8080'}", "http.port: found '8080', wanted a valid integer"),
        ("concurrency: {workers: true}", "concurrency.workers: found True, wanted a valid integer"),
        ("concurrency: {workers: 0}", "concurrency.workers: found 0, wanted greater than or equal"),
        ("http: 5", "settings.yaml: http: found 5, wanted a map"),
        ("namespaces: [Radiology]", "namespaces.0: found 'Radiology', wanted a name of at most 63"),
        ("events: off", "events: found False, wanted 'Enabled' or 'Disabled'"),
        ("logging: {level: trace}", "logging.level: found 'trace', wanted 'debug', 'info'"),
        ("vault: {}", "vault.address: missing"),
        ("verification: {canary: Enabled}", "wanted an image when the canary is Enabled"),
        ("verification: {image: 'w:1'}", "found 'w:1', wanted an image by its digest"),
        ("verification: {address: 'canary:80'}", "wanted a URL without credentials"),
        (
            f"{{namespaces: [x], verification: {{canary: Enabled, image: 'w@sha256:{'0' * 64}'}}}}",
            "wanted the operator's namespace among namespaces",
        ),
        ("vault: {address: 'http://vault:8200'}", "wanted an https URL: tokens and secrets would"),
        ("vault: {address: 'https://u:p@vault'}", "wanted a URL without credentials"),
        ("network: {apiServer: {cidrs: [10.0.0.1/8], ports: [1]}}", "wanted a CIDR without host"),
        ("network: {apiServer: {cidrs: [10.0.0.1/32]}}", "wanted cidrs and ports together"),
        ("leaderElection: {deadline: 20s}", "leaderElection: found a map, wanted retry less than"),
        (
            "leaderElection: {retry: soon}",
            "leaderElection.retry: found 'soon', wanted 'soon' is no",
        ),
        ("rotation: {collect: 2h}", "rotation.collect: found '2h', wanted less than or equal"),
        ("rotation: {restartsPerMinute: 0}", "rotation.restartsPerMinute: found 0, wanted grea"),
        ("rotation: {metricsPerSecret: true}", "rotation.metricsPerSecret: found True, wanted '"),
        ("rotation: {windows: []}", "rotation.windows: unknown key; known here: collect, metr"),
        ("- a", "settings.yaml: wanted one YAML map of settings"),
        ("a: [", "settings.yaml: line 1, column 5: "),
        ("http: {}\nhttp: {}", "settings.yaml: line 2, column 1: key 'http' stands here twice"),
    ],
)
def test_a_mistake_is_told_with_file_key_what_was_found_and_what_is_wanted(
    tmp_path: Path, text: str, sentence: str
) -> None:
    assert sentence in refusal(tmp_path, text)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    told = refusal(tmp_path, "http: {port: 0}\nfoo: 1\nimages: {pullPolicy: Never}")
    assert len(told.splitlines()) == 3


def test_a_token_in_the_wrong_place_is_not_repeated(tmp_path: Path) -> None:
    told = refusal(tmp_path, "vault: {address: 'https://vault', token: hvs.CANARY}")
    assert "vault.token: unknown key" in told
    assert "CANARY" not in told


def test_a_password_in_the_address_is_not_repeated(tmp_path: Path) -> None:
    told = refusal(tmp_path, "vault: {address: 'https://admin:CANARY@vault'}")
    assert "vault.address" in told
    assert "CANARY" not in told


def test_vault_on_this_machine_may_be_spoken_to_in_the_clear(tmp_path: Path) -> None:
    assert load(tmp_path, "vault: {address: 'http://127.0.0.1:8200'}").vault


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.yaml: cannot be read: FileNotFoundError"):
        load_settings(tmp_path / "absent.yaml")


def test_flags_override_the_file_key_by_key(tmp_path: Path) -> None:
    flags = ("http.port=9001", "namespaces=[a,ops]", "leaderElection.retry=3s")
    settings = load(tmp_path, WHOLE, *flags)
    assert settings.http.port == 9001
    assert settings.http.host == "127.0.0.1"
    assert settings.namespaces == ("a", "ops")
    assert settings.leader_election.retry == 3


def test_flags_are_checked_like_the_file(tmp_path: Path) -> None:
    assert "htpp: unknown key" in refusal(tmp_path, "", "htpp.port=1")
    assert "given as key=value" in refusal(tmp_path, "", "http.port")
    assert "http.port: the value after = is not YAML" in refusal(tmp_path, "", "http.port=[")


def test_every_setting_is_described() -> None:
    def walk(model: type, path: str) -> None:
        for name, field in model.model_fields.items():  # type: ignore[attr-defined]
            assert field.description, f"{path}{name} has no description"
            kinds = (field.annotation, *getattr(field.annotation, "__args__", ()))
            for kind in kinds:
                if hasattr(kind, "model_fields"):
                    walk(kind, f"{path}{name}.")

    walk(Settings, "")
