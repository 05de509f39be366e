# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What it takes to speak to an API server: its address, whom to trust, and a token.

A token file is read again whenever it changes, since kubelet replaces it every hour. Nothing
here ever prints or compares a token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path


class AccessError(Exception):
    """There is no usable way to the API server; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Access:
    """Base URL without trailing slash, TLS trust (None for plain HTTP), and the token now."""

    server: str
    ssl: ssl.SSLContext | None
    token: Callable[[], str | None]


class TokenFile:
    """A bearer token in a file that somebody else replaces from time to time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._token = ""

    def __call__(self) -> str:
        """The token in the file now.

        Raises:
            AccessError: the file cannot be read.
        """
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_ino)
            if seen != self._seen:
                self._token = self._path.read_text(encoding="ascii").strip()
                self._seen = seen
        except (OSError, UnicodeDecodeError) as error:
            raise AccessError(f"token file {self._path}: {type(error).__name__}") from None
        return self._token
