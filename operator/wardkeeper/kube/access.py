# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Where the API server is and how this process proves who it is.

A token file is read again whenever it changes, since kubelet replaces it every hour. TLS is
always verified: a kubeconfig that says otherwise is refused.
"""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


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


def from_service_account(folder: Path = _SERVICE_ACCOUNT) -> Access:
    """The way a pod goes: its mounted ServiceAccount and the address in its environment.

    Raises:
        AccessError: this process does not run in a pod.
    """
    host, port = (
        os.environ.get("KUBERNETES_SERVICE_HOST"),
        os.environ.get("KUBERNETES_SERVICE_PORT", "443"),
    )
    authority = folder / "ca.crt"
    if not host or not authority.exists():
        raise AccessError(
            "not in a pod: KUBERNETES_SERVICE_HOST or the ServiceAccount's ca.crt is missing; "
            "name a kubeconfig instead"
        )
    host = f"[{host}]" if ":" in host else host
    return Access(
        server=f"https://{host}:{port}",
        ssl=ssl.create_default_context(cafile=str(authority)),
        token=TokenFile(folder / "token"),
    )
