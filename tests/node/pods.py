# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Pods of tests: hardened as Pod Security asks, and made from the probe image."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.cluster.node.probe import ANSWERED, SECONDS
from tests.cluster.waiting import NotReadyError, until

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.cluster.node.cluster import NodeCluster

HARDENED: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "runAsGroup": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def probe_pod(
    node: NodeCluster,
    namespace: str,
    name: str,
    *listening: str,
    labels: Mapping[str, str] | None = None,
) -> str:
    """Start a pod that answers at the given places, such as `tcp/8080`; its address once ready.

    Without places it answers at tcp/8080. It may listen on low ports, as anybody in a pod may who
    asks for that.
    """
    container = {
        "name": "main",
        "image": node.probe_image.reference,
        "imagePullPolicy": "IfNotPresent",
        "args": ["listen", *(listening or ("tcp/8080",))],
        "securityContext": HARDENED,
        "resources": {
            "requests": {"cpu": "10m", "memory": "16Mi"},
            "limits": {"cpu": "500m", "memory": "64Mi"},
        },
    }
    low = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
    spec = {
        "containers": [container],
        "securityContext": {"sysctls": [low]},
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
    }
    metadata = {"name": name, "namespace": namespace, "labels": dict(labels or {})}
    node.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    return until(lambda: _address(node, namespace, name), f"pod {name} runs", seconds=60)


def ask(
    node: NodeCluster, namespace: str, pod: str, places: Iterable[str], seconds: float = SECONDS
) -> dict[str, str]:
    """What comes of each place, such as `tcp/192.0.2.1/80`, when a pod tries it."""
    command = ("python3", "/probe.py", "ask", f"--seconds={seconds}", *places)
    answer: dict[str, str] = json.loads(node.kubectl("exec", pod, "-n", namespace, "--", *command))
    return answer


def expect(
    node: NodeCluster,
    namespace: str,
    pod: str,
    answers: Iterable[str] = (),
    silent: Iterable[str] = (),
    seconds: float = 30,
) -> None:
    """Wait until a pod gets an answer from exactly these places and from none of those."""
    wanted = dict.fromkeys(answers, True) | dict.fromkeys(silent, False)
    wrong: dict[str, str] = {}

    def look() -> bool:
        seen = ask(node, namespace, pod, wanted)
        wrong.clear()
        wrong.update({at: seen[at] for at in wanted if (seen[at] == ANSWERED) != wanted[at]})
        return not wrong

    try:
        until(look, "every place behaves as it should", seconds=seconds)
    except NotReadyError as error:
        raise AssertionError(f"{namespace}/{pod}, after {seconds:g} s: {wrong}") from error


def _address(node: NodeCluster, namespace: str, name: str) -> str:
    status = (node.get("pod", name, namespace) or {}).get("status", {})
    running = any(
        one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", ())
    )
    return str(status["podIP"]) if running else ""
