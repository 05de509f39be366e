# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the chart's README.md, or says what it would be.

python -m tests.chart.documentation
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.chart.rendering import CHART
from tests.cluster.build import ensure
from tests.cluster.progress import Report
from tests.cluster.tools import HELM_DOCS

README = CHART / "README.md"
OF_THE_PAGE = ("Chart.yaml", "values.yaml", "README.md.gotmpl")


def readme() -> str:
    """What helm-docs makes of the chart."""
    program = ensure(HELM_DOCS, Report()) / "helm-docs"
    with tempfile.TemporaryDirectory() as folder:
        for name in OF_THE_PAGE:
            shutil.copy(CHART / name, folder)
        command = [str(program), f"--chart-search-root={folder}", "--sort-values-order=file"]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        return (Path(folder) / "README.md").read_text()


if __name__ == "__main__":
    README.write_text(readme())
