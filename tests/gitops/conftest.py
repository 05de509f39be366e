# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The stage of the stories, once more, for those who look at it from a Git repository."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster.build import ensure
from tests.cluster.golang import BuildError
from tests.cluster.progress import Report
from tests.cluster.tools import JUDGES
from tests.e2e.conftest import place, stage

if TYPE_CHECKING:
    import pytest

__all__ = ["place", "stage"]

HERE = Path(__file__).parent


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build the judges before the first test, outside every test's time limit."""
    wanted = any(item.path == HERE / "test_situations.py" for item in session.items)
    if wanted and not session.config.option.collectonly:
        with suppress(BuildError):  # the tests that need them will say so
            ensure(JUDGES, Report())
