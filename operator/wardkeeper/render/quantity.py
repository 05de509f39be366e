# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Quantities in the one form that the API server stores.

A plan compares what is wanted with what is stored, text by text: `1000m` where the server keeps
`1` would be a difference that no write can ever remove. Integer arithmetic only.
"""

from __future__ import annotations

from wardkeeper.api.quantity import millicores, octets

_DECIMAL = ("", "k", "M", "G", "T", "P", "E")
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def cpu(text: str) -> str:
    """Processor time as stored: `1000m` is `1`, `0.5` is `500m`.

    Raises:
        ValueError: the text is no amount of processor time that the schema accepts.
    """
    thousandths = millicores(text)
    if thousandths % 1000:
        return f"{thousandths}m"
    return _shortest(thousandths // 1000, 1000, _DECIMAL)


def memory(text: str) -> str:
    """Memory as stored, in the family it was written in: `1024Mi` is `1Gi`, `1000M` is `1G`.

    Raises:
        ValueError: the text is no amount of memory that the schema accepts.
    """
    if text.endswith("i"):
        return _shortest(octets(text), 1024, _BINARY)
    return _shortest(octets(text), 1000, _DECIMAL)


def _shortest(amount: int, base: int, suffixes: tuple[str, ...]) -> str:
    """The smallest whole number with the largest suffix that loses nothing."""
    power = 0
    while amount and amount % base == 0 and power < len(suffixes) - 1:
        amount //= base
        power += 1
    return f"{amount}{suffixes[power]}"
