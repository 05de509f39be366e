# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The operator's image: the same checkout gives the same image, and there is little in it."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.chart.rendering import named, render
from tests.cluster.installation import NAMESPACE
from tests.cluster.node import parts, stock
from tests.cluster.progress import Report
from tests.cluster.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.node.cluster import NodeCluster
    from tests.cluster.node.images import Layer
    from tests.cluster.node.installation import PodInstallation
    from tests.node.proof import Proof

pytestmark = [pytest.mark.cluster("netpol"), pytest.mark.timeout(300)]

LARGEST = 120_000_000
"""Bytes that all of it may take beyond Debian's Python."""


@pytest.fixture(scope="module")
def own(node: NodeCluster, tmp_path_factory: pytest.TempPathFactory) -> Layer:
    """The layer with Wardkeeper itself."""
    assert node.level
    return parts.operator(tmp_path_factory.mktemp("own"))


def size(archive: Path) -> int:
    """What the files of a layer take, unpacked."""
    with tarfile.open(archive) as files:
        return sum(one.size for one in files)


def names(archive: Path) -> set[str]:
    """The files of a layer."""
    with tarfile.open(archive) as files:
        return {one.name for one in files}


def test_the_same_checkout_gives_the_same_image(
    operator: PodInstallation, proof: Proof, tmp_path: Path
) -> None:
    again = stock.wardkeeper(tmp_path, Report())
    same = "the same" if again.digest == operator.image.digest else "another"
    proof.note("operator", "digest of its image, built a second time", "the same", same)


def test_there_is_little_in_it(own: Layer, proof: Proof) -> None:
    libraries = parts.libraries(Report())
    taken = size(libraries.archive) + size(own.archive)
    proof.note(
        "operator",
        "what its image holds beyond Debian's Python",
        f"less than {LARGEST // 1_000_000} MB",
        f"less than {LARGEST // 1_000_000} MB" if taken < LARGEST else "more",
        measured=f"{taken / 1_000_000:.0f} MB",
    )
    found = names(parts.python(Report()).archive) | names(libraries.archive) | names(own.archive)
    unwanted = {"bin/sh", "usr/bin/sh", "usr/bin/apt", "usr/bin/dpkg", "usr/bin/pip", "bin/busybox"}
    assert not found & unwanted
    assert "usr/bin/python3" in found
    assert not [name for name in found if name.endswith((".pyc", "/direct_url.json"))]


def test_every_command_of_the_package_is_there(own: Layer) -> None:
    found = names(own.archive)
    project = (parts.PROJECT / "pyproject.toml").read_text()
    scripts = project.partition("[project.scripts]\n")[2].partition("\n\n")[0].splitlines()
    assert scripts
    assert {f"usr/local/bin/{line.split(' = ')[0]}" for line in scripts} <= found


def test_the_operator_runs_as_restricted_asks_and_as_nobody_in_particular(
    node: NodeCluster, operator: PodInstallation, proof: Proof
) -> None:
    namespace = node.get("namespace", NAMESPACE) or {}
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    pod = operator.pods()[0]
    program = (
        "import os\n"
        "print(os.getuid(), os.getgid())\n"
        "try: open('/written', 'w')\n"
        "except OSError as error: print(error.strerror)\n"
    )
    told = node.kubectl("exec", pod, "-n", NAMESPACE, "--", "python3", "-c", program)
    what = "its user and group, and what happens when it writes to its root"
    wanted = "65532 65532, Read-only file system"
    proof.note("operator", what, wanted, ", ".join(told.splitlines()))


IDS: dict[str, tuple[dict[str, Any], str]] = {
    "given by the platform": ({"runAsUser": 1000660000, "fsGroup": 1000660000}, "1000660000 0"),
    "of the image": ({}, "65532 65532"),
}
"""What the platform adds to a pod that names no ids, and who the pod then runs as."""


@pytest.mark.parametrize("ids", IDS)
def test_the_operator_runs_as_whomever_the_platform_lets_it(
    node: NodeCluster, operator: PodInstallation, ids: str
) -> None:
    added, who = IDS[ids]
    values = yaml.safe_load(operator.helm("get", "values", "wardkeeper", "--output=yaml"))
    values["podSecurityContext"] = dict.fromkeys(("runAsUser", "runAsGroup", "fsGroup"))
    made = named(render(values=values), "Deployment", "wardkeeper")["spec"]["template"]["spec"]
    context = {**made["securityContext"], **added}
    if added:
        context["runAsGroup"] = 0
    name = "as-" + ids.replace(" ", "-")
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {**made, "securityContext": context},
    }
    node.apply(pod)
    try:
        until(lambda: is_ready(node, name), "it is Ready", seconds=120)
        program = "import os; print(os.getuid(), os.getgid())"
        told = node.kubectl("exec", name, "-n", NAMESPACE, "--", "python3", "-c", program)
        assert told.strip() == who
    finally:
        node.kubectl("delete", "pod", name, "-n", NAMESPACE, "--wait=false")


def is_ready(node: NodeCluster, name: str) -> bool:
    conditions = (node.get("pod", name, NAMESPACE) or {}).get("status", {}).get("conditions", ())
    return any((one["type"], one["status"]) == ("Ready", "True") for one in conditions)
