# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`spec.secrets[].source`: where a secret comes from, one shape for each engine."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from wardkeeper.api.credential import Engine
from wardkeeper.api.duration import seconds
from wardkeeper.api.network import Host
from wardkeeper.api.scalars import DURATION, Duration, Label, Subdomain
from wardkeeper.api.schema import LABEL, Model, Rule, list_map, list_set, shape

PolicyName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64),
    shape(
        r"[a-z0-9]([-a-z0-9_]*[a-z0-9])?",
        "must be the name of a password policy: lower-case letters, digits, '-' and '_'",
    ),
]

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


class OnDelete(StrEnum):
    """What becomes of values in Vault when their workflow is deleted."""

    REMOVE = "Remove"
    KEEP = "Keep"


class KvGenerated(Model):
    """Values that the operator draws and keeps in the workflow's own path of Vault's KV v2."""

    fields: tuple[GeneratedField, ...] = Field(
        min_length=1,
        max_length=16,
        json_schema_extra=list_map("name"),
        description="The values; all are drawn anew together.",
    )
    password_policy: PolicyName | None = Field(
        None,
        description="Password policy of Vault that draws the values instead of the operator; "
        "length and characters are then the policy's.",
    )
    on_delete: OnDelete = Field(
        OnDelete.REMOVE,
        description="Whether the values are removed from Vault with the workflow: Remove, the "
        "default, or Keep.",
    )


class KvSynced(Model):
    """Values that somebody else writes in Vault's KV v2; the operator only reads them."""

    path: Annotated[
        str,
        StringConstraints(min_length=1, max_length=253),
        shape(
            rf"{LABEL}(/{LABEL}){{0,7}}",
            "path must be at most eight lower-case DNS labels with '/' between them, without '..' "
            "and '*'; it lies below hw-synced/<namespace>/<workflow>/; write it like "
            "vendor-x/api-key",
        ),
    ] = Field(description="Where they are, below hw-synced/<namespace>/<workflow>/.")
    fields: tuple[Annotated[FieldName, Field(description="A field.")], ...] = Field(
        min_length=1,
        max_length=16,
        json_schema_extra=list_set(),
        description="Fields that are delivered; each must be there and not empty.",
    )


class Strategy(StrEnum):
    """How the users of a database are replaced."""

    DYNAMIC = "Dynamic"
    ALTERNATING_USERS = "AlternatingUsers"
    STATIC = "Static"


class DatabaseTls(StrEnum):
    """What is demanded of the database's certificate; plaintext is no choice."""

    VERIFY_FULL = "VerifyFull"
    REQUIRE = "Require"


class Connection(Model):
    """Where the database is: for the delivered URL, and for proving a login before it is used."""

    host: Host = Field(description="DNS name of the database.")
    port: int = Field(5432, ge=1, le=65535, description="TCP port; 5432 when left out.")
    database: Annotated[
        str,
        StringConstraints(min_length=1, max_length=63),
        shape(
            r"[A-Za-z_][A-Za-z0-9_-]*",
            "database must be letters, digits, '_' and '-', beginning with a letter or '_'",
        ),
    ] = Field(description="Name of the database.")
    tls: DatabaseTls = Field(
        DatabaseTls.VERIFY_FULL,
        description="VerifyFull, the default, checks the certificate and its name; Require only "
        "encrypts.",
    )


class Database(Model):
    """A login to a database, issued by Vault's database engine."""

    role: Annotated[Label, StringConstraints(max_length=40)] = Field(
        description="Last part of the role's name in Vault: hw.<namespace>.<workflow>.<role>, with "
        ".a and .b for AlternatingUsers; an administrator makes it."
    )
    strategy: Strategy = Field(
        description="Dynamic makes a new user each time; AlternatingUsers rotates two users in "
        "turn, so that two logins work during the overlap; Static rotates one user, whose old "
        "password stops working at once."
    )
    connection: Connection = Field(description="Where the database is.")


class Pki(Model):
    """A certificate of the workflow for mutual TLS, signed by Vault; the key is the operator's."""

    obeys: ClassVar = (
        Rule(
            f"!self.ttl.matches(r'^({DURATION})$') || (duration(self.ttl) >= duration('5m') && "
            "duration(self.ttl) <= duration('2160h'))",
            "ttl must lie between 5m and 2160h; write it like 24h",
            lambda self: 300 <= seconds(self.ttl) <= seconds("2160h"),
            ".ttl",
        ),
    )

    dns_names: tuple[Subdomain, ...] = Field(
        (),
        max_length=16,
        json_schema_extra=list_set(),
        description="DNS names besides <workflow>.<namespace>.svc, each below that name.",
    )
    ttl: Duration = Field("24h", description="Lifetime that is asked for; 24h when left out.")


class Transit(Model):
    """A key of Vault's transit engine that is kept rotated; nothing is delivered."""

    key: Annotated[Label, StringConstraints(max_length=40)] = Field(
        description="Last part of the key's name in Vault: hw.<namespace>.<workflow>.<key>; an "
        "administrator makes it. It is never deleted with the workflow."
    )


SOURCES = ("kvGenerated", "kvSynced", "database", "pki", "transit")


def _sources(source: Source) -> int:
    found = (source.kv_generated, source.kv_synced, source.database, source.pki, source.transit)
    return sum(one is not None for one in found)


class Source(Model):
    """Where a secret comes from; exactly one."""

    obeys: ClassVar = (
        Rule(
            f"[{', '.join(f'has(self.{one})' for one in SOURCES)}].exists_one(there, there)",
            f"a secret has exactly one source; keep one of {', '.join(SOURCES)}",
            lambda self: _sources(self) == 1,
        ),
    )

    kv_generated: KvGenerated | None = Field(
        None, description="Drawn by the operator and kept in Vault KV v2."
    )
    kv_synced: KvSynced | None = Field(
        None, description="Written by somebody else into Vault KV v2."
    )
    database: Database | None = Field(None, description="Issued by Vault's database engine.")
    pki: Pki | None = Field(None, description="A certificate signed by Vault's PKI engine.")
    transit: Transit | None = Field(None, description="A key of Vault's transit engine.")

    @property
    def engine(self) -> Engine | None:
        """What makes it; None when this version knows no such source."""
        if self.database is not None:
            return _DATABASE_ENGINES[self.database.strategy]
        for engine, found in (
            (Engine.KV_GENERATED, self.kv_generated),
            (Engine.KV_SYNCED, self.kv_synced),
            (Engine.PKI, self.pki),
            (Engine.TRANSIT, self.transit),
        ):
            if found is not None:
                return engine
        return None


_DATABASE_ENGINES = {
    Strategy.DYNAMIC: Engine.DATABASE_DYNAMIC,
    Strategy.ALTERNATING_USERS: Engine.DATABASE_ALTERNATING,
    Strategy.STATIC: Engine.DATABASE_STATIC,
}
