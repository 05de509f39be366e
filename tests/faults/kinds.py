# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Kinds of requests to Vault: paths without the names of workflows, leases and versions.

`secret/data/hw/radiology/router/db` and that of any other secret are both `secret/data/hw/*`.
"""

from __future__ import annotations

import re

_OPEN = (
    (re.compile(r"([^/]+/(?:data|metadata|destroy|delete)/hw(?:-synced)?)/.*"), r"\1/*"),
    (re.compile(r"(auth/[^/]+/role)/(hw\.[rw])\..*"), r"\1/\2.*"),
    (re.compile(r"(sys/leases/[a-z]+)/.+"), r"\1/*"),
    (re.compile(r"(sys/policies/(?:acl|password))/[^/]+(/generate)?"), r"\1/*\2"),
    (re.compile(r"([^/]+/(?:creds|static-creds|rotate-role|roles|static-roles))/.+"), r"\1/*"),
    (re.compile(r"([^/]+/(?:cert|issuer))/[^/]+(/.*)?"), r"\1/*\2"),
    (re.compile(r"([^/]+/(?:keys|encrypt|decrypt))/hw\.[^/]*(/.*)?"), r"\1/*\2"),
    (re.compile(r"(identity/entity/id)/.+"), r"\1/*"),
)


def kind_of(path: str) -> str:
    """The kind of a path, which is given without `/v1/` and without a query."""
    for pattern, replacement in _OPEN:
        if pattern.fullmatch(path):
            return pattern.sub(replacement, path)
    return path


_API = re.compile(
    r"/(?:api|apis/[^/]+)/[^/]+(?:/namespaces/[^/]+(?=/[a-z]))?/([a-z]+)(?:/[^/]+)?(/[a-z]+)?"
)


def resource_of(path: str) -> str:
    """The resource of a path of the API server, with its subresource: `deployments/status`."""
    found = _API.fullmatch(path)
    return "".join(filter(None, found.groups())) if found else path
