# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`wardkeeper crd`: the definitions that this version works with."""

from __future__ import annotations

import typer

from wardkeeper.api.crd import definition_yaml


def command() -> None:
    """Print the CustomResourceDefinitions of this version.

    For example:

      wardkeeper crd | kubectl apply --server-side -f -
    """
    typer.echo(definition_yaml(), nl=False)
