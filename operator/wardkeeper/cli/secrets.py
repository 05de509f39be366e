# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`wardkeeper secrets`: where each secret of a workflow stands, and which credentials live.

It reads workflows and the ledger, never a Secret, and writes nothing. The ledger is the operator's
business: whoever may not read it still sees the rest.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import orjson
import typer
from pydantic import ValidationError
from rich.console import Console

from wardkeeper import __version__
from wardkeeper.api.credential import CREDENTIAL_KIND, IssuedCredential
from wardkeeper.api.schema import GROUP
from wardkeeper.api.status import ConditionStatus, WorkflowStatus
from wardkeeper.api.workflow import KIND, PLURAL
from wardkeeper.cli.cluster_options import (
    Context,
    Kubeconfig,
    OperatorNamespace,
    cluster_of,
)
from wardkeeper.cli.secret_table import Standing, document, ledger_of, plain, table_of
from wardkeeper.cli.talk import EXIT_INVALID, fail, note
from wardkeeper.kube.client import Client, Lane
from wardkeeper.kube.errors import ApiError, Forbidden, NotFound
from wardkeeper.kube.resource import resource_of
from wardkeeper.render.metadata import WORKFLOW

if TYPE_CHECKING:
    from wardkeeper.kube.credentials import Access

EXIT_NOT_CURRENT = 1
WORKFLOW_NAMESPACE = f"{WORKFLOW}-namespace"
"""Label of a ledger's entry: the namespace of the workflow that it was made for."""

WIDE = 400
"""Columns of a table that no terminal shows, so that each secret is one line."""


class Output(StrEnum):
    """How it is printed."""

    TABLE = "table"
    JSON = "json"


class _Question(NamedTuple):
    """What was asked for; no namespace: in all of them, no name: all workflows."""

    namespace: str | None
    name: str | None
    operator_namespace: str


class _Answer(NamedTuple):
    standings: list[Standing]
    notes: list[str]


Name = Annotated[str | None, typer.Argument(metavar="NAME", help="A HealthcareWorkflow.")]
NamespaceOption = Annotated[
    str | None,
    typer.Option("--namespace", "-n", help="Its namespace; else that of the context."),
]
All = Annotated[
    bool,
    typer.Option("--all", help="Every workflow of the namespace; without one, of all namespaces."),
]
OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="For people, or for programs.")
]
Json = Annotated[bool, typer.Option("--json", help="The same as -o json.")]


def command(
    name: Name = None,
    namespace: NamespaceOption = None,
    all_: All = False,
    output: OutputOption = Output.TABLE,
    json: Json = False,
    operator_namespace: OperatorNamespace = "wardkeeper-system",
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Show where the secrets of a workflow stand: version, age, next rotation, what it waits for.

    Below them stand the credentials that live, one for each entry of the operator's ledger, if you
    may read it. No value is ever shown, and no Secret is read.

    For example:

      wardkeeper secrets lab-results-router -n integration

      wardkeeper secrets --all -o json

    Exit codes: 0 every secret is current, 1 one is overdue, expired, failed or not delivered yet,
    2 something in the input is wrong or the cluster cannot be read.
    """
    if all_ == (name is not None):
        fail("name one workflow, or give --all", EXIT_INVALID)
    access, own = cluster_of(kubeconfig, context)
    asked = _Question(namespace or (None if all_ else own), name, operator_namespace)
    try:
        answer = asyncio.run(_answer(access, asked))
    except ApiError as error:
        fail(_words(error, asked), EXIT_INVALID)
    now = datetime.now(UTC)
    if json or output is Output.JSON:
        shown = document(answer.standings, now)
        typer.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode())
    else:
        _print(answer.standings, now)
    for text in answer.notes:
        note(text)
    if not all(one.current(now) for one in answer.standings):
        raise typer.Exit(EXIT_NOT_CURRENT)


async def _answer(access: Access, asked: _Question) -> _Answer:
    agent = f"wardkeeper-secrets/{__version__}"
    async with Client(access, user_agent=agent, may_write=lambda: False) as client:
        found = await _workflows(client, asked)
        notes: list[str] = []
        ledger = await _ledger(client, asked, notes)
    if not found:
        notes.append("there are no workflows")
    return _Answer([_standing(one, ledger, notes) for one in found], notes)


async def _workflows(client: Client, asked: _Question) -> list[dict[str, Any]]:
    resource = resource_of(KIND)
    if asked.namespace and asked.name:
        return [await client.get(resource, asked.namespace, asked.name)]
    pages = client.pages(resource, asked.namespace, lane=Lane.LIVE)
    found = [one async for page in pages for one in page.items]
    return sorted(found, key=lambda one: (one["metadata"]["namespace"], one["metadata"]["name"]))


async def _ledger(
    client: Client, asked: _Question, notes: list[str]
) -> tuple[IssuedCredential, ...] | None:
    """The credentials that live; None when that is not for this person to know."""
    namespace, entries = asked.operator_namespace, list[IssuedCredential]()
    labels = {WORKFLOW: asked.name, WORKFLOW_NAMESPACE: asked.namespace}
    selector = ",".join(f"{label}={value}" for label, value in labels.items() if value)
    pages = client.pages(
        resource_of(CREDENTIAL_KIND), namespace, label_selector=selector, lane=Lane.LIVE
    )
    try:
        async for page in pages:
            entries += map(IssuedCredential.model_validate, page.items)
    except Forbidden:
        notes.append(
            f"you may not list {CREDENTIAL_KIND}s in {namespace}: nothing is said about the "
            "credentials that live"
        )
    except NotFound:
        notes.append(f"this cluster does not know {CREDENTIAL_KIND}s: apply the operator's CRDs")
    except ValidationError:
        notes.append("the ledger cannot be read: is this command older than the operator?")
    else:
        return tuple(sorted(entries, key=lambda one: (one.spec.secret, one.status.issued_at or "")))
    return None


def _standing(
    raw: dict[str, Any], ledger: tuple[IssuedCredential, ...] | None, notes: list[str]
) -> Standing:
    metadata, key = raw["metadata"], (raw["metadata"]["namespace"], raw["metadata"]["name"])
    try:
        status = WorkflowStatus.model_validate(raw.get("status") or {})
    except ValidationError:
        status = WorkflowStatus()
        older = "cannot be read: is this command older than the operator?"
        notes.append(f"the status of {key[0]}/{key[1]} {older}")
    known = {one.name for one in status.secrets}
    declared = [str(one.get("name")) for one in raw.get("spec", {}).get("secrets") or ()]
    mine = None
    if ledger is not None:
        mine = tuple(one for one in ledger if one.spec.workflow_ref.uid == metadata["uid"])
    return Standing(
        namespace=key[0],
        name=key[1],
        secrets=status.secrets,
        unknown=tuple(one for one in declared if one not in known),
        condition=next((one for one in status.conditions if one.type == "SecretsCurrent"), None),
        ledger=mine,
    )


def _print(standings: list[Standing], now: datetime) -> None:
    terminal = sys.stdout.isatty()
    console = Console(highlight=False, markup=False, width=None if terminal else WIDE)
    for one in standings:
        console.print(f"{KIND} {one.namespace}/{one.name}")
        if not one.secrets and not one.unknown:
            console.print("declares no secrets")
        else:
            console.print(table_of(one, now, fold=terminal))
        if one.condition and one.condition.status is not ConditionStatus.TRUE:
            console.print(plain(f"{one.condition.reason}: {one.condition.message}"))
        if one.ledger:
            console.print("")
            console.print(ledger_of(one.ledger, now, fold=terminal))
        console.print("")


def _words(error: ApiError, asked: _Question) -> str:
    """An error, with what to do about it."""
    where = f"namespace {asked.namespace}" if asked.namespace else "all namespaces"
    if isinstance(error, NotFound) and asked.name:
        return (
            f"no {KIND} {asked.name} in {where}; name its namespace with --namespace, or see all "
            "with --all; if there are none at all, the operator's CRDs may be missing"
        )
    if isinstance(error, NotFound):
        return f"this cluster does not know {KIND}s; apply the operator's CRDs: wardkeeper crd"
    if isinstance(error, Forbidden):
        return f"you may not read {KIND}s in {where}; ask for get and list on {PLURAL}.{GROUP}"
    return f"{error}; check the server's address in the kubeconfig, and your login"
