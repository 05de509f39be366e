# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What every command does alike: exit codes, talk to standard error, data to standard output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import typer
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

EXIT_FAILED = 1
"""The tool or the cluster failed; nothing is known about the input."""
EXIT_INVALID = 2
"""The input, the settings or the arguments are wrong."""
EXIT_DIFFERENT = 3
"""All went well, and there are differences."""


def note(text: str) -> None:
    """Say something to the person; never data."""
    typer.echo(f"note: {text}", err=True)


def fail(lines: str | Iterable[str], code: int) -> NoReturn:
    """Say what is wrong, one line each, and end with an exit code."""
    for line in lines.splitlines() if isinstance(lines, str) else lines:
        typer.echo(f"error: {line}", err=True)
    raise typer.Exit(code)


def as_yaml(obj: Any) -> str:
    """One YAML document, keys in their order, nothing abbreviated by anchors."""
    return yaml.dump(obj, Dumper=_Dumper, sort_keys=False, width=100, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """Writes a value that stands twice twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
