# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The command line as a whole. The operator itself is another program, `wardkeeper-operator`."""

from __future__ import annotations

import typer

from wardkeeper import __version__
from wardkeeper.cli import crd, diff, render, secrets, selftest, vault

app = typer.Typer(
    name="wardkeeper",
    help="""Look at what Wardkeeper makes of a HealthcareWorkflow, and set up what it needs.

    Results go to standard output, everything else to standard error.

    For example:

      wardkeeper render workflow.yaml          the objects it becomes, without a cluster

      wardkeeper diff workflow.yaml            what would change in the cluster

      wardkeeper secrets lab-results-router    where its secrets stand

      wardkeeper vault bootstrap --dry-run     what an administrator installs in Vault
    """,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("render")(render.command)
app.command("diff")(diff.command)
app.command("secrets")(secrets.command)
app.command("crd")(crd.command)
app.command("selftest")(selftest.command)
app.add_typer(vault.app, name="vault")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def main() -> None:
    """Run the command line."""
    app()
