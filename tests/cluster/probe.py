# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A few requests as the admin, for looking whether a cluster has become ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import requests

if TYPE_CHECKING:
    from types import TracebackType

    from tests.cluster.components import Layout


class Probe:
    """Asks etcd and the API server of one cluster; a context manager."""

    def __init__(self, layout: Layout) -> None:
        """Prepare; nothing is asked yet."""
        self._layout = layout
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy and no credentials from the environment
        self._session.verify = str(layout.pki / "ca.crt")
        self._session.cert = (str(layout.pki / "admin.crt"), str(layout.pki / "admin.key"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session.close()

    def etcd_healthy(self) -> bool:
        """Whether etcd serves."""
        return self._ok(f"{self._layout.etcd}/health")

    def reads(self, path: str) -> bool:
        """Whether the API server answers this path with success."""
        return self._ok(f"{self._layout.server}{path}")

    def create(self, path: str, body: dict[str, Any]) -> None:
        """Create an object."""
        answer = self._session.post(f"{self._layout.server}{path}", json=body, timeout=10)
        answer.raise_for_status()

    def ready_nodes(self) -> int:
        """How many nodes are Ready."""
        url = f"{self._layout.server}/api/v1/nodes"
        nodes = self._session.get(url, timeout=10).json()["items"]
        ready = {"type": "Ready", "status": "True"}.items()
        return sum(
            any(ready <= condition.items() for condition in node["status"].get("conditions", []))
            for node in nodes
        )

    def _ok(self, url: str) -> bool:
        try:
            return self._session.get(url, timeout=5).ok
        except (requests.ConnectionError, requests.Timeout):
            return False
