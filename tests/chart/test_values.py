# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What the chart takes for values: all of the operator's settings, and nothing that is wrong."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from tests.chart.rendering import CHART, MONITORING, Obj, RefusedError, named, render
from wardkeeper.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA: Obj = json.loads((CHART / "values.schema.json").read_text())
BEST = CHART / "values-best-practice.yaml"
VALUES: Obj = yaml.safe_load((CHART / "values.yaml").read_text())
DIGEST = "sha256:" + "a" * 64
ELSEWHERE = {
    "namespaces": "namespaces, with scope: Namespaces",
    "operator.namespace": "the namespace of the release",
    "operator.serviceAccount": "serviceAccount.name",
    "operator.leaseName": "a name of a Role as well",
    "vault.caFile": "vault.ca",
    "vault.databaseCaFile": "vault.databaseCa",
    "vault.tokenFile": "where the chart mounts it",
    "http.host": "the pod's",
    "http.port": "8080, a port of the pod as well",
    "logging.level": "logLevel",
    "verification.canary": "canary.enabled",
    "verification.image": "image",
    "verification.address": "the Service that the canary gets",
    "verification.every": "extraArgs",
    "verification.port": "8081, a port of the pod as well",
}
"""Settings that the chart gives in another way, or does not leave open."""


def settings(model: type[BaseModel] = Settings, path: str = "") -> Iterator[str]:
    """Every setting of the operator."""
    for name, field in model.model_fields.items():
        key = f"{path}{to_camel(name)}"
        kinds = (field.annotation, *getattr(field.annotation, "__args__", ()))
        inner = [one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel)]
        if inner:
            yield from settings(inner[0], f"{key}.")
        else:
            yield key


def taken(schema: Obj, path: str = "") -> Iterator[str]:
    """Every value that a schema takes and that has no values below it."""
    while "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    below = schema.get("properties")
    if not below:
        yield path
        return
    for name, inner in below.items():
        yield from taken(inner, f"{path}.{name}" if path else name)


def objects(schema: Any, path: str = "") -> Iterator[tuple[str, Obj]]:
    """Every schema of an object in the schema."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield path, schema
        for name, inner in schema.items():
            yield from objects(inner, f"{path}/{name}")


def test_every_setting_of_the_operator_can_be_given() -> None:
    values = set(taken(SCHEMA))
    below = {one.removeprefix("settings.") for one in values if one.startswith("settings.")}
    vault = {one for one in values if one.startswith("vault.")}
    missing = set(settings()) - below - vault - set(ELSEWHERE)
    assert missing == set(), "add them to settings or vault in values.schema.json, or to ELSEWHERE"
    mounted = {f"vault.{ca}.{key}" for ca in ("ca", "databaseCa") for key in ("configMap", "key")}
    assert (below | vault) - mounted - set(settings()) == set()


def test_every_default_has_its_place_in_the_schema_and_the_other_way_round() -> None:
    for name in VALUES:
        assert name in SCHEMA["properties"], name
    assert set(SCHEMA["properties"]) - set(VALUES) == {"global"}


def test_whatever_is_not_kubernetes_own_refuses_unknown_keys() -> None:
    open_ones = {path for path, schema in objects(SCHEMA) if "additionalProperties" not in schema}
    assert open_ones == {"/properties/global", "/$defs/kubernetes"} | {
        path for path in open_ones if path.startswith("/properties/extraObjects/")
    }


def with_(path: str, value: object) -> Obj:
    """Values in which one stands."""
    made: Any = value
    for step in reversed(path.split(".")):
        made = {step: made}
    return dict(made)


REFUSED: tuple[tuple[str, Any, str], ...] = (
    ("replicaCount", 2, "additional properties 'replicaCount' not allowed"),
    ("image.name", "x", "additional properties 'name' not allowed"),
    ("settings.http", {"port": 1}, "additional properties 'http' not allowed"),
    ("settings.rotation.collcet", 1, "additional properties 'collcet' not allowed"),
    ("vault.token", "x", "additional properties 'token' not allowed"),
    ("replicas", 0, "at '/replicas': minimum: got 0, want 1"),
    ("replicas", "2", "at '/replicas': got string, want integer"),
    ("scope", "Namespace", "at '/scope': value must be one of 'Cluster', 'Namespaces'"),
    ("scope", "Namespaces", "at '/namespaces': minItems: got 0, want 1"),
    ("namespaces", ["radiology"], "at '/namespaces': maxItems: got 1, want 0"),
    ("image.digest", "sha256:abc", "at '/image/digest': 'sha256:abc' does not match pattern"),
    ("image.digest", "a" * 64, "at '/image/digest'"),
    ("image.tag", "a b", "at '/image/tag': 'a b' does not match pattern"),
    ("image.repository", "", "at '/image/repository': minLength: got 0, want 1"),
    ("logLevel", "trace", "at '/logLevel': value must be one of 'debug', 'info'"),
    ("vault.address", "http://vault.vault.svc:8200", "at '/vault/address'"),
    ("vault.address", "https://user:secret@vault:8200", "at '/vault/address'"),
    ("vault.writesPerSecond", 0, "at '/vault/writesPerSecond': minimum: got 0, want 1"),
    ("admission.ledger", "deny", "at '/admission/ledger': value must be one of 'Deny', 'Warn'"),
    ("settings.leaderElection.duration", "soon", "at '/settings/leaderElection/duration'"),
    ("settings.network.apiServer.cidrs", ["10.0.0.1"], "at '/settings/network/apiServer/cidrs/0'"),
    ("commonLabels", {"team": "a b"}, "at '/commonLabels/team': 'a b' does not match pattern"),
    ("resources", {"limits": {}}, "at '/resources': missing property 'requests'"),
    ("podDisruptionBudget.maxUnavailable", 0, "at '/podDisruptionBudget/maxUnavailable'"),
    ("extraArgs", ["verbose"], "at '/extraArgs/0': 'verbose' does not match pattern"),
    ("networkPolicy.apiServerPorts", [], "at '/networkPolicy/apiServerPorts': minItems"),
    ("serviceMonitor.enabled", True, "this cluster has no kind ServiceMonitor of monitoring."),
    ("podMonitor.enabled", True, "install Prometheus Operator first, or leave podMonitor.enabled"),
    ("prometheusRule.enabled", True, "--api-versions monitoring.coreos.com/v1/PrometheusRule"),
)


@pytest.mark.parametrize(("path", "value", "words"), REFUSED, ids=lambda one: str(one)[:40])
def test_bad_values_are_refused_with_their_place_and_what_is_wanted(
    path: str, value: object, words: str
) -> None:
    values = with_(path, value)
    if path == "resources":
        values["resources"]["requests"] = None  # null takes a default away
    with pytest.raises(RefusedError, match=re.escape(words)):
        render(values=values)


def rule(**changed: Any) -> Obj:
    fine = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}
    return {"grantableRules": [{**fine, **changed}]}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"verbs": ["*"]}, "at '/grantableRules/0/verbs/0': value must be one of 'get', 'list'"),
        ({"verbs": ["escalate"]}, "at '/grantableRules/0/verbs/0'"),
        ({"resources": ["*"]}, "at '/grantableRules/0/resources/0'"),
        ({"resources": ["pods/exec"]}, "at '/grantableRules/0/resources/0'"),
        ({"resources": ["serviceaccounts/token"]}, "at '/grantableRules/0/resources/0'"),
        ({"apiGroups": ["*"]}, "at '/grantableRules/0/apiGroups/0'"),
        ({"apiGroups": ["wardkeeper.io"]}, "at '/grantableRules/0/apiGroups/0'"),
        ({"apiGroups": ["rbac.authorization.k8s.io"]}, "at '/grantableRules/0/apiGroups/0'"),
        ({"resources": ["secrets"]}, "grantableRules[0] names secrets without resourceNames"),
    ],
)
def test_no_right_that_lets_workflows_act_as_others_can_be_made_grantable(
    changed: dict[str, Any], words: str
) -> None:
    with pytest.raises(RefusedError, match=re.escape(words)):
        render(values=rule(**changed))


def test_rights_that_are_bounded_can_be_made_grantable() -> None:
    made = render(values=rule(resources=["secrets"], resourceNames=["shared"]))
    assert named(made, "ClusterRole", "wardkeeper-grantable")["rules"][0]["resourceNames"]


def test_two_monitors_would_count_everything_twice() -> None:
    both = {name: {"enabled": True} for name in ("serviceMonitor", "podMonitor")}
    with pytest.raises(RefusedError, match="every sample would be stored twice; enable one"):
        render(values=both, serves=MONITORING)


def test_settings_that_are_given_reach_the_operator(tmp_path: Path) -> None:
    given = {
        "logLevel": "debug",
        "vault": {"address": "https://v:8200", "ca": {"configMap": "vault-ca"}, "role": "other"},
        "settings": {
            "rotation": {"collect": "1m30s"},
            "logging": {"format": "text"},
            "network": {"dns": {"namespace": "dns", "matchLabels": {"app": "dns"}}},
        },
    }
    text = named(render(values=given), "ConfigMap", "wardkeeper-settings")["data"]["settings.yaml"]
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    loaded = load_settings(file)
    assert loaded.vault
    assert (loaded.logging.level, loaded.logging.format) == ("debug", "text")
    assert loaded.rotation.collect == 90
    assert loaded.network.dns.match_labels == {"app": "dns"}
    assert (loaded.vault.role, loaded.vault.ca_file) == ("other", "/etc/wardkeeper-vault-ca/ca.pem")
