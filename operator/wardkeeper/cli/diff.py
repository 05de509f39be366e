# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`wardkeeper diff`: what a pass would change in the cluster, from the engine's own plan.

It reads and never writes. Of Secrets only names are ever shown.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from wardkeeper import __version__
from wardkeeper.api.workflow import KIND, Mode
from wardkeeper.cli.cluster_options import Context, Kubeconfig, cluster_of
from wardkeeper.cli.colour import paint
from wardkeeper.cli.options import (
    Files,
    Namespace,
    Overrides,
    SettingsFile,
    settings_of,
    workflows_of,
)
from wardkeeper.cli.preview import Preview, preview
from wardkeeper.cli.talk import EXIT_DIFFERENT, EXIT_FAILED, EXIT_INVALID, fail, note
from wardkeeper.cli.values import ABSENT, shown, value_at
from wardkeeper.engine.plan import Action, Change
from wardkeeper.engine.seen import Key
from wardkeeper.kube.client import Client
from wardkeeper.kube.errors import ApiError
from wardkeeper.policy.judge import judge
from wardkeeper.settings.surroundings import discover

if TYPE_CHECKING:
    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.kube.credentials import Access
    from wardkeeper.settings import Settings

SIGNS = {
    Action.CREATE: "+",
    Action.REPAIR: "~",
    Action.REPLACE: "~",
    Action.DELETE: "-",
    Action.REFUSE: "!",
}
COLOURS = {"+": typer.colors.GREEN, "~": typer.colors.YELLOW, "-": typer.colors.RED}
TAKEN = (
    "what is refused exists and does not belong to this workflow; it is left as it is, and the "
    "workload with it: rename the workflow, or delete those objects if nobody needs them"
)


class Output(StrEnum):
    """How differences are printed."""

    TEXT = "text"
    JSON = "json"


OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="For people, or for programs.")
]


def command(
    files: Files,
    settings: SettingsFile = None,
    set_: Overrides = None,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Print what the operator would change in the cluster if these files were applied.

    Reads the cluster and changes nothing. Give the operator's settings if it has any.

    For example:

      wardkeeper diff workflow.yaml

      wardkeeper diff --settings settings.yaml --context staging -o json *.yaml

    Exit codes: 0 nothing would change, 1 the cluster could not be read, 2 something in the input
    is wrong, 3 something would change.
    """
    known = settings_of(settings, set_)
    workflows = [one for _, one in workflows_of(files, namespace)]
    _refuse_problems(workflows)
    access, _ = cluster_of(kubeconfig, context, EXIT_FAILED)
    try:
        previews = asyncio.run(_previews(access, known, workflows))
    except ApiError as error:
        fail(str(error), EXIT_FAILED)
    if output is Output.JSON:
        typer.echo(orjson.dumps(_document(previews), option=orjson.OPT_INDENT_2).decode())
    for one in previews:
        for text in one.notes:
            note(f"{one.namespace}/{one.name}: {text}")
        if output is Output.TEXT and one.changes:
            _print(one)
    if any(one.changes for one in previews):
        raise typer.Exit(EXIT_DIFFERENT)
    note("nothing would change")


def _refuse_problems(workflows: list[HealthcareWorkflow]) -> None:
    """End when a workflow asks for what cannot be carried out, whatever the cluster holds."""
    problems = [
        problem.message(f"{KIND}/{one.metadata.name}")
        for one in workflows
        for problem in judge(one, lambda *_: True).problems
    ]
    if problems:
        fail(problems, EXIT_INVALID)


async def _previews(
    access: Access, settings: Settings, workflows: list[HealthcareWorkflow]
) -> list[Preview]:
    given = frozenset(Key(one.metadata.namespace, one.metadata.name) for one in workflows)
    agent = f"wardkeeper-diff/{__version__}"
    async with Client(access, user_agent=agent, may_write=lambda: False) as client:
        surroundings = await discover(settings, client)
        made = [await preview(client, one, surroundings, given) for one in workflows]
    for one, workflow in zip(made, workflows, strict=True):
        if workflow.spec.mode is Mode.AUDIT:
            one.notes.append("mode is Audit: the operator reports these changes and makes none")
    return made


def _print(one: Preview) -> None:
    typer.echo(f"{KIND} {one.namespace}/{one.name}")
    for change in one.changes:
        sign = SIGNS[change.action]
        line = f"{sign} {change.action.value:<7} {change.ref.kind} {change.ref.name}"
        typer.echo("  " + paint(line, COLOURS.get(sign, typer.colors.MAGENTA)))
        for field in _fields(change):
            found, wanted = shown(field["found"]), shown(field["wanted"])
            by = f"   (set by {field['manager']})" if field["manager"] != "unknown" else ""
            typer.echo(f"      {field['field']}: {found} -> {wanted}{by}")
    if any(change.action is Action.REFUSE for change in one.changes):
        typer.echo(f"    {TAKEN}")


def _fields(change: Change) -> list[dict[str, Any]]:
    """What is not as wanted in a live object."""
    if change.comparison is None or change.live is None:
        return []
    return [
        {
            "field": one.path,
            "manager": one.manager,
            "found": value_at(change.live.body, one.path),
            "wanted": value_at(change.desired, one.path),
        }
        for one in change.comparison.differences
    ]


def _document(previews: list[Preview]) -> dict[str, Any]:
    """The differences for programs; a value that is not there is left out."""
    return {
        "workflows": [
            {
                "namespace": one.namespace,
                "name": one.name,
                "changes": [
                    {
                        "action": change.action.value,
                        "kind": change.ref.kind,
                        "name": change.ref.name,
                        "fields": [
                            {key: value for key, value in field.items() if value is not ABSENT}
                            for field in _fields(change)
                        ],
                    }
                    for change in one.changes
                ],
            }
            for one in previews
        ]
    }
