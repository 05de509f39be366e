# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Names and fingerprints of what rotation makes: pure functions of their arguments.

A rotation id is derived, never drawn: whoever computes it again after a crash gets the same one.
No function here may take a value without a key: a bare hash of a short password can be guessed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_CHAIN = "wardkeeper/rotation/1"


def rotation_id(uid: str, secret: str, previous: str = "", attempt: int = 0) -> str:
    """The id of the version that follows `previous`, as 64 hexadecimal characters.

    Args:
        uid: uid of the workflow object, so that a namesake starts a chain of its own.
        secret: name of the secret in the workflow.
        previous: id of the version before; empty for the first one.
        attempt: how many versions that were to follow it did not work.
    """
    parts = (_CHAIN, uid, secret, previous, *([str(attempt)] if attempt else []))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def content_mac(key: str, data: Mapping[str, str]) -> str:
    """HMAC-SHA256 of the delivered data under a key that is never delivered, in hexadecimal."""
    return hmac.new(key.encode(), _canonical(dict(data)), hashlib.sha256).hexdigest()


def secrets_mac(pairs: Iterable[tuple[str, str]]) -> str:
    """One fingerprint over (secret name, content MAC) pairs in any order; stamps a pod template."""
    return hashlib.sha256(_canonical(sorted(map(list, pairs)))).hexdigest()


def source_fingerprint(fields: Iterable[tuple[str, int, str]]) -> str:
    """Fingerprint of what is asked for: (name, length, character set) of each field, any order."""
    return hashlib.sha256(_canonical(sorted(map(list, fields)))).hexdigest()


def spread(uid: str, secret: str, rotation: str) -> float:
    """A number in [0, 1) that stays the same for one version and differs between versions."""
    digest = hashlib.sha256("\0".join((uid, secret, rotation)).encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / (1 << 53)


def _canonical(value: Any) -> bytes:
    """Canonical JSON (RFC 8785 for the strings and small integers used here)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
