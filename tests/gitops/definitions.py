# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The CustomResourceDefinitions of Argo CD and Flux, out of their own releases.

With them on an API server, what the project ships for these tools is checked by their own schemas.
Each release comes as a Go module, pinned by version and by the hash that Go gives its content.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from tests.cluster.golang import BuildError, go_problem
from tests.cluster.waiting import until

if TYPE_CHECKING:
    from tests.cluster.access import ClusterAccess


class Release(NamedTuple):
    """A release and the files of it that are needed."""

    module: str
    version: str
    hash: str
    files: tuple[str, ...]


RELEASES = (
    Release(
        "github.com/argoproj/argo-cd/v3",
        "v3.5.7",
        "h1:Xm1BF+I5OgDKUG3SDK49vn2/Y5AMyaNVko+/JT08gj0=",
        ("manifests/crds/application-crd.yaml", "manifests/crds/appproject-crd.yaml"),
    ),
    Release(
        "github.com/fluxcd/kustomize-controller",
        "v1.9.6",
        "h1:XB+G3A0mky0j5uVHZWv4oSlS2RvZBoNIUhstIvY0JKE=",
        ("config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml",),
    ),
    Release(
        "github.com/fluxcd/source-controller",
        "v1.9.6",
        "h1:nG534/bI6nVpyHra7ONAk6xDB3xPsVT+EOLHZHXPrrc=",
        ("config/crd/bases/source.toolkit.fluxcd.io_gitrepositories.yaml",),
    ),
)


def serve(cluster: ClusterAccess) -> None:
    """Have an API server know the kinds of Argo CD and Flux."""
    definitions = [one for release in RELEASES for one in _definitions(release)]
    cluster.apply(*definitions)
    for one in definitions:
        resource = f"{one['spec']['names']['plural']}.{one['spec']['group']}"
        until(
            lambda name=resource: cluster.serves(name),  # type: ignore[misc]
            f"{resource} is served",
        )


def _definitions(release: Release) -> list[dict[str, Any]]:
    """The definitions of a release.

    Raises:
        BuildError: it cannot be had, or is not what it was.
    """
    folder = _folder(release)
    return [yaml.safe_load((folder / name).read_text()) for name in release.files]


def _folder(release: Release) -> Path:
    if problem := go_problem():
        raise BuildError(f"{release.module} cannot be had: {problem}")
    wanted = f"{release.module}@{release.version}"
    done = subprocess.run(
        ["go", "mod", "download", "-json", wanted],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"},
    )
    if done.returncode:
        raise BuildError(f"{wanted} cannot be downloaded:\n{done.stdout}{done.stderr}")
    answer = json.loads(done.stdout)
    if answer["Sum"] != release.hash:
        raise BuildError(f"{wanted} has the hash {answer['Sum']}, wanted {release.hash}")
    return Path(answer["Dir"])
