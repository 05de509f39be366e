# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Refused: rights that reach too far, and tokens that nobody may hold."""

from __future__ import annotations

from typing import Any

from tests.unit.api.samples.sample import GONE, Sample, one

_RULE = {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["a"], "verbs": ["get"]}


def _access(name: str, field: str, says: str, **rule: Any) -> Sample:
    edited = {key: value for key, value in {**_RULE, **rule}.items() if value is not GONE}
    return Sample(name, {"spec.access.rules": [edited]}, f"spec.access.rules[0].{field}", says)


ACCESS = (
    _access("* for API groups", "apiGroups[0]", "without *", apiGroups=["*"]),
    _access("* for resources", "resources[0]", "without *", resources=["*"]),
    _access("* for subresources", "resources[0]", "without *", resources=["jobs/*"]),
    Sample(
        "* for verbs",
        {"spec.access.rules": [{**_RULE, "verbs": ["*"]}]},
        "spec.access.rules[0].verbs[0]",
        'supported values: "get"',
        "write 'get'",
    ),
    _access("* for names", "resourceNames[0]", "lower-case", resourceNames=["*"]),
    *(
        Sample(
            f"the verb {verb}",
            {"spec.access.rules": [{**_RULE, "verbs": [verb]}]},
            "spec.access.rules[0].verbs[0]",
            'supported values: "get"',
            "write 'get'",
        )
        for verb in ("escalate", "bind", "impersonate", "approve", "use")
    ),
    *(
        _access(
            f"{verb} without names",
            "resourceNames",
            "resourceNames is required",
            verbs=["list", verb],
            resourceNames=GONE,
        )
        for verb in ("get", "watch", "update", "patch", "delete")
    ),
    *(
        _access(f"{verb} with names", "resourceNames", "of their own", verbs=["get", verb])
        for verb in ("create", "deletecollection")
    ),
    *(
        _access(f"{verb} of secrets", "verbs", "spec.secrets", resources=["secrets"], verbs=[verb])
        for verb in ("list", "watch")
    ),
    Sample(
        "one verb twice",
        {"spec.access.rules": [{**_RULE, "verbs": ["get", "get"]}]},
        "spec.access.rules[0].verbs[1]",
        "Duplicate value",
        "a second time",
    ),
    one("a token for the operator", "spec.access.tokens[0].audience", "vault-operator", "kept for"),
    one("an audience of two words", "spec.access.tokens[0].audience", "a b", "without spaces"),
    one("a token that lives a minute", "spec.access.tokens[0].expirationSeconds", 60, "600", "600"),
)
