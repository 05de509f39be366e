# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Colours for people who look at a terminal and have not asked for none (`NO_COLOR`)."""

from __future__ import annotations

import os
import sys

import typer


def paint(text: str, colour: str) -> str:
    """The text in a colour, if somebody looks."""
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return text
    return typer.style(text, fg=colour)
