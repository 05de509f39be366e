# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Refused: wrong types, unknown fields, missing fields, values out of bounds, wrong names."""

from __future__ import annotations

from tests.unit.api.samples.sample import GONE, Sample, one

_W = "spec.workload"
_C0 = "spec.workload.containers[0]"


FORM = (
    Sample("an unknown field", {"spec.privileged": True}, "spec.privileged", "unknown field", "no"),
    Sample(
        "an unknown field deep inside",
        {f"{_C0}.securityContext": {}},
        f"{_C0}.securityContext",
        "unknown field",
        "there is no such field",
    ),
    one("a text for a number", "spec.endpoints[0].port", "443", "integer", "without quotes"),
    one("a number for a text", "spec.owner.team", 7, "string", "write a text"),
    one("a list for an object", "spec.owner", [], "object", "names with values"),
    one("no spec.owner", "spec.owner", GONE, "Required value", "it is required"),
    one("no limits", f"{_C0}.resources.limits", GONE, "Required value", "it is required"),
    one("an unknown mode", "spec.mode", "Dry", '"Enforce", "Audit"', "'Enforce' or 'Audit'"),
    one("a port above the last", "spec.endpoints[0].port", 65536, "65535", "65535"),
    one("a user that the node has", f"{_C0}.user", 1000, "10000", "10000 or more"),
    one("no container", f"{_W}.containers", [], "at least 1", "at least 1"),
    one("a long team", "spec.owner.team", "t" * 64, "63", "63"),
    Sample("a long name", {"metadata.name": "a" * 53}, "", "at most 52 characters"),
    Sample("a name with a dot", {"metadata.name": "a.b"}, "", "without dots"),
    Sample("a name that begins with a digit", {"metadata.name": "1a"}, "", "with a letter"),
)
