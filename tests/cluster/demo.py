# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`make demo`: what Wardkeeper does, shown on a real control plane, with the times it takes.

Nothing here is staged: every line is read back from the API server or from OpenBao, and a claim
that does not hold ends the demo with exit code 1.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from kubernetes import client
from rich.console import Console

from tests.cluster.cluster import Cluster
from tests.cluster.installation import PROJECT, Installation
from tests.cluster.vault_server import VaultRefusedError
from tests.cluster.waiting import NotReadyError, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cluster.access import ClusterAccess

SAMPLES = {
    "lab-results-router": "radiology",
    "nightly-claims-export": "claims",
    "immunization-backfill": "publichealth",
}
CHILDREN = (
    "serviceaccounts,networkpolicies,roles,rolebindings,secrets,services,poddisruptionbudgets,"
    "deployments,cronjobs,jobs"
)
SHOWN = "lab-results-router"
PLACE = SAMPLES[SHOWN]
PATIENCE = 60.0


def demo() -> None:
    """Run the whole story.

    Raises:
        NotReadyError: something that is claimed did not happen in time.
    """
    console = Console(highlight=False, soft_wrap=True)
    began = time.monotonic()
    with ExitStack() as stack:
        console.print("[bold]1. A control plane, simulated nodes and OpenBao[/]")
        cluster = stack.enter_context(Cluster("simulated", nodes=2, openbao=True))
        console.print(
            f"   Kubernetes {cluster.version()}, OpenBao {cluster.openbao.version}, "
            f"2 simulated nodes, after {time.monotonic() - began:.1f} s"
        )
        console.print("[bold]2. Wardkeeper, with the rights it ships with[/]")
        stack.enter_context(Installation(cluster))
        console.print(
            "   CRD, RBAC and admission policies from manifests/, policies in OpenBao by "
            "`wardkeeper vault bootstrap`;\n"
            "   the operator runs as system:serviceaccount:wardkeeper-system:wardkeeper"
        )
        _make(cluster, console)
        _attack(cluster, console)
        _rotate(cluster, console)
        _remove(cluster, console)
    console.print(f"[bold]Done[/] after {time.monotonic() - began:.0f} s; everything is stopped.")


def _make(cluster: ClusterAccess, console: Console) -> None:
    """Apply the samples and say what became of each, when it is there."""
    console.print("[bold]3. Three workflows: kubectl apply -f manifests/samples/[/]")
    began = time.monotonic()
    cluster.kubectl("apply", "-f", str(PROJECT / "manifests/samples"))
    waiting = dict(SAMPLES)

    def look() -> bool:
        for name, namespace in tuple(waiting.items()):
            workflow = cluster.get("healthcareworkflow", name, namespace)
            ready = _condition(workflow, "Ready")
            if ready.get("status") == "True":
                del waiting[name]
                console.print(
                    f"   [green]{name}[/] Ready after {time.monotonic() - began:.1f} s: "
                    f"{ready['message']}"
                )
                _list_children(cluster, console, name, namespace)
        return not waiting

    with console.status("   waiting until pods are Ready ..."):
        until(look, "all samples are Ready", seconds=PATIENCE)


def _list_children(cluster: ClusterAccess, console: Console, name: str, namespace: str) -> None:
    chosen = f"wardkeeper.io/workflow={name},app.kubernetes.io/managed-by=wardkeeper"
    found = cluster.items(CHILDREN, namespace, chosen)
    counts = Counter(str(one["kind"]) for one in found)
    shown = (kind if many == 1 else f"{kind} x{many}" for kind, many in counts.items())
    console.print(f"      {', '.join(shown)}")


def _attack(cluster: ClusterAccess, console: Console) -> None:
    """Undo guards by hand and measure how long each stays undone."""
    console.print("[bold]4. Changes by hand; the time until they are undone, request included[/]")
    api = cluster.api_client()
    network: Any = client.NetworkingV1Api(api)
    rbac: Any = client.RbacAuthorizationV1Api(api)
    apps: Any = client.AppsV1Api(api)
    core: Any = client.CoreV1Api(api)
    deny, secret = f"{SHOWN}-deny", f"{SHOWN}-ehr-client"
    policy = network.read_namespaced_network_policy(deny, PLACE)
    rules = rbac.read_namespaced_role(SHOWN, PLACE).rules
    content = core.read_namespaced_secret(secret, PLACE).data

    def policy_back() -> bool:
        found = network.list_namespaced_network_policy(
            PLACE, field_selector=f"metadata.name={deny}"
        )
        return any(one.metadata.uid != policy.metadata.uid for one in found.items)

    def read_only() -> bool:
        pod = apps.read_namespaced_deployment(SHOWN, PLACE).spec.template.spec
        return bool(pod.containers[0].security_context.read_only_root_filesystem)

    everything = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}
    container = {"name": "router", "securityContext": {"readOnlyRootFilesystem": False}}
    writable = {"spec": {"template": {"spec": {"containers": [container]}}}}
    forged = {"data": dict.fromkeys(content, "Zm9yZ2Vk")}
    for what, act, back in (
        (
            "NetworkPolicy deleted",
            lambda: network.delete_namespaced_network_policy(deny, PLACE),
            policy_back,
        ),
        (
            "Role widened to read every Secret",
            lambda: rbac.patch_namespaced_role(SHOWN, PLACE, {"rules": [everything]}),
            lambda: rbac.read_namespaced_role(SHOWN, PLACE).rules == rules,
        ),
        (
            "Deployment's root file system made writable",
            lambda: apps.patch_namespaced_deployment(SHOWN, PLACE, writable),
            read_only,
        ),
        (
            "delivered Secret overwritten",
            lambda: core.patch_namespaced_secret(secret, PLACE, forged),
            lambda: core.read_namespaced_secret(secret, PLACE).data == content,
        ),
    ):
        _measure(console, what, act, back)
    until(
        lambda: _drift(cluster).get("repaired", 0) >= 4,
        "status tells of the drift",
        seconds=PATIENCE,
    )
    last = _drift(cluster)["last"]
    console.print(
        f"   status.drift: {_drift(cluster)['repaired']} repaired, the last: {last['kind']} "
        f"{last['name']}, {', '.join(last['fields'])}, by {last['manager']}"
    )


def _measure(console: Console, what: str, act: Callable[[], Any], back: Callable[[], bool]) -> None:
    began = time.monotonic()
    act()
    until(back, f"{what}: put back", seconds=PATIENCE, pause=0.002)
    took = (time.monotonic() - began) * 1000
    console.print(f"   {what + ':':<45} back after [green]{took:.0f} ms[/]")


def _rotate(cluster: ClusterAccess, console: Console) -> None:
    """Ask for another secret: the workload rolls once, and the ledger keeps both for a while."""
    console.print(f"[bold]5. kubectl annotate hcw {SHOWN} wardkeeper.io/rotate-now=ehr-client[/]")
    before, rolled = _secret(cluster), _replica_sets(cluster)
    began = time.monotonic()
    cluster.kubectl("annotate", "hcw", SHOWN, "-n", PLACE, "wardkeeper.io/rotate-now=ehr-client")
    with console.status("   waiting until the new one has proven itself ..."):
        until(
            lambda: _secret(cluster) != before and _secret_phase(cluster) == "Overlap",
            "the new secret is in use",
            seconds=PATIENCE,
        )
    if _replica_sets(cluster) != rolled + 1:
        raise NotReadyError(f"rolled {_replica_sets(cluster) - rolled} times, and once was wanted")
    entries = cluster.items("issuedcredentials", "wardkeeper-system", "")
    phases = Counter(
        str(one["status"]["phase"])
        for one in entries
        if one["spec"]["workflowRef"]["name"] == SHOWN and one["spec"].get("secret")
    )
    shown = ", ".join(f"{many} {phase}" for phase, many in sorted(phases.items()))
    console.print(
        f"   another value delivered and the workload rolled once, after "
        f"{time.monotonic() - began:.1f} s; in the ledger: {shown}"
    )


def _secret(cluster: ClusterAccess) -> dict[str, str]:
    found = cluster.get("secret", f"{SHOWN}-ehr-client", PLACE) or {}
    data: dict[str, str] = found.get("data", {})
    return data


def _secret_phase(cluster: ClusterAccess) -> str:
    workflow = cluster.get("healthcareworkflow", SHOWN, PLACE) or {}
    told = workflow.get("status", {}).get("secrets", ())
    return next((str(one["phase"]) for one in told if one["name"] == "ehr-client"), "")


def _replica_sets(cluster: ClusterAccess) -> int:
    return len(cluster.items("replicasets", PLACE, f"wardkeeper.io/workflow={SHOWN}"))


def _remove(cluster: ClusterAccess, console: Console) -> None:
    """Delete a workflow and look for anything that is left."""
    console.print(f"[bold]6. kubectl delete hcw {SHOWN}[/]")
    began = time.monotonic()
    cluster.kubectl("delete", "hcw", SHOWN, "-n", PLACE, f"--timeout={PATIENCE:.0f}s")
    chosen = f"wardkeeper.io/workflow={SHOWN}"
    until(
        lambda: not cluster.items(f"{CHILDREN},replicasets,pods", PLACE, chosen),
        "no child is left",
        seconds=PATIENCE,
    )
    roles = [role for role in _keys(cluster, "auth/kubernetes/role") if f".{SHOWN}" in role]
    entries = _keys(cluster, f"secret/metadata/hw/{PLACE}/{SHOWN}")
    if roles or entries:
        raise NotReadyError(f"left in OpenBao: roles {roles}, KV entries {entries}")
    console.print(
        f"   gone after {time.monotonic() - began:.1f} s: no child in the cluster, no role and no "
        "KV entry in OpenBao"
    )


def _keys(cluster: ClusterAccess, path: str) -> list[str]:
    try:
        answer = cluster.openbao.api("LIST", path)
    except VaultRefusedError as error:
        if " 404 " in str(error):
            return []
        raise
    keys: list[str] = answer["data"]["keys"]
    return keys


def _drift(cluster: ClusterAccess) -> dict[str, Any]:
    workflow = cluster.get("healthcareworkflow", SHOWN, PLACE) or {}
    drift: dict[str, Any] = workflow.get("status", {}).get("drift", {})
    return drift


def _condition(workflow: dict[str, Any] | None, kind: str) -> dict[str, Any]:
    conditions = (workflow or {}).get("status", {}).get("conditions", ())
    return next((one for one in conditions if one["type"] == kind), {})
