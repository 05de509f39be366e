# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Options that several commands share, and what they mean."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wardkeeper.cli.files import Found, read_files
from wardkeeper.cli.talk import EXIT_INVALID, fail, note
from wardkeeper.settings import Settings, SettingsError, load_settings

if TYPE_CHECKING:
    from wardkeeper.api.workflow import HealthcareWorkflow

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE", help="YAML with HealthcareWorkflows; - is standard input."),
]
Namespace = Annotated[
    str | None,
    typer.Option("--namespace", "-n", help="Namespace of workflows that name none."),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings", help="The operator's settings, so that the result is what it would apply."
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override one setting; may be given again."),
]


def settings_of(file: Path | None, overrides: list[str] | None) -> Settings:
    """The settings; ends the command when they are wrong."""
    try:
        return load_settings(file, overrides or ())
    except SettingsError as error:
        fail(str(error), EXIT_INVALID)


def workflows_of(files: list[Path], namespace: str | None) -> list[tuple[str, HealthcareWorkflow]]:
    """The workflows in files, with the file of each; ends the command when anything is wrong."""
    found: Found = read_files(files, namespace)
    if found.mistakes:
        fail(found.mistakes, EXIT_INVALID)
    if found.others:
        note(f"passed over, for they are no HealthcareWorkflows: {', '.join(found.others)}")
    return found.workflows
