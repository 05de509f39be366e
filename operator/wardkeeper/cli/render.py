# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`wardkeeper render`: the objects that a workflow becomes, without a cluster.

Runs the operator's own judge and render. What only a cluster knows is assumed, and each
assumption is told.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from wardkeeper.api.workflow import KIND
from wardkeeper.cli.options import (
    Files,
    Namespace,
    Overrides,
    SettingsFile,
    settings_of,
    workflows_of,
)
from wardkeeper.cli.talk import EXIT_INVALID, as_yaml, fail, note
from wardkeeper.policy.judge import judge
from wardkeeper.render.children import render
from wardkeeper.settings.surroundings import from_settings

if TYPE_CHECKING:
    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.policy.verdict import Verdict
    from wardkeeper.render.metadata import Obj
    from wardkeeper.settings import Settings


class Output(StrEnum):
    """How objects are printed."""

    YAML = "yaml"
    JSON = "json"


OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="yaml: one document each; json: one List.")
]


def command(
    files: Files,
    settings: SettingsFile = None,
    set_: Overrides = None,
    namespace: Namespace = None,
    output: OutputOption = Output.YAML,
) -> None:
    """Print the objects that workflows become, in the order in which they are applied.

    Needs no cluster. Objects of other kinds in the files are passed over. Secrets are not printed:
    their values are drawn by the operator and never leave Vault and the cluster.

    For example:

      wardkeeper render workflow.yaml

      wardkeeper render --settings settings.yaml workflow.yaml | kubeconform -strict -

      cat *.yaml | wardkeeper render -n radiology -

    Exit codes: 0 printed, 2 something in the input is wrong (nothing is printed then).
    """
    known = settings_of(settings, set_)
    workflows = workflows_of(files, namespace)
    judged = [(source, one, judge(one, lambda *_: True)) for source, one in workflows]
    mistakes = [
        f"{source}: {problem.message(f'{KIND}/{one.metadata.name}')}"
        for source, one, verdict in judged
        for problem in verdict.problems
    ]
    if mistakes:
        fail(mistakes, EXIT_INVALID)
    names = {(one.metadata.namespace, one.metadata.name) for _, one in workflows}
    children: list[Obj] = []
    for _, one, verdict in judged:
        _tell_assumptions(one, names, known)
        children += _children(one, verdict, known)
    if output is Output.JSON:
        listed = {"apiVersion": "v1", "kind": "List", "items": children}
        typer.echo(orjson.dumps(listed, option=orjson.OPT_INDENT_2).decode())
    else:
        typer.echo("---\n".join(as_yaml(one) for one in children), nl=False)


def _children(workflow: HealthcareWorkflow, verdict: Verdict, settings: Settings) -> list[Obj]:
    return list(render(workflow, verdict, from_settings(settings), macs={}).children)


def _tell_assumptions(
    workflow: HealthcareWorkflow, names: set[tuple[str, str]], settings: Settings
) -> None:
    """Say what only a cluster knows."""
    subject = f"{workflow.metadata.namespace}/{workflow.metadata.name}"
    absent = judge(workflow, lambda *name: name in names).missing_peers
    if absent:
        note(f"{subject}: assumed to exist: {KIND} {', '.join(absent)}")
    if workflow.spec.secrets:
        note(f"{subject}: Secrets, and the stamp of their content, are added by the operator")
    if workflow.spec.access.rules and not settings.network.api_server.cidrs:
        note(
            f"{subject}: no way to the API server is printed, for its address is not in the "
            "settings; the operator finds it in the cluster"
        )
