# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What linters of Kubernetes objects look for, asked of everything that is installed.

Each check takes all objects and yields what is wrong, in words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.chart.rendering import Obj

ROLES = ("Role", "ClusterRole")
MAY_SECRETS = ("wardkeeper-namespace",)
"""Roles that may name Secrets."""
MAY_PODS = ("wardkeeper-selftest",)
"""Roles that may ask for pods: `helm test` asks for one that is to be refused, and only then."""


def workloads(objects: list[Obj]) -> Iterator[tuple[str, Obj]]:
    """Every object that is a pod or makes pods, and the pod or its template."""
    for one in objects:
        if one["kind"] in ("Deployment", "Pod"):
            name = f"{one['kind']} {one['metadata']['name']}"
            yield name, one["spec"].get("template", one)


def containers(objects: list[Obj]) -> Iterator[tuple[str, Obj]]:
    """Every container that would run."""
    for name, template in workloads(objects):
        for one in (*template["spec"].get("initContainers", ()), *template["spec"]["containers"]):
            yield f"{name}/{one['name']}", one


def rules(objects: list[Obj]) -> Iterator[tuple[str, Obj]]:
    """Every rule of every role."""
    for one in objects:
        if one["kind"] in ROLES:
            for rule in one["rules"]:
                yield one["metadata"]["name"], rule


def _selected(selector: Obj, objects: list[Obj]) -> bool:
    wanted = selector.get("matchLabels", selector).items()
    return any(wanted <= t["metadata"]["labels"].items() for _, t in workloads(objects))


def _of_kind(objects: list[Obj], kind: str) -> Iterator[Obj]:
    return (one for one in objects if one["kind"] == kind)


def pods_in_an_open_network(objects: list[Obj]) -> Iterator[str]:
    for name, template in workloads(objects):
        labels = template["metadata"]["labels"].items()
        if not any(
            one["spec"]["podSelector"]["matchLabels"].items() <= labels
            and set(one["spec"]["policyTypes"]) == {"Ingress", "Egress"}
            for one in _of_kind(objects, "NetworkPolicy")
        ):
            yield name


def selectors_without_pods(objects: list[Obj]) -> Iterator[str]:
    for kind, field in (
        ("NetworkPolicy", "podSelector"),
        ("Service", "selector"),
        ("PodDisruptionBudget", "selector"),
        ("PodMonitor", "selector"),
    ):
        for one in _of_kind(objects, kind):
            if not _selected(one["spec"][field], objects):
                yield f"{kind} {one['metadata']['name']}"


def monitors_without_services(objects: list[Obj]) -> Iterator[str]:
    for one in _of_kind(objects, "ServiceMonitor"):
        wanted = one["spec"]["selector"]["matchLabels"].items()
        ports = {each["port"] for each in one["spec"]["endpoints"]}
        if not any(
            wanted <= service["metadata"]["labels"].items()
            and ports <= {port["name"] for port in service["spec"]["ports"]}
            for service in _of_kind(objects, "Service")
        ):
            yield one["metadata"]["name"]


def deployments_that_select_other_pods(objects: list[Obj]) -> Iterator[str]:
    for one in _of_kind(objects, "Deployment"):
        wanted = one["spec"]["selector"]["matchLabels"].items()
        if not wanted <= one["spec"]["template"]["metadata"]["labels"].items():
            yield one["metadata"]["name"]


def drains_that_never_end(objects: list[Obj]) -> Iterator[str]:
    for one in _of_kind(objects, "PodDisruptionBudget"):
        if not one["spec"].get("maxUnavailable"):
            yield one["metadata"]["name"]


def replicas_on_one_node(objects: list[Obj]) -> Iterator[str]:
    for one in _of_kind(objects, "Deployment"):
        spread = one["spec"]["template"]["spec"].get("topologySpreadConstraints", ())
        keys = {each["topologyKey"] for each in spread}
        if one["spec"]["replicas"] < 2 or "kubernetes.io/hostname" not in keys:
            yield one["metadata"]["name"]


def roles_that_read_secrets(objects: list[Obj]) -> Iterator[str]:
    return (n for n, r in rules(objects) if "secrets" in r["resources"] and n not in MAY_SECRETS)


def roles_that_start_or_enter_pods(objects: list[Obj]) -> Iterator[str]:
    writes = {"create", "update", "patch"}
    for name, rule in rules(objects):
        ways = {"pods/exec", "pods/attach", "pods/portforward", "pods/ephemeralcontainers"}
        if ways & set(rule["resources"]) or (
            "pods" in rule["resources"] and writes & set(rule["verbs"]) and name not in MAY_PODS
        ):
            yield name


def roles_with_wildcards(objects: list[Obj]) -> Iterator[str]:
    for name, rule in rules(objects):
        if any("*" in rule.get(field, ()) for field in ("apiGroups", "resources", "verbs")):
            yield name


def roles_that_grow(objects: list[Obj]) -> Iterator[str]:
    ways = {"escalate", "bind", "impersonate", "approve", "sign"}
    return (name for name, rule in rules(objects) if ways & set(rule["verbs"]))


def bindings_to_the_default_account(objects: list[Obj]) -> Iterator[str]:
    for one in objects:
        if one["kind"].endswith("RoleBinding") and any(
            subject["name"] == "default" or subject["kind"] == "Group"
            for subject in one["subjects"]
        ):
            yield one["metadata"]["name"]


def secrets_in_the_environment(objects: list[Obj]) -> Iterator[str]:
    for name, one in containers(objects):
        for variable in one.get("env", ()):
            words = ("PASSWORD", "SECRET", "TOKEN", "KEY")
            taken = "secretKeyRef" in variable.get("valueFrom", {})
            if taken or any(word in variable["name"].upper() for word in words):
                yield f"{name} {variable['name']}"


def pods_that_reach_the_node(objects: list[Obj]) -> Iterator[str]:
    for name, template in workloads(objects):
        spec = template["spec"]
        if any(spec.get(field) for field in ("hostNetwork", "hostPID", "hostIPC")):
            yield name
        if any("hostPath" in volume for volume in spec.get("volumes", ())):
            yield name
        if any("hostPort" in port for one in spec["containers"] for port in one.get("ports", ())):
            yield name


def containers_that_are_not_hardened(objects: list[Obj]) -> Iterator[str]:
    wanted: Obj = {
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
    }
    for name, one in containers(objects):
        if one.get("securityContext") != wanted:
            yield name


def pods_with_a_small_user_or_no_seccomp(objects: list[Obj]) -> Iterator[str]:
    for name, template in workloads(objects):
        context = template["spec"].get("securityContext", {})
        users = (context.get("runAsUser", 0), context.get("runAsGroup", 0))
        if min(users) < 10000 or context.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield name


def pods_with_a_token_nobody_asked_for(objects: list[Obj]) -> Iterator[str]:
    for name, template in workloads(objects):
        spec = template["spec"]
        if spec.get("automountServiceAccountToken") is not False or spec.get("enableServiceLinks"):
            yield name
        if spec.get("serviceAccountName", "default") == "default":
            yield name


def containers_without_bounds(objects: list[Obj]) -> Iterator[str]:
    for name, one in containers(objects):
        for kind in ("requests", "limits"):
            if not {"cpu", "memory"} <= set(one.get("resources", {}).get(kind, {})):
                yield f"{name} {kind}"


def servers_without_probes(objects: list[Obj]) -> Iterator[str]:
    for name, one in containers(objects):
        if one.get("ports") and not {"livenessProbe", "readinessProbe"} <= set(one):
            yield name


def images_that_others_can_replace(objects: list[Obj]) -> Iterator[str]:
    return (name for name, one in containers(objects) if "@sha256:" not in one["image"])


def ports_below_1024(objects: list[Obj]) -> Iterator[str]:
    for name, one in containers(objects):
        if any(port["containerPort"] < 1024 for port in one.get("ports", ())):
            yield name


def objects_outside_their_namespace(objects: list[Obj]) -> Iterator[str]:
    for one in objects:
        if one["metadata"].get("namespace") == "default":
            yield f"{one['kind']} {one['metadata']['name']}"


def services_open_to_the_world(objects: list[Obj]) -> Iterator[str]:
    for one in _of_kind(objects, "Service"):
        if one["spec"].get("type", "ClusterIP") != "ClusterIP":
            yield one["metadata"]["name"]


CHECKS: tuple[Callable[[list[Any]], Iterator[str]], ...] = (
    bindings_to_the_default_account,
    containers_that_are_not_hardened,
    containers_without_bounds,
    deployments_that_select_other_pods,
    drains_that_never_end,
    images_that_others_can_replace,
    monitors_without_services,
    objects_outside_their_namespace,
    pods_in_an_open_network,
    pods_that_reach_the_node,
    pods_with_a_small_user_or_no_seccomp,
    pods_with_a_token_nobody_asked_for,
    ports_below_1024,
    replicas_on_one_node,
    roles_that_grow,
    roles_that_read_secrets,
    roles_that_start_or_enter_pods,
    roles_with_wildcards,
    secrets_in_the_environment,
    selectors_without_pods,
    servers_without_probes,
    services_open_to_the_world,
)
