# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Refused: secrets from nowhere, weak values, rotations out of bounds."""

from __future__ import annotations

from typing import Any

from tests.unit.api.samples.sample import one

Raw = dict[str, Any]


def _database(**connection: Any) -> Raw:
    where = {"host": "db.example.org", "database": "labs", **connection}
    return {"database": {"role": "router", "strategy": "Dynamic", "connection": where}}


def _window(**times: str) -> Raw:
    return {"days": ["Mon"], "from": "06:00", "to": "20:00", "timeZone": "Etc/UTC", **times}


SECRETS = (
    one("a secret from nowhere", "spec.secrets[0].source", {}, "keep one of kvGenerated"),
    one(
        "a secret from two sources",
        "spec.secrets[0].source",
        {"transit": {"key": "records"}, "kvSynced": {"path": "a", "fields": ["b"]}},
        "keep one of kvGenerated",
    ),
    *(
        one(
            f"a path {path!r}",
            "spec.secrets[0].source",
            {"kvSynced": {"path": path, "fields": ["key"]}},
            "eight lower-case DNS labels",
        ).named("spec.secrets[0].source.kvSynced.path")
        for path in ("../claims/db", "/vendor", "vendor/", "vendor//x", "a/*", "Vendor/key", "a.b")
    ),
    *(
        one(
            f"a connection with {name} {value!r}",
            "spec.secrets[0].source",
            _database(**{name: value}),
            says,
        ).named(f"spec.secrets[0].source.database.connection.{name}")
        for name, value, says in (
            ("host", "192.0.2.7", "host is a DNS name"),
            ("host", "DB.example.org", "must be a name as Kubernetes accepts it"),
            ("database", "labs; drop", "database must be letters"),
        )
    ),
    *(
        one(
            f"a certificate for {ttl}", "spec.secrets[0].source", {"pki": {"ttl": ttl}}, says
        ).named("spec.secrets[0].source.pki.ttl")
        for ttl, says in (("4m", "between 5m and 2160h"), ("2161h", "between 5m and 2160h"))
    ),
    one(
        "a password policy with a slash",
        "spec.secrets[0].source.kvGenerated.passwordPolicy",
        "a/../b",
        "name of a password policy",
    ),
    one(
        "an overlap above the rotation",
        "spec.secrets[0].rotation",
        {"every": "24h", "overlap": "1441m"},
        "lower overlap or raise every",
    ).named("spec.secrets[0].rotation.overlap"),
    one(
        "a freeze window at no time of day",
        "spec.secrets[0].rotation",
        {"windows": [_window(to="24:00")]},
        "between 00:00 and 23:59",
    ).named("spec.secrets[0].rotation.windows[0].to"),
    one(
        "a freeze window that ends as it begins",
        "spec.secrets[0].rotation",
        {"windows": [_window(to="06:00")]},
        "write when the window ends",
    ).named("spec.secrets[0].rotation.windows[0].to"),
    one(
        "a short Hex value",
        "spec.secrets[0].source.kvGenerated.fields[0]",
        {"name": "a", "length": 31, "characters": "Hex"},
        "at least 32",
    ).named("spec.secrets[0].source.kvGenerated.fields[0].length"),
    one(
        "a field with a capital",
        "spec.secrets[0].source.kvGenerated.fields[0].name",
        "Password",
        "such as password",
    ),
    *(
        one(
            f"a rotation every {every!r}", "spec.secrets[0].rotation", {"every": every}, says
        ).named("spec.secrets[0].rotation.every")
        for every, says in (
            ("30d", "write days in hours"),
            ("1m1h", "write days in hours"),
            ("24", "write days in hours"),
            ("0h", "between 60s and 8784h"),
            ("59s", "between 60s and 8784h"),
            ("8785h", "between 60s and 8784h"),
        )
    ),
    one(
        "an age below the rotation",
        "spec.secrets[0].rotation",
        {"every": "24h", "maxAge": "1439m"},
        "raise maxAge or lower every",
    ).named("spec.secrets[0].rotation.maxAge"),
    one("a long name of a secret", "spec.secrets[0].name", "s" * 41, "40", "40"),
)
