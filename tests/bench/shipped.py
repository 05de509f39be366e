# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Wardkeeper with the libraries of its image, and none that only development needs.

kopf alone loads another client for Kubernetes where there is one: that is memory, and time at the
start, that no user pays.
"""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

from tests.cluster.node import parts

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.progress import Report

PACKAGES = "usr/local/lib/python3.11/dist-packages"


def unpack(folder: Path, report: Report) -> Path:
    """Put it into a new folder; returns where Python finds it."""
    folder.mkdir()
    for layer in (parts.libraries(report), parts.operator(folder)):
        with tarfile.open(layer.archive) as archive:
            archive.extractall(folder / "root", filter="data")
    return folder / "root" / PACKAGES
