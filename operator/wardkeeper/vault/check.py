# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Whether what stands in Vault is what was shipped, and whether the operator could do more.

Reads only. It never tries to read a secret to see whether it may: it asks Vault what it may do.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from wardkeeper.vault import names
from wardkeeper.vault.client import Effect, Operation
from wardkeeper.vault.policies import policies
from wardkeeper.vault.roles import READER_PINS, WRITER_PINS
from wardkeeper.vault.session import or_nothing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wardkeeper.vault.access import VaultAccess
    from wardkeeper.vault.client import VaultClient

_ACCESSOR = re.compile(r"identity\.entity\.aliases\.([^.}]+)\.metadata")
_TEMPLATE = "identity.entity.aliases.{}.metadata"
_FAMILIES = {"hw.w.": WRITER_PINS, "hw.r.": READER_PINS}
_CANARY = "hw.no-such-namespace.no-such-workflow.canary"


class Control(StrEnum):
    """What a finding is about."""

    POLICY_DRIFT = "PolicyDrift"
    LEAST_PRIVILEGE = "LeastPrivilege"


class Finding(NamedTuple):
    """Something that is not as it should be.

    Attributes:
        control: what it is about.
        subject: the object in Vault.
        found: what is there, in words.
        remedy: what to do.
    """

    control: Control
    subject: str
    found: str
    remedy: str


_AGAIN = "run `wardkeeper vault bootstrap`"


async def check_policies(client: VaultClient, token: str, *, quarantine: bool) -> list[Finding]:
    """Compare every policy with the text that this version ships.

    Args:
        client: the Vault to look at.
        token: the operator's, or an admin's.
        quarantine: whether the policy for disabling entities has to be there.

    Raises:
        VaultError: a policy cannot be read.
    """
    live = await _accessor(client, token)
    findings = []
    for name, wanted in policies(client.access, live).items():
        text = await _policy(client, token, name)
        if text is None and name == names.QUARANTINE_POLICY and not quarantine:
            continue
        found = _drift(text, wanted, live)
        if found:
            findings.append(Finding(Control.POLICY_DRIFT, f"policy {name}", found, _AGAIN))
    return findings


async def check_roles(client: VaultClient, token: str) -> list[Finding]:
    """Find roles of workflows that grant more than the one policy of their kind.

    Raises:
        VaultError: roles cannot be listed or read.
    """
    mount = f"auth/{client.access.auth_mount}/role"
    listed = await _read(client, token, mount, "list the auth roles", listing=True)
    findings = []
    for role in map(str, listed.get("keys") or ()):
        pins = next((pins for start, pins in _FAMILIES.items() if role.startswith(start)), None)
        if pins is None:
            continue
        body = await _read(client, token, f"{mount}/{role}", f"read the auth role {role}")
        wanted = ([pins["token_policies"]], pins["audience"])
        if body and (body.get("token_policies"), body.get("audience")) != wanted:
            findings.append(
                Finding(
                    Control.LEAST_PRIVILEGE,
                    f"auth role {role}",
                    "its policies or its audience are not those of its kind",
                    "find out who wrote it; the operator writes it anew at the next login",
                )
            )
    return findings


async def check_own_rights(client: VaultClient, token: str) -> list[Finding]:
    """Ask what the operator's own token may do where it must be able to do nothing.

    Raises:
        VaultError: it cannot be asked.
    """
    found = await client.run(
        Operation("ask for its own capabilities", Effect.PURE, label="capabilities"),
        lambda vault: vault.write_data(
            "sys/capabilities-self", data={"paths": list(_forbidden(client.access))}
        ),
        lambda answer: {path: answer["data"][path] for path in _forbidden(client.access)},
        token=token,
    )
    return [
        Finding(
            Control.LEAST_PRIVILEGE,
            f"path {path}",
            f"the operator's token has {', '.join(sorted(map(str, may)))} there, wanted deny",
            f"take other policies off the operator's role, and {_AGAIN}",
        )
        for path, may in found.items()
        if list(may) != ["deny"]
    ]


def _forbidden(access: VaultAccess) -> Iterator[str]:
    """Paths, none of which exists, of each kind that the operator must not reach."""
    for path in ("hw/no-such-namespace/no-such-workflow/canary", "canary"):
        yield f"{access.kv_mount}/data/{path}"
        yield f"{access.kv_mount}/metadata/{path}"
    yield f"{access.kv_mount}/data/hw-synced/no-such-namespace/no-such-workflow/canary"
    for kind in ("creds", "static-creds", "roles", "static-roles", "config"):
        yield f"{access.database_mount}/{kind}/{_CANARY}"
    for kind in ("keys", "encrypt", "decrypt", "export/encryption-key"):
        yield f"{access.transit_mount}/{kind}/{_CANARY}"
    yield f"{access.transit_mount}/keys/{names.LEDGER_KEY}"
    yield f"{access.pki_mount}/sign/{names.PKI_ROLE}"
    yield f"{access.pki_mount}/roles/{names.PKI_ROLE}"
    yield f"auth/{access.auth_mount}/role/{access.operator_role}"
    yield "auth/token/create"
    yield "auth/token/revoke-accessor"
    yield "sys/leases/revoke"
    yield "sys/mounts/canary"


def _drift(text: str | None, wanted: str, live: str) -> str:
    """What is wrong with a policy, in words; empty when nothing is."""
    if text is None:
        return "it is not there"
    if text.strip() == wanted.strip():
        return ""
    if _ACCESSOR.sub(_TEMPLATE.format(live), text).strip() == wanted.strip():
        return (
            "it names another accessor than the auth method has: the auth mount was recreated, "
            "and every grant to workflows is void"
        )
    return "its text is not the one that this version ships"


async def _policy(client: VaultClient, token: str, name: str) -> str | None:
    data = await _read(client, token, f"sys/policies/acl/{name}", f"read policy {name}")
    return str(data["policy"]) if data else None


async def _accessor(client: VaultClient, token: str) -> str:
    """The live accessor, from the one place that a token without further rights may read."""
    path = f"sys/internal/ui/mounts/auth/{client.access.auth_mount}"
    data = await _read(client, token, path, "read the accessor of the auth method")
    return str(data["accessor"])


async def _read(
    client: VaultClient, token: str, path: str, words: str, *, listing: bool = False
) -> Mapping[str, Any]:
    """The data of a path; empty when there is nothing."""

    def act(vault: Any) -> Any:
        return or_nothing(partial(_list if listing else _get, path), vault)

    return await client.run(
        Operation(words, Effect.PURE, label="check"),
        act,
        lambda answer: dict(answer["data"] or {}),
        token=token,
    )


def _list(path: str, vault: Any) -> Any:
    return vault.list(path)


def _get(path: str, vault: Any) -> Any:
    return vault.read(path)
