# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The operator's image: the same checkout gives the same image, and there is little in it."""

from __future__ import annotations

import shutil
import tarfile
from typing import TYPE_CHECKING

import pytest

from tests.cluster.installation import NAMESPACE
from tests.cluster.node import parts, stock
from tests.cluster.node.images import pack
from tests.cluster.progress import Report

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.node.cluster import NodeCluster
    from tests.cluster.node.installation import PodInstallation

pytestmark = [pytest.mark.cluster("netpol"), pytest.mark.timeout(300)]

LARGEST = 120_000_000
"""Bytes that all of it may take beyond Debian's Python."""


def size(archive: Path) -> int:
    """What the files of a layer take, unpacked."""
    with tarfile.open(archive) as files:
        return sum(one.size for one in files)


def names(archive: Path) -> set[str]:
    """The files of a layer."""
    with tarfile.open(archive) as files:
        return {one.name for one in files}


def test_the_same_checkout_gives_the_same_image(operator: PodInstallation, tmp_path: Path) -> None:
    again = stock.wardkeeper(tmp_path, Report())
    assert again.digest == operator.image.digest


@pytest.mark.usefixtures("node")
def test_each_part_assembled_anew_is_the_same_to_the_byte(tmp_path: Path) -> None:
    for name, cached in (
        ("python", parts.python(Report())),
        ("libraries", parts.libraries(Report())),
    ):
        parts.assemble(name)(tmp_path / name)
        assert pack(tmp_path / name, tmp_path / f"{name}.tar").digest == cached.digest
        shutil.rmtree(tmp_path / name)


@pytest.mark.usefixtures("node")
def test_there_is_little_in_it(tmp_path: Path) -> None:
    libraries, own = parts.libraries(Report()), parts.operator(tmp_path)
    assert size(libraries.archive) + size(own.archive) < LARGEST
    found = names(parts.python(Report()).archive) | names(libraries.archive) | names(own.archive)
    unwanted = {"bin/sh", "usr/bin/sh", "usr/bin/apt", "usr/bin/dpkg", "usr/bin/pip", "bin/busybox"}
    assert not found & unwanted
    assert "usr/bin/python3" in found
    assert not [name for name in found if name.endswith((".pyc", "/direct_url.json"))]


@pytest.mark.usefixtures("node")
def test_every_command_of_the_package_is_there(tmp_path: Path) -> None:
    found = names(parts.operator(tmp_path).archive)
    project = (parts.PROJECT / "pyproject.toml").read_text()
    scripts = project.partition("[project.scripts]\n")[2].partition("\n\n")[0].splitlines()
    assert scripts
    assert {f"usr/local/bin/{line.split(' = ')[0]}" for line in scripts} <= found


def test_the_operator_runs_as_restricted_asks_and_as_nobody_in_particular(
    node: NodeCluster, operator: PodInstallation
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
    assert told.splitlines() == ["65532 65532", "Read-only file system"]


def test_the_containerfile_assembles_the_same_parts() -> None:
    text = stock.CONTAINERFILE.read_text()
    assert "for part in python libraries operator; do sh /source/image/assemble.sh" in text
    assert "COPY --from=assembled /root-of-image /" in text
