# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What the chart renders passes the linters that people judge charts by."""

from __future__ import annotations

import copy
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.chart import linting
from tests.chart.documentation import README, readme
from tests.chart.rendering import CHART, MONITORING, NAMESPACE, Obj, render
from tests.cluster.access import RESTRICTED
from tests.cluster.build import ensure
from tests.cluster.progress import Report
from tests.cluster.tools import KUBECONFORM
from tests.cluster.tools import MONITORING as MONITORING_FILES
from tests.cluster.waiting import until
from tests.e2e.checkov import failed, findings, program
from tests.e2e.openapi import LOCATION, write_schemas

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cluster.access import ClusterAccess

DIGEST = "sha256:" + "a" * 64
IMAGE = {"image": {"digest": DIGEST}}
VARIANTS: dict[str, list[Obj]] = {
    "default": render(values=IMAGE, tests=True),
    "best practice": render(CHART / "values-best-practice.yaml", serves=MONITORING, tests=True),
    "everything": render(
        values={
            **IMAGE,
            "vault": {"address": "https://vault.vault.svc:8200", "ca": {"configMap": "vault-ca"}},
            "canary": {"enabled": True},
            "podMonitor": {"enabled": True},
            "prometheusRule": {"enabled": True},
            "dashboards": {"enabled": True},
        },
        serves=MONITORING,
        tests=True,
    ),
}

LEFT_TO_THE_PLATFORM = dict.fromkeys(("runAsUser", "runAsGroup", "fsGroup"))
PODS = {
    **VARIANTS,
    "ids of the platform": render(
        values={**IMAGE, "podSecurityContext": LEFT_TO_THE_PLATFORM}, tests=True
    ),
}
"""Checkov wants an id in every pod; Kubernetes does not, where nobody may be root."""

each_variant = pytest.mark.parametrize("variant", VARIANTS)


def test_the_readme_of_the_chart_is_up_to_date() -> None:
    assert README.read_text() == readme(), "run `make chart`"


@each_variant
@pytest.mark.parametrize("check", linting.CHECKS, ids=lambda check: str(check.__name__))
def test_nothing_that_a_linter_looks_for_is_found(
    variant: str, check: Callable[[list[Obj]], Any]
) -> None:
    assert list(check(VARIANTS[variant])) == []


def deployment(objects: list[Obj]) -> Obj:
    (found,) = [one for one in objects if one["kind"] == "Deployment"]
    return found


def container(objects: list[Obj]) -> Obj:
    found: Obj = deployment(objects)["spec"]["template"]["spec"]["containers"][0]
    return found


def of(objects: list[Obj], kind: str, name: str = "wardkeeper") -> Obj:
    (found,) = [o for o in objects if (o["kind"], o["metadata"]["name"]) == (kind, name)]
    return found


def add_rule(objects: list[Obj], resource: str, verb: str) -> None:
    rule = {"apiGroups": [""], "resources": [resource], "verbs": [verb]}
    of(objects, "ClusterRole")["rules"].append(rule)


def change(objects: list[Obj], **fields: Any) -> None:
    container(objects).update(fields)


def pod(objects: list[Obj]) -> Obj:
    found: Obj = deployment(objects)["spec"]["template"]["spec"]
    return found


WEAKENED: dict[Callable[[list[Any]], Any], Callable[[list[Obj]], Any]] = {
    linting.bindings_to_the_default_account: lambda o: of(o, "ClusterRoleBinding")["subjects"][
        0
    ].update(name="default"),
    linting.containers_that_are_not_hardened: lambda o: container(o)["securityContext"].pop(
        "readOnlyRootFilesystem"
    ),
    linting.containers_without_bounds: lambda o: container(o)["resources"]["limits"].pop("cpu"),
    linting.deployments_that_select_other_pods: lambda o: deployment(o)["spec"]["selector"].update(
        matchLabels={"app": "other"}
    ),
    linting.drains_that_never_end: lambda o: of(o, "PodDisruptionBudget")["spec"].update(
        maxUnavailable=0
    ),
    linting.images_that_others_can_replace: lambda o: change(o, image="wardkeeper:latest"),
    linting.monitors_without_services: lambda o: of(o, "Service", "wardkeeper-metrics")["spec"][
        "ports"
    ][0].update(name="other"),
    linting.objects_outside_their_namespace: lambda o: deployment(o)["metadata"].update(
        namespace="default"
    ),
    linting.pods_in_an_open_network: lambda o: o.remove(of(o, "NetworkPolicy")),
    linting.pods_that_reach_the_node: lambda o: pod(o).update(hostNetwork=True),
    linting.pods_with_a_small_user_or_no_seccomp: lambda o: pod(o)["securityContext"].update(
        runAsUser=1000
    ),
    linting.pods_with_a_token_nobody_asked_for: lambda o: pod(o).pop(
        "automountServiceAccountToken"
    ),
    linting.ports_below_1024: lambda o: change(o, ports=[{"containerPort": 80}]),
    linting.replicas_on_one_node: lambda o: pod(o).pop("topologySpreadConstraints"),
    linting.roles_that_grow: lambda o: add_rule(o, "clusterroles", "bind"),
    linting.roles_that_read_secrets: lambda o: add_rule(o, "secrets", "get"),
    linting.roles_that_start_or_enter_pods: lambda o: add_rule(o, "pods", "create"),
    linting.roles_with_wildcards: lambda o: add_rule(o, "*", "get"),
    linting.secrets_in_the_environment: lambda o: change(o, env=[{"name": "VAULT_TOKEN"}]),
    linting.selectors_without_pods: lambda o: of(o, "Service", "wardkeeper-metrics")["spec"].update(
        selector={"app": "other"}
    ),
    linting.servers_without_probes: lambda o: container(o).pop("readinessProbe"),
    linting.services_open_to_the_world: lambda o: of(o, "Service", "wardkeeper-metrics")[
        "spec"
    ].update(type="NodePort"),
}


@pytest.mark.parametrize("check", linting.CHECKS, ids=lambda check: str(check.__name__))
def test_what_is_weakened_is_found_so_that_the_check_can_fail(
    check: Callable[[list[Obj]], Any],
) -> None:
    weak = copy.deepcopy(VARIANTS["best practice"])
    WEAKENED[check](weak)
    assert list(check(weak)) != []


@each_variant
def test_checkov_finds_nothing_and_skips_nothing(variant: str, tmp_path: Path) -> None:
    folder = tmp_path / "chart"
    folder.mkdir()
    (folder / "all.yaml").write_text(yaml.safe_dump_all(VARIANTS[variant]))
    found = findings(program(), folder)
    assert failed(found) == []
    assert (found["summary"]["skipped"], found["summary"]["parsing_errors"]) == (0, 0)
    assert found["summary"]["passed"] > 150


@pytest.fixture
def kubeconform(cluster: ClusterAccess, tmp_path: Path) -> tuple[str, ...]:
    """The command that checks objects against the schemas of a server with Prometheus Operator."""
    folder = ensure(MONITORING_FILES, Report())
    for name in MONITORING_FILES.programs:
        cluster.kubectl("apply", "--server-side", "-f", str(folder / name))
    for name in ("healthcareworkflows", "issuedcredentials"):
        file = CHART.parents[1] / "crds" / f"wardkeeper.io_{name}.yaml"
        cluster.kubectl("apply", "--server-side", "-f", str(file))
    kinds = {(one["apiVersion"], one["kind"]) for all_ in VARIANTS.values() for one in all_}

    def write() -> bool:
        openapi = json.loads(cluster.kubectl("get", "--raw", "/openapi/v2"))
        try:
            write_schemas(openapi, kinds, tmp_path)
        except LookupError:
            return False
        return True

    until(write, "the server publishes every kind")
    command = str(ensure(KUBECONFORM, Report()) / "kubeconform")
    return (command, "-strict", "-summary", "-schema-location", f"{tmp_path}/{LOCATION}", "-")


@pytest.mark.cluster("api")
@each_variant
def test_every_object_fits_the_published_schemas(
    kubeconform: tuple[str, ...], variant: str
) -> None:
    text = yaml.safe_dump_all(VARIANTS[variant])
    done = subprocess.run(kubeconform, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Valid: {len(VARIANTS[variant])}, Invalid: 0, Errors: 0, Skipped: 0" in done.stdout


@pytest.mark.cluster("api")
@pytest.mark.parametrize("variant", PODS)
def test_every_pod_is_fit_for_the_level_restricted(cluster: ClusterAccess, variant: str) -> None:
    space = {"name": f"pods-{variant.replace(' ', '-')}", "labels": RESTRICTED}
    place = {"namespace": space["name"]}
    accounts = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {**place, "name": name}}
        for name in ("wardkeeper", "wardkeeper-selftest")
    ]
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": space}, *accounts)
    pods = list(linting.workloads(PODS[variant]))
    assert len(pods) == 2
    for _, template in pods:
        metadata = {**place, "name": "p"}
        made = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
        said = cluster.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(made))
        assert "pod/p created" in said


def test_objects_stay_in_the_namespace_of_the_release() -> None:
    for one in render(values=IMAGE, namespace="elsewhere"):
        assert one["metadata"].get("namespace", "elsewhere") == "elsewhere"
        assert NAMESPACE not in json.dumps(one) or one["kind"] == "CustomResourceDefinition"
