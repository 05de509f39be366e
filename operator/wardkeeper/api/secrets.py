# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`spec.secrets`: what a workflow needs to keep secret, where it comes from, how it stays young."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from wardkeeper.api.schema import Duration, Label, Model, list_map

FieldName = Annotated[
    str, StringConstraints(min_length=1, max_length=63, pattern=r"^[a-z][a-z0-9._-]*$")
]


class CharacterSet(StrEnum):
    """The characters that a generated value is drawn from."""

    ALPHANUMERIC = "Alphanumeric"
    HEX = "Hex"
    ALPHANUMERIC_SYMBOLS = "AlphanumericSymbols"


class OnChange(StrEnum):
    """What happens to running pods when a secret changes."""

    RESTART = "Restart"
    RELOAD = "Reload"


class GeneratedField(Model):
    """One generated value."""

    name: FieldName = Field(description="Key in the Secret and name of the file.")
    length: int = Field(32, ge=16, le=128, description="Number of characters.")
    characters: CharacterSet = Field(
        CharacterSet.ALPHANUMERIC, description="Characters that the value is drawn from."
    )


class KvGenerated(Model):
    """Values that the operator draws and keeps in the workflow's own path of Vault's KV v2."""

    fields: tuple[GeneratedField, ...] = Field(
        min_length=1,
        max_length=16,
        json_schema_extra=list_map("name"),
        description="The values; all change together.",
    )


class Source(Model):
    """Where a secret comes from; exactly one."""

    kv_generated: KvGenerated | None = Field(
        None, description="Drawn by the operator, kept in Vault KV v2."
    )


class Rotation(Model):
    """When a secret is replaced."""

    every: Duration = Field("720h", description="Replaced at the latest after this long.")
    max_age: Duration | None = Field(
        None, description="Older than this counts as overdue; one and a half times every."
    )


class Delivery(Model):
    """How a change reaches the pods."""

    on_change: OnChange = Field(
        OnChange.RESTART,
        description="Restart rolls the workload; Reload changes the files in place.",
    )


class SecretSpec(Model):
    """A secret of the workflow: Secret <workflow>-<name>, mounted read-only as files."""

    name: Annotated[Label, StringConstraints(max_length=40)] = Field(
        description="Name; files appear under /var/run/wardkeeper/secrets/<name>."
    )
    source: Source = Field(description="Where it comes from; exactly one source.")
    rotation: Rotation = Field(Rotation(), description="When it is replaced.")
    delivery: Delivery = Field(Delivery(), description="How a change reaches the pods.")
