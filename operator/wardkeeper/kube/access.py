# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The ways to the API server: as the pod we run in, or as the person whose kubeconfig it is.

TLS is always verified; there is no way to switch that off.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from wardkeeper.kube.credentials import Access, AccessError, TokenFile
from wardkeeper.kube.kubeconfig import from_kubeconfig

__all__ = ["Access", "AccessError", "TokenFile", "from_kubeconfig", "from_service_account"]

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


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
