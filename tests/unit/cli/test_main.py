# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The command line teaches, and keeps data apart from talk."""

from __future__ import annotations

import pytest
import yaml
from typer.testing import CliRunner

from wardkeeper import __version__
from wardkeeper.api.crd import definition
from wardkeeper.cli.main import app

COMMANDS = ("render", "diff", "secrets", "crd")


def test_the_version_is_data() -> None:
    assert CliRunner().invoke(app, ["version"]).stdout == f"{__version__}\n"


def test_the_definitions_can_be_applied_as_printed() -> None:
    printed = CliRunner().invoke(app, ["crd"]).stdout
    assert list(yaml.safe_load_all(printed)) == [definition()]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_shows_how_it_is_used(command: str) -> None:
    for flag in ("-h", "--help"):
        told = CliRunner().invoke(app, [command, flag])
        assert told.exit_code == 0
        assert "For example:" in told.stdout
        assert f"wardkeeper {command}" in told.stdout


def test_an_unknown_command_is_wrong_input() -> None:
    result = CliRunner().invoke(app, ["redner"])
    assert result.exit_code == 2
    assert result.stdout == ""


def test_help_has_no_colours_when_nobody_looks() -> None:
    assert "\x1b[" not in CliRunner().invoke(app, ["--help"]).stdout
