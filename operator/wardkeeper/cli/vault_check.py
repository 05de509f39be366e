# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`wardkeeper vault check`: whether Vault still says what was installed. Reads, and writes nothing.

With an admin's token policies and roles are compared. The operator cannot read a role: the
parameters that its policy demands of a write are demanded of a read too. Logged in as it, what its
own token may do is asked instead; an admin's may do everything, which says nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson
import typer

from wardkeeper.cli.talk import EXIT_INVALID, fail, note
from wardkeeper.cli.vault_options import (
    USUAL_PERIOD,
    Address,
    AuthMount,
    CaFile,
    DatabaseMount,
    Json,
    JwtFile,
    KvMount,
    OperatorRole,
    PkiMount,
    TokenFile,
    TokenPeriod,
    TransitMount,
    VaultNamespace,
    WithoutQuarantine,
    access_of,
    content,
    token_of,
)
from wardkeeper.vault.check import check_own_rights, check_policies, check_roles
from wardkeeper.vault.client import VaultClient
from wardkeeper.vault.errors import VaultError
from wardkeeper.vault.token import log_in, revoke

if TYPE_CHECKING:
    from wardkeeper.vault.access import VaultAccess
    from wardkeeper.vault.check import Finding

EXIT_FOUND = 1


def command(
    address: Address = "https://127.0.0.1:8200",
    ca_file: CaFile = None,
    vault_namespace: VaultNamespace = None,
    token_file: TokenFile = None,
    jwt_file: JwtFile = None,
    operator_role: OperatorRole = "hw-operator",
    auth_mount: AuthMount = "kubernetes",
    kv_mount: KvMount = "secret",
    database_mount: DatabaseMount = "database",
    pki_mount: PkiMount = "pki",
    transit_mount: TransitMount = "transit",
    token_period: TokenPeriod = USUAL_PERIOD,
    without_quarantine: WithoutQuarantine = False,
    as_json: Json = False,
) -> None:
    """Compare policies and roles in Vault with what this version ships. Writes nothing.

    With an admin's token policies and the roles of workflows are compared; with --jwt-file it is
    asked what the operator's own token may do.

    For example:

      wardkeeper vault check

      wardkeeper vault check --jwt-file token

    Exit codes: 0 all is as it should be, 1 there are findings, 2 something in the input is wrong,
    or Vault could not be asked.
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
        operator_role=operator_role,
    )
    jwt = content(jwt_file, "--jwt-file", needed=False)
    token = "" if jwt else token_of(token_file)
    try:
        findings = asyncio.run(_check(access, token, jwt, not without_quarantine))
    except VaultError as error:
        fail(str(error), EXIT_INVALID)
    _show(findings, as_json=as_json)
    if jwt:
        note("the roles of workflows were not compared; give an admin's token for that")
    else:
        note("what the operator's own token may do was not asked; give --jwt-file for that")
    if findings:
        raise typer.Exit(EXIT_FOUND)


async def _check(access: VaultAccess, token: str, jwt: str, quarantine: bool) -> list[Finding]:
    """Every check that the token allows; a token from a login is revoked at the end."""
    client = VaultClient(access)
    try:
        if not jwt:
            return [
                *await check_policies(client, token, quarantine=quarantine),
                *await check_roles(client, token),
            ]
        login = await log_in(client, access.operator_role, jwt)
        try:
            return [
                *await check_policies(client, login.token, quarantine=quarantine),
                *await check_own_rights(client, login.token),
            ]
        finally:
            await revoke(client, login.token)
    finally:
        client.close()


def _show(findings: list[Finding], *, as_json: bool) -> None:
    if as_json:
        document = {"findings": [each._asdict() for each in findings]}
        typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
        return
    for each in findings:
        typer.echo(f"{each.control}: {each.subject}: {each.found}; {each.remedy}")
    if not findings:
        typer.echo("all is as it should be")
