# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`spec.access`: the rights of the workflow's own identity, and the tokens it may carry."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from wardkeeper.api.schema import Label, Model, Subdomain, list_atomic, list_map, list_set

ApiGroup = Annotated[str, StringConstraints(max_length=253, pattern=r"^[a-z0-9.-]*$")]
ResourceName = Annotated[str, StringConstraints(min_length=1, max_length=253)]
Verb = Annotated[str, StringConstraints(min_length=1, max_length=32, pattern=r"^[a-z]+$")]


class AccessRule(Model):
    """One rule of the workflow's Role."""

    api_groups: tuple[ApiGroup, ...] = Field(
        min_length=1,
        max_length=8,
        json_schema_extra=list_set(),
        description='API groups; "" is the core group.',
    )
    resources: tuple[ResourceName, ...] = Field(
        min_length=1,
        max_length=16,
        json_schema_extra=list_set(),
        description="Plural resource names, such as configmaps.",
    )
    resource_names: tuple[Subdomain, ...] = Field(
        (),
        max_length=32,
        json_schema_extra=list_set(),
        description="Names of the objects; required for every verb that names an object.",
    )
    verbs: tuple[Verb, ...] = Field(
        min_length=1,
        max_length=8,
        json_schema_extra=list_set(),
        description="What may be done: get, watch, update and so on.",
    )


class Token(Model):
    """A short-lived ServiceAccount token for one audience, renewed by the kubelet."""

    name: Label = Field(description="File name under /var/run/wardkeeper/tokens.")
    audience: Annotated[str, StringConstraints(min_length=1, max_length=256)] = Field(
        description="Who the token is for; nobody else accepts it."
    )
    expiration_seconds: int = Field(
        600, ge=600, le=86400, description="Seconds that a token lives."
    )


class Access(Model):
    """What the workflow may do in the cluster, and the tokens its pods carry."""

    rules: tuple[AccessRule, ...] = Field(
        (),
        max_length=32,
        json_schema_extra=list_atomic(),
        description="Rules of the workflow's Role; no Role is made when there are none.",
    )
    tokens: tuple[Token, ...] = Field(
        (),
        max_length=8,
        json_schema_extra=list_map("name"),
        description="Tokens at /var/run/wardkeeper/tokens/<name>.",
    )
