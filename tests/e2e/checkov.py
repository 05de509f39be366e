# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Runs checkov, which lives in an environment of its own, over a folder of manifests.

No check is ever switched off.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

_OPTIONS = (
    *("--framework", "kubernetes", "--compact", "--quiet"),
    *("--skip-download", "--output", "json"),
)


def program() -> Path:
    """The program; skips where it is missing, unless E2E_REQUIRE or CI is set."""
    path = os.environ.get("WARDKEEPER_CHECKOV", "")
    if not path or not Path(path).exists():
        missing = (
            f"checkov is not at WARDKEEPER_CHECKOV={path!r}; `make test` prepares and names it"
        )
        if os.environ.get("CI") or os.environ.get("E2E_REQUIRE"):
            pytest.fail(missing)
        pytest.skip(missing)
    return Path(path)


def findings(checkov: Path, folder: Path) -> dict[str, Any]:
    """What checkov says about every manifest in a folder."""
    done = subprocess.run(
        [str(checkov), "-d", str(folder), *_OPTIONS],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(folder.parent)},
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def failed(found: dict[str, Any]) -> list[str]:
    """Each failed check with its object."""
    return [f"{one['check_id']} {one['resource']}" for one in found["results"]["failed_checks"]]
