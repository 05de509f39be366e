# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Drawing new values. The source of randomness is injected; outside of tests it is the system's.

Nothing here may log, store or compare a value.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from wardkeeper.api.secret_sources import CharacterSet

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from wardkeeper.api.secret_sources import GeneratedField

# No quotes, backslash, dollar, ampersand, angle brackets or blanks: these values end up in
# connection strings, shell scripts and configuration files.
_SYMBOLS = "!#%*+,-.:=?@^_~"

_CLASSES: dict[CharacterSet, tuple[str, ...]] = {
    CharacterSet.ALPHANUMERIC: (string.ascii_lowercase, string.ascii_uppercase, string.digits),
    CharacterSet.HEX: (string.digits + "abcdef",),
    CharacterSet.ALPHANUMERIC_SYMBOLS: (
        string.ascii_lowercase,
        string.ascii_uppercase,
        string.digits,
        _SYMBOLS,
    ),
}


def generate(fields: Iterable[GeneratedField], random: Random) -> dict[str, str]:
    """A fresh value for each field, by name.

    Args:
        fields: the declared fields.
        random: `secrets.SystemRandom()` in the operator, a seeded one in tests.
    """
    return {field.name: _value(field, random) for field in fields}


def mac_key(random: Random) -> str:
    """A key for content MACs: 256 bits as hexadecimal."""
    return random.randbytes(32).hex()


def _value(field: GeneratedField, random: Random) -> str:
    """Characters drawn alike, redrawn until each class occurs, as password rules demand."""
    classes = _CLASSES[field.characters]
    alphabet = "".join(classes)
    while True:
        value = "".join(random.choices(alphabet, k=field.length))
        if all(any(character in each for character in value) for each in classes):
            return value
