# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The images a node starts with: what holds a pod, what answers names, what probes, the operator.

No image comes from a registry; their name says `localhost`.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.cluster.node import parts
from tests.cluster.node.images import Image, pack, write

if TYPE_CHECKING:
    from tests.cluster.progress import Report

CONTAINERFILE = parts.PROJECT / "Containerfile"
PROBE = Path(__file__).with_name("probe.py")
INSPECTION = Path(__file__).with_name("inspection.py")
PAUSE = "localhost/pause"


def pause(folder: Path) -> Image:
    """What a pod's namespaces are held by."""
    root = folder / "pause"
    (root / "bin").mkdir(parents=True)
    shutil.copy(_busybox(), root / "bin" / "busybox")
    layer = pack(root, folder / "pause-layer.tar")
    config = {"Entrypoint": ["/bin/busybox", "sleep", str(2**31 - 1)], "User": "65535:65535"}
    return write(PAUSE, [layer], config, folder / "pause.tar")


def coredns(folder: Path, program: Path) -> Image:
    """The cluster's name server."""
    root = folder / "coredns"
    root.mkdir()
    shutil.copy(program, root / "coredns")
    layer = pack(root, folder / "coredns-layer.tar")
    return write("localhost/coredns", [layer], {"Entrypoint": ["/coredns"]}, folder / "coredns.tar")


def probe(folder: Path, report: Report) -> Image:
    """Python, a shell, and what tries: what the workloads of these tests are made from."""
    root = folder / "probe"
    (root / "bin").mkdir(parents=True)
    (root / "data").mkdir()
    shutil.copy(_busybox(), root / "bin" / "busybox")
    names = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True)
    for name in names.stdout.split():
        if name != "busybox":
            (root / "bin" / name).symlink_to("busybox")
    python = parts.python(report)
    setuid = root / "data" / "setuid"  # a Python as which anybody is root, where that is let happen
    with tarfile.open(python.archive) as files:
        program = files.extractfile("usr/bin/python3.11")
        assert program is not None
        setuid.write_bytes(program.read())
    setuid.chmod(0o4755)
    for script in (PROBE, INSPECTION):
        shutil.copy(script, root)
    layers = [python, pack(root, folder / "probe-layer.tar")]
    config = {
        "Entrypoint": ["/usr/bin/python3", "/probe.py"],
        "Env": ["PATH=/bin:/usr/bin", "PYTHONDONTWRITEBYTECODE=1"],
    }
    return write("localhost/probe", layers, config, folder / "probe.tar")


def wardkeeper(folder: Path, report: Report) -> Image:
    """The operator's own image, with the same files and settings as from its Containerfile."""
    layers = [parts.python(report), parts.libraries(report), parts.operator(folder)]
    config = container_config(CONTAINERFILE.read_text())
    return write("localhost/wardkeeper", layers, config, folder / "wardkeeper.tar")


def container_config(containerfile: str) -> dict[str, Any]:
    """What the last stage of a Containerfile sets, in the form of the image specification.

    Raises:
        ValueError: it says something that is not understood here.
    """
    config: dict[str, Any] = {"Env": [], "Labels": {}}
    for line in containerfile.rpartition("\nFROM ")[2].splitlines()[1:]:
        word, _, rest = line.partition(" ")
        pair = re.fullmatch(r'([\w.]+)="([^"]*)"', rest)
        if word == "ENV" and pair:
            config["Env"].append("=".join(pair.groups()))
        elif word == "LABEL" and pair:
            config["Labels"][pair[1]] = pair[2]
        elif word == "USER":
            config["User"] = rest
        elif word == "ENTRYPOINT":
            config["Entrypoint"] = json.loads(rest)
        elif line and not line.startswith("#") and word != "COPY":
            raise ValueError(f"Containerfile: {line}: not understood by {__name__}")
    return config


def _busybox() -> str:
    found = shutil.which("busybox")
    if found is None:
        raise FileNotFoundError("busybox: install busybox-static")
    return found
