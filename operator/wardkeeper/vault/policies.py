# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The static policies, as text. Only a platform admin ever writes them.

The operator never writes a policy: whoever writes one can become root. Both workflow policies are
templated, so a role that is bound to the wrong ServiceAccount grants that account its own path
and nothing else. No policy of a workflow may be listed here that is not templated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.vault import names
from wardkeeper.vault.roles import READER_PINS, writer_pins

if TYPE_CHECKING:
    from wardkeeper.vault.access import VaultAccess

_SELF = """\
path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self"  { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }
"""


QUARANTINE = """\
# Cuts off every token of a quarantined workflow. It can enable nobody again. The right reaches all
# entities, an admin's too: leave this policy out (--without-quarantine) if that is too much.
path "identity/entity/id" { capabilities = ["list"] }
path "identity/entity/id/*" {
  capabilities       = ["read", "update"]
  allowed_parameters = { "disabled" = [true] }
}
"""


def policies(access: VaultAccess, accessor: str) -> dict[str, str]:
    """The text of every policy by name.

    Args:
        access: the paths of the mounts.
        accessor: accessor of the auth method; another one voids every grant to workflows.
    """
    return {
        names.OPERATOR_POLICY: operator_policy(access),
        names.QUARANTINE_POLICY: QUARANTINE,
        names.WRITER_POLICY: writer_policy(access, accessor),
        names.READER_POLICY: reader_policy(access, accessor),
    }


def operator_policy(access: VaultAccess) -> str:
    """Writes the two roles of a workflow, pinned to exact strings; reads no secret."""
    auth_mount, database, transit = access.auth_mount, access.database_mount, access.transit_mount
    return f"""\
# Roles of workflows, pinned to exact strings: a glob here would let "hw-x,root" through.
{_role_stanza(f"auth/{auth_mount}/role/hw.w.*", writer_pins(access.token_period))}
{_role_stanza(f"auth/{auth_mount}/role/hw.r.*", READER_PINS)}
# Names of roles, to find what deleted workflows left behind.
path "auth/{auth_mount}/role" {{ capabilities = ["list"] }}

# Ends a workflow's leases, named by the path alone; lists them, to find what a lost answer made.
path "sys/leases/revoke/{database}/creds/hw.*" {{
  capabilities      = ["update"]
  denied_parameters = {{ "lease_id" = [] }}
}}
path "sys/leases/lookup/{database}/creds/hw.*" {{ capabilities = ["list", "sudo"] }}
path "sys/leases/lookup" {{ capabilities = ["deny"] }}

# Lets Vault change the password of a workflow's static users; it cannot read one.
path "{database}/rotate-role/hw.*" {{ capabilities = ["update"] }}

# Keeps its ledger's tokens and lease ids encrypted with a key that nobody else may use.
path "{transit}/encrypt/{names.LEDGER_KEY}" {{ capabilities = ["update"] }}
path "{transit}/decrypt/{names.LEDGER_KEY}" {{ capabilities = ["update"] }}

# Serial numbers and certificates, which are public, to find what a lost answer signed.
path "{access.pki_mount}/certs"  {{ capabilities = ["list"] }}
path "{access.pki_mount}/cert/*" {{ capabilities = ["read"] }}

# Its own policies, to see whether they are as they should be. It can write none.
path "sys/policies/acl/hw-*" {{ capabilities = ["read"] }}

{_SELF}"""


def writer_policy(access: VaultAccess, accessor: str) -> str:
    """The operator, logged in as a workflow: what that workflow's secrets are made from."""
    kv, database, transit = access.kv_mount, access.database_mount, access.transit_mount
    path, name = _own_path(accessor), _own_name(accessor)
    return f"""\
# Its own path, and what others write for it.
path "{kv}/data/hw/{path}/*" {{ capabilities = ["create", "update", "read", "delete"] }}
path "{kv}/metadata/hw/{path}/*" {{ capabilities = ["read", "delete"] }}
path "{kv}/destroy/hw/{path}/*" {{ capabilities = ["update"] }}
path "{kv}/data/hw-synced/{path}/*" {{ capabilities = ["read"] }}
path "{kv}/metadata/hw-synced/{path}/*" {{ capabilities = ["read"] }}
path "sys/policies/password/+/generate" {{ capabilities = ["read"] }}

# Its own database roles, and how long they let a login live. A workflow's name has no dots, so no
# other name begins like this.
path "{database}/creds/hw.{name}.*" {{ capabilities = ["read"] }}
path "{database}/static-creds/hw.{name}.*" {{ capabilities = ["read"] }}
path "{database}/roles/hw.{name}.*" {{ capabilities = ["read"] }}
path "sys/leases/renew" {{ capabilities = ["update"] }}

# Certificates by one role, whose names are templated by identity, and their revocation by key.
path "{access.pki_mount}/sign/{names.PKI_ROLE}" {{ capabilities = ["update"] }}
path "{access.pki_mount}/revoke-with-key" {{ capabilities = ["update"] }}
path "{access.pki_mount}/issuers" {{ capabilities = ["list"] }}
path "{access.pki_mount}/issuer/+/json" {{ capabilities = ["read"] }}

# Its own transit keys: new versions and their use; of the settings only what old ones may do.
path "{transit}/keys/hw.{name}.*" {{
  capabilities       = ["read", "update"]
  allowed_parameters = {{ "min_decryption_version" = [] }}
}}
path "{transit}/encrypt/hw.{name}.*" {{ capabilities = ["update"] }}
path "{transit}/decrypt/hw.{name}.*" {{ capabilities = ["update"] }}

{_SELF}"""


def reader_policy(access: VaultAccess, accessor: str) -> str:
    """A workflow's pods: read the workflow's own path, use its own keys."""
    transit, name = access.transit_mount, _own_name(accessor)
    return f"""\
path "{access.kv_mount}/data/hw/{_own_path(accessor)}/*" {{ capabilities = ["read"] }}
path "{transit}/encrypt/hw.{name}.*" {{ capabilities = ["update"] }}
path "{transit}/decrypt/hw.{name}.*" {{ capabilities = ["update"] }}
path "{transit}/sign/hw.{name}.*" {{ capabilities = ["update"] }}
path "{transit}/verify/hw.{name}.*" {{ capabilities = ["update"] }}

{_SELF}"""


def alias_namespace(accessor: str) -> str:
    """Template for the namespace of whoever is logged in, which Kubernetes vouches for."""
    return f"{{{{identity.entity.aliases.{accessor}.metadata.service_account_namespace}}}}"


def alias_name(accessor: str) -> str:
    """Template for the name of its ServiceAccount, which is the workflow's."""
    return f"{{{{identity.entity.aliases.{accessor}.metadata.service_account_name}}}}"


def _own_path(accessor: str) -> str:
    return f"{alias_namespace(accessor)}/{alias_name(accessor)}"


def _own_name(accessor: str) -> str:
    return f"{alias_namespace(accessor)}.{alias_name(accessor)}"


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
