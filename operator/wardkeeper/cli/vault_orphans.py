# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`wardkeeper vault orphans`: what Vault holds for workflows and the ledger does not know."""

from __future__ import annotations

import asyncio
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, NamedTuple

import orjson
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from wardkeeper import __version__
from wardkeeper.api.credential import CREDENTIAL_KIND, IssuedCredential
from wardkeeper.api.workflow import KIND
from wardkeeper.cli.cluster_options import Context, Kubeconfig, OperatorNamespace, cluster_of
from wardkeeper.cli.talk import EXIT_INVALID, fail, note
from wardkeeper.cli.vault_options import (
    Address,
    AuthMount,
    CaFile,
    DatabaseMount,
    Json,
    PkiMount,
    TokenFile,
    TransitMount,
    VaultNamespace,
    access_of,
    token_of,
    words_of,
)
from wardkeeper.engine.secrets.orphans import Known, encrypted_leases, orphans_of
from wardkeeper.kube.client import Client, Lane
from wardkeeper.kube.errors import ApiError
from wardkeeper.kube.resource import resource_of
from wardkeeper.vault.client import VaultClient
from wardkeeper.vault.errors import VaultError
from wardkeeper.vault.holdings import Holding, Holdings
from wardkeeper.vault.names import LEDGER_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wardkeeper.engine.secrets.orphans import Orphans
    from wardkeeper.kube.access import Access
    from wardkeeper.vault.access import VaultAccess

EXIT_FOUND = 1
WIDE = 500
"""Columns of what is not shown on a terminal: no line of it is broken."""

Revoke = Annotated[bool, typer.Option("--revoke", help="End them.")]
EmptyLedger = Annotated[
    bool,
    typer.Option("--empty-ledger", help="Go on though the ledger is empty: everything is unknown."),
]


class _Where(NamedTuple):
    cluster: Access
    namespace: str
    vault: VaultAccess
    token: str


def command(
    address: Address = "https://127.0.0.1:8200",
    ca_file: CaFile = None,
    vault_namespace: VaultNamespace = None,
    token_file: TokenFile = None,
    auth_mount: AuthMount = "kubernetes",
    database_mount: DatabaseMount = "database",
    pki_mount: PkiMount = "pki",
    transit_mount: TransitMount = "transit",
    operator_namespace: OperatorNamespace = "wardkeeper-system",
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    revoke: Revoke = False,
    empty_ledger: EmptyLedger = False,
    as_json: Json = False,
) -> None:
    """List leases, certificates and auth roles that no entry of the operator's ledger knows.

    Takes an admin's token for Vault that may also decrypt with the ledger's key, and a kubeconfig
    that may list the ledger and all workflows. Every cluster needs mounts of its own: what another
    cluster made in the same mounts is unknown here.

    For example:

      wardkeeper vault orphans

      wardkeeper vault orphans --revoke

    Exit codes: 0 there are none, or --revoke has ended them all, 1 there are some, 2 something in
    the input is wrong, or cluster or Vault could not be asked.
    """
    vault = access_of(
        address,
        ca_file,
        vault_namespace,
        auth_mount=auth_mount,
        database_mount=database_mount,
        pki_mount=pki_mount,
        transit_mount=transit_mount,
    )
    cluster, _ = cluster_of(kubeconfig, context)
    where = _Where(cluster, operator_namespace, vault, token_of(token_file))
    try:
        left = asyncio.run(_run(where, revoke=revoke, empty_ledger=empty_ledger, as_json=as_json))
    except ApiError as error:
        fail(
            f"the cluster: {error}; it takes list on the ledger and on all workflows", EXIT_INVALID
        )
    except VaultError as error:
        fail(words_of(error), EXIT_INVALID)
    if left:
        raise typer.Exit(EXIT_FOUND)


async def _run(where: _Where, *, revoke: bool, empty_ledger: bool, as_json: bool) -> int:
    """List, and end what is to be ended; how many are left."""
    client = VaultClient(where.vault)
    try:
        holdings = Holdings(client, where.token)
        found = await _find(where, holdings, empty_ledger=empty_ledger)
        failed = await _end(holdings, found) if revoke else {}
    finally:
        client.close()
    _show(found, failed, revoked=revoke, as_json=as_json)
    return len(failed) if revoke else len(found.unknown)


async def _find(where: _Where, holdings: Holdings, *, empty_ledger: bool) -> Orphans:
    """Vault first, then the ledger: what is in Vault by then has an entry."""
    with _progress("reading certificates") as tell:
        held = [
            *await holdings.leases(),
            *await holdings.certificates(datetime.now(UTC), tell),
            *await holdings.roles(),
        ]
    ledger, workflows = await _cluster(where)
    if held and not ledger and not empty_ledger:
        fail(
            f"the ledger in namespace {where.namespace} is empty, so nothing in Vault is known; is "
            "this the right cluster? If the ledger was lost, give --empty-ledger",
            EXIT_INVALID,
        )
    encrypted, leases = encrypted_leases(ledger), set[str]()
    with _progress("decrypting lease ids of the ledger") as tell:
        for count, one in enumerate(encrypted, 1):
            leases.add(await holdings.decrypt(LEDGER_KEY, one))
            tell(count, len(encrypted))
    return orphans_of(held, Known(ledger, frozenset(leases), workflows))


async def _cluster(
    where: _Where,
) -> tuple[tuple[IssuedCredential, ...], frozenset[tuple[str, str]]]:
    """The ledger, and the names of all workflows."""
    agent = f"wardkeeper-orphans/{__version__}"
    ledger, workflows = list[IssuedCredential](), set[tuple[str, str]]()
    async with Client(where.cluster, user_agent=agent, may_write=lambda: False) as client:
        pages = client.pages(resource_of(CREDENTIAL_KIND), where.namespace, lane=Lane.LIVE)
        async for page in pages:
            try:
                ledger += map(IssuedCredential.model_validate, page.items)
            except ValidationError:
                fail(
                    "the ledger cannot be read: is this command older than the operator?",
                    EXIT_INVALID,
                )
        async for page in client.pages(resource_of(KIND), None, lane=Lane.LIVE):
            metadata = (one["metadata"] for one in page.items)
            workflows |= {(one["namespace"], one["name"]) for one in metadata}
    return tuple(ledger), frozenset(workflows)


async def _end(holdings: Holdings, found: Orphans) -> dict[str, str]:
    """End each; the ids of those that could not be ended, with the reason."""
    failed = {}
    with _progress("ending orphans") as tell:
        for count, one in enumerate(found.unknown, 1):
            try:
                await holdings.end(one)
            except VaultError as error:
                failed[one.id] = str(error)
            tell(count, len(found.unknown))
    return failed


def _show(found: Orphans, failed: dict[str, str], *, revoked: bool, as_json: bool) -> None:
    outcome = "ended" if revoked else "unknown to the ledger"
    rows = [(one, failed.get(one.id, outcome)) for one in found.unknown]
    if as_json:
        shown = {"orphans": [{**_document(one), "outcome": said} for one, said in rows]}
        typer.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode())
    elif rows:
        table = Table("KIND", "WORKFLOW", "ID", "OUTCOME", box=None, pad_edge=False)
        for one, said in rows:
            table.add_row(one.kind, f"{one.namespace}/{one.workflow}", one.id, said)
        width = None if sys.stdout.isatty() else WIDE
        Console(highlight=False, markup=False, width=width).print(table)
    else:
        typer.echo("there are none")
    if found.undecided:
        ids = ", ".join(one.id for one in found.undecided)
        note(f"let alone, for the operator may be making them right now: {ids}")


def _document(one: Holding) -> dict[str, str | None]:
    return {
        "kind": one.kind.value,
        "id": one.id,
        "namespace": one.namespace,
        "workflow": one.workflow,
        "endsAt": one.ends_at.isoformat().replace("+00:00", "Z") if one.ends_at else None,
    }


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error while something is done, for people only."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda count, total: progress.update(task, completed=count, total=total)
