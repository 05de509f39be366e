# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The parts that images are put together from, as layers in the cache.

What changes seldom is assembled once for the same input: Debian's Python for the versions that
Debian offers today, the wheels for a lock file. Wardkeeper itself is assembled each time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster import places
from tests.cluster.golang import BuildError
from tests.cluster.locking import locked
from tests.cluster.node.images import Layer, pack

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cluster.progress import Report

PROJECT = places.SOURCES.parents[1]
ASSEMBLE = PROJECT / "image" / "assemble.sh"
PACKAGES = PROJECT / "image" / "packages.txt"
PACKING = Path(__file__).with_name("images.py")
LOCK = PROJECT / "requirements" / "runtime.lock"


def python(report: Report) -> Layer:
    """Debian's Python."""
    return cached("python", _offered(), assemble("python"), report)


def libraries(report: Report) -> Layer:
    """The wheels that Wardkeeper needs."""
    return cached("libraries", LOCK.read_bytes(), assemble("libraries"), report)


def operator(folder: Path) -> Layer:
    """Wardkeeper as it is in this checkout, packed into a folder."""
    unpacked = folder / "operator"
    assemble("operator")(unpacked)
    return pack(unpacked, folder / "operator.tar")


def cached(name: str, made_from: bytes, make: Callable[[Path], None], report: Report) -> Layer:
    """A layer from the cache; made first when there is none from the same input.

    Args:
        name: of the layer.
        made_from: whatever decides about its content, besides the code that assembles and packs.
        make: fills a folder.
        report: where it is said that this takes a while.
    """
    code = ASSEMBLE.read_bytes() + PACKING.read_bytes()
    key = hashlib.sha256(code + made_from).hexdigest()[:20]
    folder = places.cache() / "layers"
    stem = f"{name}-{key}"
    with locked(folder / f"{stem}.lock"):
        found = sorted(folder.glob(f"{stem}.*.tar"))
        if not found:
            report.say(f"layer {name}: assembling")
            with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder) as draft:
                make(Path(draft) / "root")
                layer = pack(Path(draft) / "root", Path(draft) / "layer.tar")
                target = folder / f"{stem}.{layer.digest.removeprefix('sha256:')}.tar"
                layer.archive.rename(target)
            found = [target]
    return Layer(found[0], f"sha256:{found[0].name.split('.')[1]}")


def assemble(part: str) -> Callable[[Path], None]:
    """What fills a folder with one part of the operator's image, one that the script knows."""

    def fill(folder: Path) -> None:
        result = subprocess.run(
            ["sh", str(ASSEMBLE), part, str(folder)],
            env={**os.environ, "PYTHON": sys.executable},
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            raise BuildError(f"part {part} of the image cannot be made:\n{result.stderr.strip()}")

    return fill


def _offered() -> bytes:
    """The packages by name, version and hash, as Debian offers them now."""
    result = subprocess.run(
        ["apt-get", "--print-uris", "download", *PACKAGES.read_text().split()],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise BuildError(f"Debian's Python cannot be had: {result.stderr.strip()}; apt-get update")
    return "\n".join(sorted(line.partition(" ")[2] for line in result.stdout.splitlines())).encode()
