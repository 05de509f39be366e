# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`wardkeeper vault bootstrap` as far as it asks nobody."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from wardkeeper.cli.talk import EXIT_INVALID
from wardkeeper.cli.vault import app


@pytest.mark.parametrize(
    ("options", "pinned"),
    [((), "24h"), (("--token-period=72h",), "72h"), (("--token-period=1h30m",), "5400s")],
)
def test_the_period_of_workflows_tokens_is_pinned(options: tuple[str, ...], pinned: str) -> None:
    result = CliRunner().invoke(app, ["bootstrap", "--dry-run", *options])
    assert result.exit_code == 0, result.output
    assert [line.split() for line in result.output.splitlines() if '"token_period"' in line] == [
        ['"token_period"', "=", f'["{pinned}"]']
    ]


def test_a_period_that_is_no_duration_is_named() -> None:
    result = CliRunner().invoke(app, ["bootstrap", "--dry-run", "--token-period=3d"])
    assert result.exit_code == EXIT_INVALID
    assert "--token-period: '3d' is no duration" in result.output
