# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Container images from folders: OCI archives, without a builder and without a registry.

The same files give the same digest: neither times nor owners nor the order of a folder count.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_OCI = "application/vnd.oci.image"
TAG = "test"


@dataclass(frozen=True, slots=True)
class Layer:
    """The files of one layer, as an archive.

    Attributes:
        archive: its tar file.
        digest: SHA-256 of the archive.
    """

    archive: Path
    digest: str


@dataclass(frozen=True, slots=True)
class Image:
    """An image in a file.

    Attributes:
        name: its repository, such as `localhost/probe`.
        archive: the file, an OCI layout.
        digest: of its manifest.
    """

    name: str
    archive: Path
    digest: str

    @property
    def tagged(self) -> str:
        """Its name with a tag, as the archive says it."""
        return f"{self.name}:{TAG}"

    @property
    def reference(self) -> str:
        """Its name with the digest: what a pod is given."""
        return f"{self.name}@{self.digest}"


def pack(folder: Path, target: Path) -> Layer:
    """Make a layer of everything in a folder."""
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as archive:
        for name in sorted(os.listdir(folder)):
            archive.add(folder / name, arcname=name, filter=_anonymous)
    return as_layer(target)


def as_layer(archive: Path) -> Layer:
    """An archive that is there, as a layer."""
    with archive.open("rb") as file:
        return Layer(archive, f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}")


def write(name: str, layers: Sequence[Layer], config: dict[str, Any], target: Path) -> Image:
    """Write an image; `config` as in the OCI image specification: Entrypoint, Env, User ..."""
    described = _json(
        {
            "architecture": ARCHITECTURES[platform.machine()],
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
            "history": [{"created_by": "wardkeeper"} for _ in layers],
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": f"{_OCI}.manifest.v1+json",
            "config": _descriptor("config.v1+json", described),
            "layers": [
                {
                    "mediaType": f"{_OCI}.layer.v1.tar",
                    "digest": layer.digest,
                    "size": layer.archive.stat().st_size,
                }
                for layer in layers
            ],
        }
    )
    entry = _descriptor("manifest.v1+json", manifest)
    named = {"io.containerd.image.name": f"{name}:{TAG}", "org.opencontainers.image.ref.name": TAG}
    index = _json({"schemaVersion": 2, "manifests": [{**entry, "annotations": named}]})
    with tarfile.open(target, "w") as archive:
        _add(archive, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        _add(archive, "index.json", index)
        for blob in (described, manifest):
            _add(archive, _blob(_digest(blob)), blob)
        for digest, layer in {layer.digest: layer for layer in layers}.items():
            archive.add(layer.archive, arcname=_blob(digest), filter=_anonymous)
    return Image(name, target, entry["digest"])


def _anonymous(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """Whose file it is and when it was written says nothing; who may run it, and as whom, does."""
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = "root"
    if not info.issym():
        special = info.mode & 0o7000
        for_all = 0o777 if info.mode & 0o1000 else 0o755 if info.mode & 0o111 else 0o644
        info.mode = special | for_all
    return info


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _descriptor(kind: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": f"{_OCI}.{kind}", "digest": _digest(blob), "size": len(blob)}


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o644
    archive.addfile(info, io.BytesIO(content))
