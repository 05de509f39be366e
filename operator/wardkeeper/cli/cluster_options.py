# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Options of the commands that ask a cluster, and how they get at it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wardkeeper.cli.talk import EXIT_INVALID, fail
from wardkeeper.kube.access import AccessError
from wardkeeper.kube.kubeconfig import from_kubeconfig, namespace_of

if TYPE_CHECKING:
    from wardkeeper.kube.access import Access

OperatorNamespace = Annotated[str, typer.Option(help="Where the operator keeps its ledger.")]
Kubeconfig = Annotated[
    Path | None, typer.Option(help="The cluster; else $KUBECONFIG, else ~/.kube/config.")
]
Context = Annotated[str | None, typer.Option(help="Context in it; else its current one.")]


def cluster_of(
    kubeconfig: Path | None, context: str | None, code: int = EXIT_INVALID
) -> tuple[Access, str]:
    """The cluster, and the context's namespace; ends the command with `code` when there is none."""
    try:
        return from_kubeconfig(kubeconfig, context), namespace_of(kubeconfig, context)
    except AccessError as error:
        remedy = "name a kubeconfig with --kubeconfig or $KUBECONFIG, and a context with --context"
        fail(f"{error}; {remedy}", code)
