# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`spec.access`: the rights of the workflow's own identity, and the tokens it may carry.

Narrow by form: no wildcard, no verb that reaches beyond an object, no browsing of secrets. What
may be granted at most is not decided here but by what the operator itself holds in the cluster.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from wardkeeper.api.scalars import SUBDOMAIN, Label, Subdomain
from wardkeeper.api.schema import Model, Obeys, Rule, list_atomic, list_map, list_set, shape

RESERVED_AUDIENCE = "vault-operator"
"""Audience of the tokens with which the operator acts as a workflow; no pod may hold one."""


class Verb(StrEnum):
    """What may be done; escalate, bind, impersonate and approve are no part of it."""

    GET = "get"
    LIST = "list"
    WATCH = "watch"
    CREATE = "create"
    UPDATE = "update"
    PATCH = "patch"
    DELETE = "delete"
    DELETECOLLECTION = "deletecollection"


_NAMED = (Verb.GET, Verb.WATCH, Verb.UPDATE, Verb.PATCH, Verb.DELETE)
_UNNAMED = (Verb.CREATE, Verb.DELETECOLLECTION)
_BROWSING = (Verb.LIST, Verb.WATCH)


def _any_of(verbs: tuple[Verb, ...]) -> str:
    return f"self.verbs.exists(verb, verb in {[verb.value for verb in verbs]!r})"


_HAS_NAMES = "has(self.resourceNames) && self.resourceNames.size() > 0"

ApiGroup = Annotated[
    str,
    StringConstraints(max_length=253),
    shape(
        rf"({SUBDOMAIN})?",
        'apiGroups must be named, without *; write "" for the core group or a name such as batch',
    ),
    Field(description="An API group."),
]
ResourceName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=253),
    shape(
        r"[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*)?",
        "resources must be named, without *; write plural names such as configmaps, or "
        "jobs/status for a subresource",
    ),
    Field(description="A resource, or a resource and its subresource."),
]


class AccessRule(Model):
    """One rule of the workflow's Role."""

    obeys: ClassVar = (
        Rule(
            f"({_HAS_NAMES}) || !{_any_of(_NAMED)}",
            f"resourceNames is required for {', '.join(_NAMED)}; name the objects, or put list "
            "and create into a rule of their own",
            lambda self: bool(self.resource_names) or not set(self.verbs) & set(_NAMED),
            ".resourceNames",
        ),
        Rule(
            f"!({_HAS_NAMES}) || !{_any_of(_UNNAMED)}",
            f"resourceNames makes {' and '.join(_UNNAMED)} grant nothing, because they name no "
            "object; put them into a rule of their own, without resourceNames",
            lambda self: not self.resource_names or not set(self.verbs) & set(_UNNAMED),
            ".resourceNames",
        ),
        Rule(
            f"!('secrets' in self.resources) || !{_any_of(_BROWSING)}",
            "verbs list and watch are refused for secrets, because they read every one; use get "
            "with resourceNames, or let spec.secrets deliver files",
            lambda self: "secrets" not in self.resources or not set(self.verbs) & set(_BROWSING),
            ".verbs",
        ),
    )

    api_groups: tuple[ApiGroup, ...] = Field(
        min_length=1,
        max_length=8,
        json_schema_extra=list_set(),
        description='API groups, such as batch; "" is the core group. No wildcard.',
    )
    resources: tuple[ResourceName, ...] = Field(
        min_length=1,
        max_length=16,
        json_schema_extra=list_set(),
        description="Plural names of resources, such as configmaps. No wildcard.",
    )
    resource_names: tuple[Subdomain, ...] = Field(
        (),
        max_length=32,
        json_schema_extra=list_set(),
        description="Names of the objects; required for every verb that names one. A list or "
        "watch that they limit must select by metadata.name.",
    )
    verbs: tuple[Verb, ...] = Field(
        min_length=1,
        max_length=8,
        json_schema_extra=list_set(),
        description="What may be done: get, list, watch, create, update, patch, delete or "
        "deletecollection. No wildcard.",
    )


class Token(Model):
    """A short-lived ServiceAccount token for one audience, renewed by the kubelet."""

    name: Label = Field(description="Name of the file under /var/run/wardkeeper/tokens.")
    audience: Annotated[
        str,
        StringConstraints(max_length=256),
        shape(
            r"[!-~]+", "audience must be a word without spaces, such as https://fhir.acme.example"
        ),
        Obeys(
            Rule(
                f"self != '{RESERVED_AUDIENCE}'",
                f"audience {RESERVED_AUDIENCE} is kept for the operator; use vault for a pod that "
                "logs in to Vault by itself",
                lambda self: self != RESERVED_AUDIENCE,
            )
        ),
    ] = Field(description="Who the token is for; nobody else accepts it.")
    expiration_seconds: int = Field(
        600,
        ge=600,
        le=86400,
        description="Seconds that a token lives, 600 when left out; the kubelet renews it before "
        "its end.",
    )


class Access(Model):
    """What the workflow may do in the cluster, and the tokens its pods carry."""

    rules: tuple[AccessRule, ...] = Field(
        (),
        max_length=32,
        json_schema_extra=list_atomic(),
        description="Rules of the workflow's Role; without any, it has no rights and cannot reach "
        "the API server.",
    )
    tokens: tuple[Token, ...] = Field(
        (),
        max_length=8,
        json_schema_extra=list_map("name"),
        description="Tokens that the pods carry as files /var/run/wardkeeper/tokens/<name>.",
    )
