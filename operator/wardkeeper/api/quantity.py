# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Amounts of processor time and memory, as the API writes them, in whole numbers.

Only what the schema accepts; it must never round, so that a comparison here and in the API server
cannot differ.
"""

from __future__ import annotations

import re

CPU = r"[1-9][0-9]{0,5}m|[1-9][0-9]{0,2}(\.[0-9]{1,3})?|0\.([1-9][0-9]{0,2}|0[1-9][0-9]?|00[1-9])"
MEMORY = r"[1-9][0-9]{0,11}|[1-9][0-9]{0,5}(k|M|G|Ki|Mi|Gi)"

_CPU = re.compile(r"([0-9]+)(?:\.([0-9]{1,3}))?(m?)")
_MEMORY = re.compile(r"([0-9]+)(k|M|G|Ki|Mi|Gi)?")
_FACTORS = {
    None: 1,
    "k": 1000,
    "M": 1000**2,
    "G": 1000**3,
    "Ki": 1024,
    "Mi": 1024**2,
    "Gi": 1024**3,
}


def millicores(text: str) -> int:
    """Thousandths of a core: `250m` is 250, `1.5` is 1500.

    Raises:
        ValueError: the text is no amount of processor time; names what is wanted.
    """
    found = _CPU.fullmatch(text)
    if found is None or (found[2] and found[3]):
        raise ValueError(f"{text!r} is no amount of processor time; write 2 or 250m")
    if found[3]:
        return int(found[1])
    return int(found[1]) * 1000 + int((found[2] or "").ljust(3, "0"))


def octets(text: str) -> int:
    """Bytes: `64Mi` is 67108864.

    Raises:
        ValueError: the text is no amount of memory; names what is wanted.
    """
    found = _MEMORY.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no amount of memory; write 128Mi")
    return int(found[1]) * _FACTORS[found[2]]
