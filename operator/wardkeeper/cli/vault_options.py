# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Options of the commands about Vault, and how they get at a token: never as an argument."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from wardkeeper.api.duration import seconds
from wardkeeper.cli.talk import EXIT_INVALID, fail
from wardkeeper.vault.access import VaultAccess
from wardkeeper.vault.errors import Kind, VaultError

USUAL_PERIOD = "24h"
_TOKEN_VARIABLES = ("VAULT_TOKEN", "BAO_TOKEN")

Address = Annotated[
    str, typer.Option(envvar=["VAULT_ADDR", "BAO_ADDR"], help="URL of Vault or OpenBao.")
]
CaFile = Annotated[
    Path | None, typer.Option(envvar=["VAULT_CACERT", "BAO_CACERT"], help="PEM of its authority.")
]
VaultNamespace = Annotated[
    str | None, typer.Option(envvar=["VAULT_NAMESPACE", "BAO_NAMESPACE"], help="Vault namespace.")
]
TokenFile = Annotated[
    Path | None, typer.Option(help="File with an admin's token; else VAULT_TOKEN or BAO_TOKEN.")
]
AuthMount = Annotated[str, typer.Option(help="Path of the Kubernetes auth method.")]
KvMount = Annotated[str, typer.Option(help="Path of the KV v2 engine.")]
DatabaseMount = Annotated[str, typer.Option(help="Path of the database engine.")]
PkiMount = Annotated[str, typer.Option(help="Path of the PKI engine.")]
TransitMount = Annotated[str, typer.Option(help="Path of the transit engine.")]
TokenPeriod = Annotated[
    str,
    typer.Option(
        metavar="DURATION",
        help="How long a workflow's token lasts while Vault is away; vault.tokenPeriod of the "
        "settings has to say the same.",
    ),
]
TrustDomain = Annotated[str, typer.Option(help="Of the SPIFFE ids in certificates.")]
WithoutQuarantine = Annotated[
    bool, typer.Option("--without-quarantine", help="The operator may not disable entities.")
]
For = Annotated[
    list[Path] | None,
    typer.Option(
        "--for",
        metavar="FILE",
        help="Print what an admin has to make for the HealthcareWorkflows in FILE (- is standard "
        "input); nothing is applied and nobody is asked.",
    ),
]
WorkflowNamespace = Annotated[
    str | None,
    typer.Option("--namespace", "-n", help="With --for: namespace of workflows that name none."),
]
OperatorNamespace = Annotated[str, typer.Option(help="Namespace of the operator.")]
OperatorAccount = Annotated[str, typer.Option(help="ServiceAccount of the operator.")]
KubernetesHost = Annotated[str, typer.Option(help="URL of the API server as Vault reaches it.")]
KubernetesCaFile = Annotated[Path | None, typer.Option(help="PEM of the API server's authority.")]
ReviewerTokenFile = Annotated[Path | None, typer.Option(help="Token that may create TokenReviews.")]
ReplaceReviewerToken = Annotated[bool, typer.Option(help="Write that token even if Vault has one.")]
DryRun = Annotated[bool, typer.Option(help="Print what would be installed; ask nobody.")]
JwtFile = Annotated[
    Path | None,
    typer.Option(help="ServiceAccount token of the operator, audience vault: log in as it."),
]
OperatorRole = Annotated[str, typer.Option(help="Role the operator logs in with.")]
Json = Annotated[bool, typer.Option("--json", help="For programs: one JSON document.")]


def access_of(
    address: str,
    ca_file: Path | None,
    vault_namespace: str | None,
    *,
    auth_mount: str = "kubernetes",
    kv_mount: str = "secret",
    database_mount: str = "database",
    pki_mount: str = "pki",
    transit_mount: str = "transit",
    operator_role: str = "hw-operator",
    token_period: str = USUAL_PERIOD,
) -> VaultAccess:
    """Where Vault is and what its mounts are called, from the options."""
    try:
        period = seconds(token_period)
    except ValueError as error:
        fail(f"--token-period: {error}", EXIT_INVALID)
    return VaultAccess(
        address,
        ca_file=str(ca_file) if ca_file else None,
        namespace=vault_namespace,
        auth_mount=auth_mount,
        kv_mount=kv_mount,
        database_mount=database_mount,
        pki_mount=pki_mount,
        transit_mount=transit_mount,
        operator_role=operator_role,
        token_period=period,
    )


def token_of(token_file: Path | None) -> str:
    """A token from a file, or else from the environment; ends the command when there is none."""
    if token_file is not None:
        return content(token_file, "--token-file", needed=True)
    for name in _TOKEN_VARIABLES:
        if token := os.environ.get(name):
            return token
    fail("no token: set VAULT_TOKEN or give --token-file", EXIT_INVALID)


def words_of(error: VaultError) -> str:
    """An error in the words for an admin, whose token is their own business."""
    if error.kind is Kind.DENIED:
        return f"cannot {error.operation}: Vault denies it; use the token of a platform admin"
    return str(error)


def content(file: Path | None, option: str, *, needed: bool) -> str:
    """The text of a file, without blanks at its ends."""
    if file is None:
        if needed:
            fail(f"{option} is needed; with --dry-run it is not", EXIT_INVALID)
        return ""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{option}: cannot read {file}: {type(error).__name__}", EXIT_INVALID)
