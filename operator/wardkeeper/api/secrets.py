# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`spec.secrets`: what a workflow needs to keep secret, where it comes from, how it stays young."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from wardkeeper.api.duration import seconds
from wardkeeper.api.scalars import DURATION, Duration, Label
from wardkeeper.api.schema import Model, Rule, list_map, shape

SHORTEST_ROTATION = "60s"
LONGEST_ROTATION = "8784h"

FieldName = Annotated[
    str,
    StringConstraints(max_length=63),
    shape(
        r"[a-z][a-z0-9._-]*",
        "must be lower-case letters, digits, '.', '_' and '-', beginning with a letter, such as "
        "password",
    ),
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

    obeys: ClassVar = (
        Rule(
            "self.characters != 'Hex' || self.length >= 32",
            "length must be at least 32 for Hex, which carries 4 bits a character; raise length "
            "or draw from Alphanumeric",
            lambda self: self.characters is not CharacterSet.HEX or self.length >= 32,
            ".length",
        ),
    )

    name: FieldName = Field(description="Key in the Secret and name of the file.")
    length: int = Field(
        32, ge=16, le=128, description="Number of characters, 16 to 128; 32 when left out."
    )
    characters: CharacterSet = Field(
        CharacterSet.ALPHANUMERIC,
        description="Characters that the value is drawn from: Alphanumeric when left out, Hex or "
        "AlphanumericSymbols.",
    )


class KvGenerated(Model):
    """Values that the operator draws and keeps in the workflow's own path of Vault's KV v2."""

    fields: tuple[GeneratedField, ...] = Field(
        min_length=1,
        max_length=16,
        json_schema_extra=list_map("name"),
        description="The values; all are drawn anew together.",
    )


class Source(Model):
    """Where a secret comes from; exactly one."""

    obeys: ClassVar = (
        Rule(
            "has(self.kvGenerated)",
            "a secret has exactly one source; add kvGenerated",
            lambda self: self.kv_generated is not None,
        ),
    )

    kv_generated: KvGenerated | None = Field(
        None, description="Drawn by the operator and kept in Vault KV v2."
    )


def _is_duration(member: str) -> str:
    """CEL that keeps a rule silent where the shape is already wrong."""
    return f"self.{member}.matches(r'^({DURATION})$')"


class Rotation(Model):
    """When a secret is replaced."""

    obeys: ClassVar = (
        Rule(
            f"!{_is_duration('every')} || (duration(self.every) >= duration('{SHORTEST_ROTATION}')"
            f" && duration(self.every) <= duration('{LONGEST_ROTATION}'))",
            f"every must lie between {SHORTEST_ROTATION} and {LONGEST_ROTATION}; write it like "
            "720h",
            lambda self: (
                seconds(SHORTEST_ROTATION) <= seconds(self.every) <= seconds(LONGEST_ROTATION)
            ),
            ".every",
        ),
        Rule(
            f"!has(self.maxAge) || !{_is_duration('maxAge')} || !{_is_duration('every')} || "
            "duration(self.maxAge) >= duration(self.every)",
            "maxAge is shorter than every, so the secret would always be overdue; raise maxAge or "
            "lower every",
            lambda self: self.max_age is None or seconds(self.max_age) >= seconds(self.every),
            ".maxAge",
        ),
    )

    every: Duration = Field(
        "720h",
        description="How long a secret is used before it is replaced, from 60s to 8784h; 720h, "
        "thirty days, when left out.",
    )
    max_age: Duration | None = Field(
        None,
        description="Age from which the secret counts as overdue and the workflow is no longer "
        "Ready; one and a half times every when left out.",
    )


class Delivery(Model):
    """How a change reaches the pods."""

    on_change: OnChange = Field(
        OnChange.RESTART,
        description="Restart, the default, rolls the workload out anew; Reload only changes the "
        "files, which the program has to read again by itself.",
    )


class SecretSpec(Model):
    """A secret of the workflow: Secret <workflow>-<name>, mounted read-only as files."""

    name: Annotated[Label, StringConstraints(max_length=40)] = Field(
        description="Name, at most 40 characters; the files appear under "
        "/var/run/wardkeeper/secrets/<name>."
    )
    source: Source = Field(description="Where it comes from; exactly one source.")
    rotation: Rotation = Field(Rotation(), description="When it is replaced.")
    delivery: Delivery = Field(Delivery(), description="How a change reaches the pods.")
