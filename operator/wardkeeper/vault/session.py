# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""HTTP as hvac gets to use it.

No retries, no proxies or passwords from the environment, redirects only to the same host, and
every error answer as one exception that carries status and headers. hvac's own exceptions hold
whole bodies and no status, so none of them ever comes to life here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from requests.adapters import BaseAdapter

    from wardkeeper.vault.access import VaultAccess


class Refused(Exception):
    """Vault answered with something else than success.

    Attributes:
        status: HTTP status.
        headers: headers of the answer.
        errors: Vault's error strings: to be classified, not to be shown.
        metadata: what a 404 says about a deleted KV version: numbers and times, no values.
    """

    def __init__(self, response: requests.Response) -> None:
        body = _body(response)
        errors = body.get("errors")
        data = body.get("data")
        metadata = data.get("metadata") if isinstance(data, dict) else None
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.errors = tuple(str(each) for each in errors) if isinstance(errors, list) else ()
        self.metadata: Mapping[str, Any] = metadata if isinstance(metadata, dict) else {}
        super().__init__(f"HTTP {self.status}")


class Session(requests.Session):
    """One caller's session over the connections that all callers share; never closed itself."""

    def __init__(self, access: VaultAccess, connections: BaseAdapter) -> None:
        super().__init__()
        self.trust_env = False
        self.verify = access.ca_file or True
        self._origin = _origin(access.address)
        self.mount("https://", connections)
        self.mount("http://", connections)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """The place to go to, if it is the host that was asked: the token goes nowhere else."""
        target = super().get_redirect_target(resp)
        if target is None or resp.status_code not in (307, 308):
            return None
        return target if _origin(urljoin(resp.url, target)) == self._origin else None

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send once, and once more where a redirect points. A second redirect is an error.

        Raises:
            Refused: the answer's status is not 2xx.
            requests.RequestException: there was no answer.
        """
        response = super().send(request, **kwargs)
        if not 200 <= response.status_code < 300:
            raise Refused(response)
        return response


def shared_connections(access: VaultAccess) -> HTTPAdapter:
    """Connections for all sessions: as many as threads, waiting instead of dropping, no retry."""
    return HTTPAdapter(
        pool_connections=1,
        pool_maxsize=access.connections,
        pool_block=True,
        max_retries=Retry(0, read=False),
    )


def or_nothing(act: Callable[[Any], Any], vault: Any) -> Mapping[str, Any]:
    """The answer to a read or a list; one without data where there is nothing.

    A path that no engine serves is an error all the same: its 404 has words.
    """
    try:
        found: Mapping[str, Any] = act(vault)
    except Refused as refused:
        if refused.status != 404 or refused.errors:
            raise
        return {"data": {}}
    return found


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _body(response: requests.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except requests.exceptions.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}
