# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The three static policies, as text. Only a platform admin ever writes them.

The operator never writes a policy: whoever writes one can become root. Both workflow policies are
templated, so a role that is bound to the wrong ServiceAccount grants that account its own path
and nothing else. No policy of a workflow may be listed here that is not templated.
"""

from __future__ import annotations

from wardkeeper.vault import names
from wardkeeper.vault.roles import READER_PINS, WRITER_PINS

_SELF = """\
path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self"  { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }
"""


def policies(auth_mount: str, kv_mount: str, accessor: str) -> dict[str, str]:
    """The text of every policy by name.

    Args:
        auth_mount: path of the Kubernetes auth method.
        kv_mount: path of the KV v2 engine.
        accessor: accessor of the auth method; another one voids every grant to workflows.
    """
    return {
        names.OPERATOR_POLICY: operator_policy(auth_mount),
        names.WRITER_POLICY: writer_policy(kv_mount, accessor),
        names.READER_POLICY: reader_policy(kv_mount, accessor),
    }


def operator_policy(auth_mount: str) -> str:
    """Writes the two roles of a workflow, pinned to exact strings; reads no secret."""
    return f"""\
# Roles of workflows, pinned to exact strings: a glob here would let "hw-x,root" through.
{_role_stanza(f"auth/{auth_mount}/role/hw.w.*", WRITER_PINS)}
{_role_stanza(f"auth/{auth_mount}/role/hw.r.*", READER_PINS)}
# Names of roles, to find what deleted workflows left behind.
path "auth/{auth_mount}/role" {{ capabilities = ["list"] }}

# Its own policies, to see whether they are as they should be. It can write none.
path "sys/policies/acl/hw-*" {{ capabilities = ["read"] }}

{_SELF}"""


def writer_policy(kv_mount: str, accessor: str) -> str:
    """The operator, logged in as a workflow: KV of the workflow's own path."""
    own = _own_path(accessor)
    return f"""\
path "{kv_mount}/data/{own}" {{ capabilities = ["create", "update", "read", "delete"] }}
path "{kv_mount}/metadata/{own}" {{ capabilities = ["read", "delete"] }}
path "{kv_mount}/destroy/{own}" {{ capabilities = ["update"] }}

{_SELF}"""


def reader_policy(kv_mount: str, accessor: str) -> str:
    """A workflow's pods: read the workflow's own path."""
    return f"""\
path "{kv_mount}/data/{_own_path(accessor)}" {{ capabilities = ["read"] }}

{_SELF}"""


def _own_path(accessor: str) -> str:
    """The KV path of whoever is logged in. Alias metadata, not names: Kubernetes vouches for it."""
    alias = f"identity.entity.aliases.{accessor}.metadata"
    return f"hw/{{{{{alias}.service_account_namespace}}}}/{{{{{alias}.service_account_name}}}}/*"


def _role_stanza(path: str, pins: dict[str, str]) -> str:
    """One stanza for one family of roles: a stanza for both could not tie policy to audience."""
    allowed = {f'"{name}"': f'["{value}"]' for name, value in pins.items()}
    allowed |= {f'"bound_service_account_{each}"': "[]" for each in ("names", "namespaces")}
    width = max(map(len, allowed))
    lines = "\n".join(f"    {name:<{width}} = {value}" for name, value in allowed.items())
    return f"""\
path "{path}" {{
  capabilities        = ["create", "update", "read", "delete"]
  required_parameters = ["token_policies", "audience", "bound_service_account_names", \
"bound_service_account_namespaces"]
  allowed_parameters  = {{
{lines}
  }}
}}
"""
