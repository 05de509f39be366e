# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`wardkeeper vault`: what a platform admin does once, with a token of their own.

A token is never an argument: the process list shows arguments to everybody.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import typer

from wardkeeper.cli import vault_check, vault_orphans
from wardkeeper.cli.options import workflows_of
from wardkeeper.cli.talk import EXIT_FAILED, fail, note
from wardkeeper.cli.vault_options import (
    USUAL_PERIOD,
    Address,
    AuthMount,
    CaFile,
    DatabaseMount,
    DryRun,
    For,
    KubernetesCaFile,
    KubernetesHost,
    KvMount,
    OperatorAccount,
    OperatorNamespace,
    PkiMount,
    ReplaceReviewerToken,
    ReviewerTokenFile,
    TokenFile,
    TokenPeriod,
    TransitMount,
    TrustDomain,
    VaultNamespace,
    WithoutQuarantine,
    WorkflowNamespace,
    access_of,
    content,
    token_of,
    words_of,
)
from wardkeeper.vault.asked import asked_by
from wardkeeper.vault.bootstrap import ACCESSOR_UNKNOWN, BootstrapSettings, Step, bootstrap_plan
from wardkeeper.vault.client import VaultClient
from wardkeeper.vault.errors import VaultError
from wardkeeper.vault.install import Change, NotReplaceable, has_issuer, install

if TYPE_CHECKING:
    from pathlib import Path

    from wardkeeper.vault.access import VaultAccess

app = typer.Typer(
    help="Set up Vault or OpenBao for the operator.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)


@app.callback()
def vault() -> None:
    """Set up Vault or OpenBao for the operator."""


app.command("check")(vault_check.command)
app.command("orphans")(vault_orphans.command)


@app.command()
def bootstrap(
    address: Address = "https://127.0.0.1:8200",
    ca_file: CaFile = None,
    vault_namespace: VaultNamespace = None,
    token_file: TokenFile = None,
    auth_mount: AuthMount = "kubernetes",
    kv_mount: KvMount = "secret",
    database_mount: DatabaseMount = "database",
    pki_mount: PkiMount = "pki",
    transit_mount: TransitMount = "transit",
    token_period: TokenPeriod = USUAL_PERIOD,
    trust_domain: TrustDomain = "cluster.local",
    operator_namespace: OperatorNamespace = "wardkeeper-system",
    operator_service_account: OperatorAccount = "wardkeeper",
    kubernetes_host: KubernetesHost = "https://kubernetes.default.svc",
    kubernetes_ca_file: KubernetesCaFile = None,
    reviewer_token_file: ReviewerTokenFile = None,
    replace_reviewer_token: ReplaceReviewerToken = False,
    without_quarantine: WithoutQuarantine = False,
    dry_run: DryRun = False,
    for_: For = None,
    namespace: WorkflowNamespace = None,
) -> None:
    """Install mounts, policies and the operator's role; a second run changes nothing.

    Takes a platform admin's token, in VAULT_TOKEN or a file. With --for it installs nothing: it
    prints what an admin has to make for single workflows.

    For example:

      wardkeeper vault bootstrap --dry-run

      wardkeeper vault bootstrap --kubernetes-ca-file ca.crt --reviewer-token-file token

      wardkeeper vault bootstrap --for workflow.yaml

    Exit codes: 0 all is as it should be now, 1 Vault would not, or could not be asked, 2 something
    in the input is wrong.
    """
    access = access_of(
        address,
        ca_file,
        vault_namespace,
        auth_mount=auth_mount,
        kv_mount=kv_mount,
        database_mount=database_mount,
        pki_mount=pki_mount,
        transit_mount=transit_mount,
        token_period=token_period,
    )
    if for_:
        _print_asked(for_, namespace, access)
        return
    settings = BootstrapSettings(
        access=access,
        operator_namespace=operator_namespace,
        operator_service_account=operator_service_account,
        kubernetes_host=kubernetes_host,
        kubernetes_ca=content(kubernetes_ca_file, "--kubernetes-ca-file", needed=not dry_run),
        reviewer_token=content(reviewer_token_file, "--reviewer-token-file", needed=not dry_run),
        replace_reviewer_token=replace_reviewer_token,
        trust_domain=trust_domain,
        quarantine=not without_quarantine,
    )
    if dry_run:
        for step in bootstrap_plan(settings):
            _show(step)
        return
    try:
        asyncio.run(_install(settings, token_of(token_file)))
    except VaultError as error:
        fail(words_of(error), EXIT_FAILED)
    except NotReplaceable as error:
        fail(str(error), EXIT_FAILED)


async def _install(settings: BootstrapSettings, token: str) -> None:
    """Install and say what became of each step."""
    client = VaultClient(settings.access)
    changed = 0
    try:
        async for each in install(client, token, settings):
            typer.echo(f"{each.change:<9}  {each.title}")
            changed += each.change is not Change.UNCHANGED
        if not await has_issuer(client, token):
            note(
                f"{settings.access.pki_mount}/ has no issuer yet, so no certificate can be signed: "
                "make or import an authority there"
            )
    finally:
        client.close()
    typer.echo(f"{changed} changed" if changed else "nothing changed")


def _print_asked(files: list[Path], namespace: str | None, access: VaultAccess) -> None:
    """Print, for each workflow, the commands that an admin runs."""
    for _, workflow in workflows_of(files, namespace):
        name = f"{workflow.metadata.namespace}/{workflow.metadata.name}"
        asked = asked_by(workflow, access)
        if not asked:
            note(f"{name} needs nothing that the operator does not make itself")
        for each in asked:
            typer.echo(f"# {name}\n{each.command()}\n")


def _show(step: Step) -> None:
    """Print a step of the plan: a policy as its text, anything else as its fields."""
    typer.echo(f"# {step.title}\n# write {step.path}")
    for key, value in step.shown().items():
        if key == "policy":
            typer.echo(str(value).replace(ACCESSOR_UNKNOWN, f"<{ACCESSOR_UNKNOWN}>").strip())
        else:
            typer.echo(f"{key} = {value}")
    typer.echo("")
