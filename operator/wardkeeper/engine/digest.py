# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The digest that names a revision of a spec. Pure."""

from __future__ import annotations

import hashlib

import orjson


def spec_digest(spec: bytes) -> str:
    """`sha256:` and the hexadecimal SHA-256 of the canonical JSON of a spec.

    Keys sorted, no white space, no escapes that are not needed: RFC 8785 for what a spec holds
    (ASCII keys, whole numbers, strings).
    """
    canonical = orjson.dumps(orjson.loads(spec), option=orjson.OPT_SORT_KEYS)
    return f"sha256:{hashlib.sha256(canonical).hexdigest()}"
