# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`make demo LEVEL=netpol`: the same on a real node, with packets and files instead of objects.

Every line is what a process in a pod has tried; a claim that does not hold ends the demo with exit
code 1.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from rich.console import Console

from tests.cluster.installation import NAMESPACE
from tests.cluster.node.cluster import NodeCluster
from tests.cluster.node.installation import PodInstallation
from tests.cluster.waiting import NotReadyError, until
from tests.node.scene import SUBJECT, WARD, build
from tests.node.streams import RATE, from_pod
from tests.node.workflows import KIND, LABEL, pod_of

if TYPE_CHECKING:
    from tests.node.scene import Scene

PATIENCE = 120.0
PASSWORD = "/var/run/wardkeeper/secrets/api/password"


def demo() -> None:
    """Run the whole story.

    Raises:
        NotReadyError: something that is claimed did not happen.
    """
    console = Console(highlight=False, soft_wrap=True)
    began = time.monotonic()
    with ExitStack() as stack:
        console.print("[bold]1. A control plane, a real node and OpenBao, in namespaces[/]")
        node = stack.enter_context(NodeCluster(openbao=True))
        console.print(
            f"   Kubernetes {node.version()}, OpenBao {node.openbao.version}, containerd, kubelet, "
            f"kube-proxy, kube-router, CoreDNS after {time.monotonic() - began:.1f} s"
        )
        console.print("[bold]2. Wardkeeper: helm install, from an image made just now[/]")
        operator = stack.enter_context(PodInstallation(node))
        console.print(f"   {operator.image.digest}\n   two replicas, {operator.leader()} leads")
        scene = build(node, operator)
        _packets(scene, console)
        _intrusion(scene, console)
        _takeover(scene, console)
        _rotation(scene, console)
        _removal(scene, console)
    console.print(f"[bold]Done[/] after {time.monotonic() - began:.0f} s; everything is gone.")


def _packets(scene: Scene, console: Console) -> None:
    """Try everything from the workflow's pod."""
    declared, undeclared = scene.declared, scene.undeclared
    console.print(f"[bold]3. What the pod of workflow {SUBJECT} reaches[/]")
    _claim(not scene.cut() and not scene.leaks(), "its network is not as declared")
    console.print(f"   all [green]{len(declared)}[/] places that it declares:")
    console.print("".join(f"      {name}\n" for name in declared), end="")
    console.print(f"   none of [green]{len(undeclared)}[/] others, each of which answers others:")
    console.print("".join(f"      {name}\n" for name in undeclared), end="")


def _intrusion(scene: Scene, console: Console) -> None:
    """Delete both policies while somebody knocks."""
    node = scene.node
    console.print(f"[bold]4. Both NetworkPolicies deleted, while {RATE} packets a second come[/]")
    policies = [f"{SUBJECT}-deny", f"{SUBJECT}-allow"]
    place = f"tcp/{scene.subject_address}/8080"
    log = node.run.folder / "stranger.log"
    with from_pod(node, WARD, "stranger", place, log) as stream:
        node.kubectl("delete", "networkpolicy", *policies, "-n", WARD)
        until(
            lambda: all(node.get("networkpolicy", one, WARD) for one in policies),
            "both are back",
            seconds=PATIENCE,
        )
        stream.goes_on(3 * RATE)
    console.print(f"   both are back; [green]{stream.total.made}[/] of {stream.total.asked} passed")


def _takeover(scene: Scene, console: Console) -> None:
    """Kill the leader."""
    node, operator = scene.node, scene.operator
    killed = operator.leader()
    console.print(f"[bold]5. Every process of {killed} killed[/]")
    pod = node.get("pod", killed, NAMESPACE) or {}
    began = time.monotonic()
    node.kill(pod["metadata"]["uid"])
    node.kubectl("delete", "pod", killed, "-n", NAMESPACE, "--grace-period=0", "--force")
    until(lambda: operator.leader() not in ("", killed), "another leads", seconds=PATIENCE)
    took = time.monotonic() - began
    console.print(f"   {operator.leader()} leads after [green]{took:.1f} s[/]")


def _rotation(scene: Scene, console: Console) -> None:
    """Have a secret replaced under a running process."""
    node = scene.node
    console.print(f"[bold]6. kubectl annotate hcw {SUBJECT} wardkeeper.io/rotate-now=api[/]")
    pod = pod_of(node, WARD, SUBJECT)

    def content() -> str:
        name = pod["metadata"]["name"]
        return node.kubectl("exec", name, "-n", WARD, "--", "cat", PASSWORD)

    before = content()
    began = time.monotonic()
    node.kubectl("annotate", KIND, SUBJECT, "-n", WARD, "wardkeeper.io/rotate-now=api")
    until(lambda: content() != before, "the file holds another value", seconds=PATIENCE)
    took = time.monotonic() - began
    same = pod_of(node, WARD, SUBJECT)["metadata"]["uid"] == pod["metadata"]["uid"]
    _claim(same, "the pod was replaced")
    console.print(f"   the file in the pod has changed after {took:.0f} s, the process goes on")


def _removal(scene: Scene, console: Console) -> None:
    """Delete the workflow and look for what is left."""
    node = scene.node
    console.print(f"[bold]7. kubectl delete hcw {SUBJECT}[/]")
    node.kubectl("delete", KIND, SUBJECT, "-n", WARD, "--timeout=50s")
    kinds = "pods,networkpolicies,secrets,services,serviceaccounts,deployments"
    until(
        lambda: not node.items(kinds, WARD, f"{LABEL}={SUBJECT}"),
        "nothing of it is left",
        seconds=PATIENCE,
    )
    console.print("   nothing of it is left")


def _claim(holds: bool, otherwise: str) -> None:
    if not holds:
        raise NotReadyError(otherwise)
