# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A process of a workflow cannot write, cannot rise, and knows no token but the declared ones."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.access import CommandFailedError
from tests.cluster.waiting import until
from tests.node.scene import LISTENING, SUBJECT, WARD
from tests.node.workflows import KIND, pod_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.node.cluster import NodeCluster
    from tests.node.proof import Proof
    from tests.node.scene import Scene

pytestmark = [pytest.mark.cluster("netpol"), pytest.mark.timeout(300)]

FREE = "free"
LIMITS = ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory.max")
SECRETS, TOKENS = "/var/run/wardkeeper/secrets", "/var/run/wardkeeper/tokens"
USER = 10001


def inside(node: NodeCluster, namespace: str, pod: str, *command: str, container: str = "") -> str:
    """What a command in a pod prints."""
    chosen = ["-c", container] if container else []
    return node.kubectl("exec", pod, "-n", namespace, *chosen, "--", *command)


@pytest.fixture(scope="module")
def seen(scene: Scene) -> dict[str, Any]:
    """What a process of the subject finds out about itself."""
    found: dict[str, Any] = json.loads(
        inside(scene.node, WARD, scene.subject, "python3", "/inspection.py")
    )
    return found


@pytest.fixture(scope="module")
def free(node: NodeCluster) -> Iterator[dict[str, dict[str, Any]]]:
    """What processes find out in containers without restrictions, by the user that they run as."""
    node.create_namespace(FREE, {"pod-security.kubernetes.io/enforce": "privileged"})
    shared = {"image": node.probe_image.reference, "imagePullPolicy": "IfNotPresent"}
    containers = [
        {**shared, "name": "root", "args": ["listen", "tcp/8080"]},
        {
            **shared,
            "name": "user",
            "args": ["listen", "tcp/8081"],
            "securityContext": {"runAsUser": USER},
        },
    ]
    metadata = {"name": FREE, "namespace": FREE}
    spec = {"containers": containers, "terminationGracePeriodSeconds": 0}
    node.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    node.kubectl("wait", "--for=condition=Ready", f"pod/{FREE}", "-n", FREE, "--timeout=50s")
    yield {
        name: json.loads(inside(node, FREE, FREE, "python3", "/inspection.py", container=name))
        for name in ("root", "user")
    }
    node.kubectl("delete", "namespace", FREE, "--wait=false")


def test_it_runs_as_declared(scene: Scene, node: NodeCluster, proof: Proof) -> None:
    pod = pod_of(node, WARD, SUBJECT)
    status = pod["status"]["containerStatuses"][0]
    digest = node.probe_image.digest
    image = "as declared" if status["imageID"].endswith(digest) else status["imageID"]
    proof.note("runs", "Deployment: the image that runs, by digest", "as declared", image)
    name = pod["metadata"]["name"]
    words = inside(node, WARD, name, "cat", "/proc/1/cmdline").rstrip("\0").split("\0")
    wanted = f"listen {' '.join(LISTENING)}"
    proof.note("runs", "Deployment: its arguments", wanted, " ".join(words[2:]))
    limit = inside(node, WARD, name, "sh", "-c", f"cat {' || cat '.join(LIMITS)}").strip()
    what = "Deployment: bytes of memory that the kernel lets it have, 96Mi"
    proof.note("runs", what, str(96 << 20), limit)


def test_files_can_be_made_in_writable_paths_alone(
    seen: dict[str, Any], free: dict[str, dict[str, Any]], proof: Proof
) -> None:
    everywhere = free["root"]["writable"]
    assert {"/", "/etc", "/usr/bin", "/var/lib"} <= set(everywhere)
    proof.note(
        "files",
        "folders in which a file can be made: the declared one, and the memory that the runtime "
        "gives to every pod",
        "/dev/mqueue, /dev/shm, /tmp",
        ", ".join(seen["writable"]),
        control="every folder",
    )
    proof.note(
        "files",
        "files of /proc/sys, /sys and cgroups that can be written to",
        "none",
        ", ".join(seen["writable_kernel"]) or "none",
    )


def test_a_writable_path_takes_no_more_than_it_was_given(scene: Scene, proof: Proof) -> None:
    program = (
        "import sys\n"
        "try:\n"
        "    with open('/tmp/large', 'wb') as file: file.write(b'x' * (17 << 20))\n"
        "except OSError as error: sys.stdout.write(error.strerror)\n"
    )
    told = inside(scene.node, WARD, scene.subject, "python3", "-c", program)
    inside(scene.node, WARD, scene.subject, "rm", "/tmp/large")
    what = "17 MiB into a writable path of 16 MiB"
    proof.note("files", what, "No space left on device", told)


def test_a_process_is_nobody_and_cannot_become_somebody(
    seen: dict[str, Any], free: dict[str, dict[str, Any]], proof: Proof
) -> None:
    root, user = free["root"], free["user"]
    for what, expected, key, by in (
        ("user", str(USER), "user", root),
        ("group", str(USER), "group", root),
        ("supplementary groups", f"[{USER}]", "groups", root),
        ("effective capabilities", "0" * 16, "CapEff", root),
        ("capabilities that it could ever get", "0" * 16, "CapBnd", root),
        ("no_new_privs", "1", "NoNewPrivs", user),
        ("seccomp: 2 is a filter", "2", "Seccomp", user),
        ("user of a setuid-root program that it starts", str(USER), "by_setuid", user),
        ("setuid(0) succeeds", "False", "becomes_root", root),
    ):
        assert by[key] != seen[key]
        proof.note("identity", what, expected, str(seen[key]), control=str(by[key]))


def test_there_is_no_token_but_the_declared_one(
    scene: Scene,
    node: NodeCluster,
    seen: dict[str, Any],
    free: dict[str, dict[str, Any]],
    proof: Proof,
) -> None:
    proof.note(
        "identity",
        "tokens for the API server",
        "none",
        ", ".join(seen["api_token"]) or "none",
        control=free["root"]["api_token"][0],
    )
    names = inside(node, WARD, scene.subject, "ls", TOKENS).split()
    proof.note("identity", "declared tokens", "ehr", ", ".join(names))
    token = inside(node, WARD, scene.subject, "cat", f"{TOKENS}/ehr")
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    proof.note("identity", "its audience", "https://ehr.example.org", ", ".join(claims["aud"]))
    proof.note("identity", "it is valid for", "600 s", f"{claims['exp'] - claims['iat']} s")
    proof.note(
        "identity", "whom it names", f"system:serviceaccount:{WARD}:{SUBJECT}", claims["sub"]
    )
    stolen = node.write_kubeconfig("stolen", {"token": token})
    with pytest.raises(CommandFailedError, match=r"Unauthorized|provide credentials"):
        node.kubectl("get", "pods", "-n", WARD, kubeconfig=stolen)
    proof.note("identity", "the API server takes it", "no", "no")


def test_a_secret_is_a_file_in_memory_that_changes_in_place(
    scene: Scene, node: NodeCluster, proof: Proof
) -> None:
    pod = pod_of(node, WARD, SUBJECT)
    name = pod["metadata"]["name"]
    volumes = {one["name"]: one for one in pod["spec"]["volumes"]}
    proof.note(
        *("files", "mode that the kubelet is asked for"),
        *("0400", f"{volumes['secret-api']['secret']['defaultMode']:04o}"),
    )
    path = f"{SECRETS}/api/password"
    told = inside(node, WARD, name, "stat", "-L", "-c", "%a %u:%g", path).strip()
    what = "mode and owner that the process sees: the kubelet lets the pod's own group read"
    proof.note("files", what, f"440 0:{USER}", told)
    mounted = inside(node, WARD, name, "grep", f" {SECRETS}/api ", "/proc/mounts").split()
    proof.note("files", "where it lies", "tmpfs, ro", f"{mounted[2]}, {mounted[3].split(',')[0]}")
    before = inside(node, WARD, name, "cat", path)
    environment = inside(node, WARD, name, "cat", "/proc/1/environ")
    assert before not in environment
    began = time.monotonic()
    node.kubectl("annotate", KIND, SUBJECT, "-n", WARD, "wardkeeper.io/rotate-now=api")
    until(
        lambda: inside(node, WARD, name, "cat", path) != before,
        "the file holds another value",
        seconds=120,
    )
    took = time.monotonic() - began
    after = pod_of(node, WARD, SUBJECT)
    same = after["metadata"]["uid"] == pod["metadata"]["uid"]
    restarts = after["status"]["containerStatuses"][0]["restartCount"]
    proof.note(
        "files",
        "rotated with onChange: Reload: the file changes and the process goes on",
        "same pod, 0 restarts",
        f"{'same' if same else 'another'} pod, {restarts} restarts",
        measured=f"after {took:.0f} s",
    )
