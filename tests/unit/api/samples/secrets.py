# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Refused: secrets from nowhere, weak values, rotations out of bounds."""

from __future__ import annotations

from tests.unit.api.samples.sample import one

SECRETS = (
    one("a secret from nowhere", "spec.secrets[0].source", {}, "add kvGenerated"),
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
