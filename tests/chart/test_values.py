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

from tests.chart.examples import REFUSED, TAKEN
from tests.chart.rendering import (
    CHART,
    HELM_TOOLS,
    MONITORING,
    Obj,
    RefusedError,
    named,
    render,
)
from wardkeeper.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.tools import Tool

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
    assert set(SCHEMA["properties"]) - set(VALUES) == {"global", "enabled"}  # of a parent chart


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


@pytest.mark.parametrize("helm", HELM_TOOLS, ids=lambda helm: helm.name)
@pytest.mark.parametrize(("path", "value", "words"), REFUSED, ids=lambda one: str(one)[:40])
def test_bad_values_are_refused_with_their_place_and_what_is_wanted(
    path: str, value: object, words: str, helm: Tool
) -> None:
    values = with_(path, value)
    if path == "resources":
        values["resources"]["requests"] = None  # null takes a default away
    with pytest.raises(RefusedError, match=re.escape(words)):
        render(values=values, helm=helm)


@pytest.mark.parametrize(("path", "value"), TAKEN, ids=lambda one: str(one)[:40])
def test_values_that_make_sense_are_taken_and_give_settings_that_the_operator_takes(
    path: str, value: object, tmp_path: Path
) -> None:
    values = {"vault": {"address": "https://v"}, **with_(path, value)}
    made = render(values={**values, **({"scope": "Namespaces"} if path == "namespaces" else {})})
    file = tmp_path / "settings.yaml"
    file.write_text(named(made, "ConfigMap", "wardkeeper-settings")["data"]["settings.yaml"])
    load_settings(file)


def test_a_name_that_yaml_could_take_for_something_else_stays_a_name() -> None:
    """Namespaces, accounts and ConfigMaps may be called 123 or true."""
    values = {
        "scope": "Namespaces",
        "namespaces": ["123"],
        "serviceAccount": {"name": "0x1f"},
        "priorityClassName": "17",
        "vault": {
            "address": "https://v",
            "ca": {"configMap": "true", "key": "1"},
            "databaseCa": {"configMap": "null", "key": "2"},
        },
        "settings": {"network": {"dns": {"namespace": "456", "matchLabels": {"app": "0"}}}},
    }
    for one in render(values=values, namespace="007", tests=True):
        assert list(misread(one)) == [], one["metadata"]["name"]


def misread(one: Any, path: str = "") -> Iterator[str]:
    """Where an object holds something else than text that must be text."""
    for key, inner in one.items() if isinstance(one, dict) else enumerate(one):
        if isinstance(inner, dict | list):
            yield from misread(inner, f"{path}.{key}")
        elif not isinstance(key, int) and key in TEXT and not isinstance(inner, str):
            yield f"{path}.{key}: {inner!r}"


TEXT = (
    *("name", "namespace", "serviceAccountName", "priorityClassName", "key"),
    "kubernetes.io/metadata.name",
)


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
