# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Quantities in the one form that the API server stores.

A plan compares what is wanted with what is stored, text by text: `1000m` where the server keeps
`1` would be a difference that no write can ever remove. Integer arithmetic only.
"""

from __future__ import annotations

import re

_LARGEST = 2**63 - 1
_AMOUNT = re.compile(r"([0-9]+)(?:\.([0-9]{1,3}))?(m|Ki|Mi|Gi|k|M|G)?")
_DECIMAL = {"": 0, "k": 1, "M": 2, "G": 3}
_DECIMAL_SUFFIXES = ("", "k", "M", "G", "T", "P", "E")
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3}
_BINARY_SUFFIXES = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def cpu(text: str) -> str:
    """Processor time as stored: `1000m` is `1`, `0.5` is `500m`, `2000` is `2k`.

    Raises:
        ValueError: the text is no amount of processor time that the schema accepts.
    """
    thousandths = millicores(text)
    if thousandths % 1000:
        return f"{thousandths}m"
    return _shortest(thousandths // 1000, 1000, _DECIMAL_SUFFIXES)


def memory(text: str) -> str:
    """Memory as stored, in the family it was written in: `1024Mi` is `1Gi`, `1000M` is `1G`.

    Raises:
        ValueError: the text is no amount of memory that the schema accepts.
    """
    amount = octets(text)
    if text.endswith("i") and amount < _LARGEST:
        return _shortest(amount, 1024, _BINARY_SUFFIXES)
    return _shortest(amount, 1000, _DECIMAL_SUFFIXES)


def millicores(text: str) -> int:
    """Thousandths of a core.

    Raises:
        ValueError: the text is no amount of processor time that the schema accepts.
    """
    whole, fraction, suffix = _parts(text)
    if suffix == "m" and not fraction:
        return int(whole)
    if suffix:
        raise _no_quantity(text)
    return int(whole) * 1000 + int(fraction.ljust(3, "0"))


def octets(text: str) -> int:
    """Bytes; like Kubernetes, never more than fit into 63 bits.

    Raises:
        ValueError: the text is no amount of memory that the schema accepts.
    """
    whole, fraction, suffix = _parts(text)
    if fraction or suffix == "m":
        raise _no_quantity(text)
    factor = 1024 ** _BINARY[suffix] if suffix in _BINARY else 1000 ** _DECIMAL[suffix]
    return min(int(whole) * int(factor), _LARGEST)


def _parts(text: str) -> tuple[str, str, str]:
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise _no_quantity(text)
    return found[1], found[2] or "", found[3] or ""


def _shortest(amount: int, base: int, suffixes: tuple[str, ...]) -> str:
    """The smallest whole number with the largest suffix that loses nothing."""
    power = 0
    while amount and amount % base == 0 and power < len(suffixes) - 1:
        amount //= base
        power += 1
    return f"{amount}{suffixes[power]}"


def _no_quantity(text: str) -> ValueError:
    return ValueError(f"{text!r} is no quantity; write 250m or 2 for cpu, 128Mi for memory")
