# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Keeps what a release was, for later versions to be tried against.

    python -m tests.upgrade.freeze

Packs the chart, definitions included, and writes down which children each golden case becomes. Run
once for each release, and never again for one that is out.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.chart.rendering import CHART, program
from tests.unit.render.golden import all_cases

RELEASES = Path(__file__).parent / "releases"
_HEAD = """\
# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
# Written once by `python -m tests.upgrade.freeze`, when this version was released. Never edited.
"""


def packages() -> list[Path]:
    """The chart of every release."""
    return sorted(RELEASES.glob("*.tgz"))


def children_of(package: Path) -> Path:
    """The file that tells which children the release made."""
    return package.with_suffix(".children.yaml")


def cases() -> list[dict[str, Any]]:
    """Each golden case: the workflow, what the cluster is like, and the children."""
    return [
        {
            "case": one.name,
            "workflow": one.raw(),
            "given": one.given(),
            "children": one.render().children,
        }
        for one in all_cases()
    ]


def main() -> int:
    """Freeze this version; the exit code."""
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
    package = RELEASES / f"wardkeeper-{version}.tgz"
    if package.exists():
        sys.stderr.write(f"{package.name} is kept already; a release does not change\n")
        return 1
    RELEASES.mkdir(exist_ok=True)
    command = [program("helm"), "package", str(CHART), "--destination", str(RELEASES)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    text = yaml.safe_dump_all(cases(), sort_keys=False, width=100)
    children_of(package).write_text(_HEAD + text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
