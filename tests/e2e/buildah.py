# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Builds the Containerfile by buildah, as people do, and says what is in the image.

There is no registry: the image that it begins with is Debian as this machine gets it, with the
authorities that this machine trusts. Images are kept in a folder of the caller.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.cluster import places
from tests.cluster.levels import Level
from tests.cluster.locking import locked
from tests.cluster.node.images import as_layer, write
from tests.cluster.selection import required

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE = "docker.io/library/debian:bookworm-slim"
"""What the Containerfile's `debian:bookworm-slim` stands for."""

OF_THE_MACHINE = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pip.conf")
"""How this machine gets at packages, where it has such a file."""

NAMED = ("buildah", "mmdebstrap")


class Entry(NamedTuple):
    """A file, folder or link of an image; when it was written does not count.

    Attributes:
        kind: of `stat`, such as `stat.S_IFREG`.
        mode: who may do what.
        owner: user and group, by number.
        content: SHA-256 of a file, target of a link.
    """

    kind: int
    mode: int
    owner: tuple[int, int]
    content: str


class Buildah:
    """Images in one folder.

    Args:
        folder: empty; whatever buildah writes is in it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._config: dict[str, Any] = {}

    def build(self, context: Path, name: str) -> None:
        """Build the Containerfile of a folder."""
        pulled = self._run("pull", "--quiet", f"oci-archive:{debian()}").strip()
        self._run("tag", pulled, BASE)
        alone = ("--isolation=chroot", "--pull-never", "--quiet")
        self._run("build", *alone, f"--tag={name}", str(context))

    def look(self, name: str) -> tuple[dict[str, Any], dict[str, Entry]]:
        """How a container of an image is run, and what is in the image."""
        layout = self._folder / "layout"
        self._run("push", "--quiet", name, f"oci:{layout}:looked-at")
        index = json.loads((layout / "index.json").read_text())
        manifest = json.loads(_blob(layout, index["manifests"][0]).read_text())
        config: dict[str, Any] = json.loads(_blob(layout, manifest["config"]).read_text())["config"]
        found: dict[str, Entry] = {}
        for layer in manifest["layers"]:
            found.update(entries(_blob(layout, layer)))
        return config, found

    def _run(self, command: str, *arguments: str) -> str:
        root = (f"--root={self._folder / 'images'}", f"--runroot={self._folder / 'run'}")
        done = subprocess.run(
            ["buildah", *root, "--storage-driver=vfs", command, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"buildah {command}: {done.stdout}{done.stderr}"
        return done.stdout


def buildah(folder: Path) -> Buildah:
    """A builder; skips where there is none, unless E2E_REQUIRE asks for a real node."""
    missing = [name for name in NAMED if not shutil.which(name)]
    words = f"apt-get install --no-install-recommends {' '.join(missing)}" if missing else ""
    if os.geteuid() != 0:
        words = "building images needs root: run the tests as root"
    if words and required(Level.NETPOL, os.environ):
        pytest.fail(words, pytrace=False)
    if words:
        pytest.skip(words)
    return Buildah(folder)


def debian() -> Path:
    """An image of the smallest Debian, made once for this machine's ways to packages."""
    files = [Path(name) for name in OF_THE_MACHINE if Path(name).exists()]
    options = (
        "--variant=minbase",
        "--include=ca-certificates",
        *(f"--dpkgopt=path-exclude=/usr/share/{one}/*" for one in ("doc", "locale", "man")),
        *(f"--customize-hook=upload {one} {one}" for one in files),
    )
    sources = _sources()
    made_from = repr((options, sources)).encode() + b"".join(one.read_bytes() for one in files)
    folder = places.cache() / "layers"
    target = folder / f"debian-{hashlib.sha256(made_from).hexdigest()[:20]}.tar"
    with locked(folder / "debian.lock"):
        if not target.exists():
            with tempfile.TemporaryDirectory(prefix=".debian-", dir=folder) as draft:
                layer, image = Path(draft) / "layer.tar", Path(draft) / "image.tar"
                command = ["mmdebstrap", "--quiet", *options, "bookworm", str(layer), *sources]
                subprocess.run(command, check=True, timeout=300)
                write("localhost/debian", [as_layer(layer)], {}, image).archive.rename(target)
    return target


def entries(archive: Path) -> Iterator[tuple[str, Entry]]:
    """Everything in a layer, by its name."""
    kinds = {
        tarfile.REGTYPE: stat.S_IFREG,
        tarfile.DIRTYPE: stat.S_IFDIR,
        tarfile.SYMTYPE: stat.S_IFLNK,
        tarfile.LNKTYPE: stat.S_IFREG,
    }
    with tarfile.open(archive) as files:
        for one in files:
            opened = None if one.isdir() or one.issym() else files.extractfile(one)
            content = hashlib.sha256(opened.read()).hexdigest() if opened else one.linkname
            owner = (one.uid, one.gid)
            yield one.name, Entry(kinds[one.type], stat.S_IMODE(one.mode), owner, content)


def _sources() -> list[str]:
    """Where this machine gets Debian from, as lines for apt."""
    wanted = ("Created-By: Packages", "Origin: Debian")
    form = "deb $(REPO_URI) $(RELEASE) $(COMPONENT)"
    command = ["apt-get", "indextargets", f"--format={form}", *wanted]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    return sorted(set(told.stdout.splitlines()))


def _blob(layout: Path, described: dict[str, Any]) -> Path:
    return layout / "blobs" / str(described["digest"]).replace(":", "/")
