# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Whole objects in pages: a real API server takes them, and kustomize builds what it is for."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.cluster.access import CommandFailedError
from tests.cluster.build import ensure
from tests.cluster.cluster import Cluster
from tests.cluster.installation import Installation
from tests.cluster.progress import Report
from tests.cluster.tools import CLIENTS
from tests.docs.blocks import PROJECT, Block, blocks, file_of, way_of
from tests.gitops import definitions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.access import ClusterAccess
    from tests.cluster.pool import Clusters

KUSTOMIZE = "kustomize.config.k8s.io/"
MANIFESTS = [one for one in blocks() if way_of(one) == "manifests"]


def documents(block: Block) -> list[dict[str, Any]]:
    """The objects of a block."""
    return [one for one in yaml.safe_load_all(block.text) if one]


@pytest.fixture(scope="module")
def server(clusters: Clusters) -> Iterator[ClusterAccess]:
    """An API server with everything on it that pages show objects of."""
    with Cluster("api") as cluster:
        Installation(cluster, vault=False).install()
        definitions.serve(cluster)
        yield cluster


@pytest.mark.parametrize("block", MANIFESTS, ids=str)
def test_the_api_server_takes_an_object_of_a_page(server: ClusterAccess, block: Block) -> None:
    for one in documents(block):
        if one["apiVersion"].startswith(KUSTOMIZE):
            continue
        namespace = one["metadata"].get("namespace", "default")
        if not server.get("namespace", namespace):
            server.create_namespace(namespace)
        try:
            text = yaml.safe_dump(one)
            server.kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", stdin=text)
        except CommandFailedError as error:
            pytest.fail(f"{block}: {one['kind']} is not taken: {error}", pytrace=False)


@pytest.mark.parametrize(
    "block",
    [one for one in blocks() if KUSTOMIZE in one.text or way_of(one) == "values"],
    ids=str,
)
def test_what_makes_manifests_makes_them(block: Block, tmp_path: Path) -> None:
    clients = ensure(CLIENTS, Report())
    command: list[str | Path]
    if way_of(block) == "values":
        file = tmp_path / "values.yaml"
        chart = PROJECT / "charts" / "wardkeeper"
        command = [clients / "helm", "template", "wardkeeper", str(chart), f"--values={file}"]
    else:
        for name in ("manifests", "crds"):
            shutil.copytree(PROJECT / name, tmp_path / name)
        file = tmp_path / "hospital" / "kustomization.yaml"
        file.parent.mkdir()
        for other in blocks(block.page):
            if file_of(other).startswith("hospital/"):
                (tmp_path / file_of(other)).write_text(other.text)
        command = [clients / "kubectl", "kustomize", str(file.parent)]
    file.write_text(block.text)
    made = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"HOME": str(tmp_path)},
    )
    assert made.returncode == 0, f"{block}: {made.stderr}"
    assert made.stdout.count("kind: ") > 1
