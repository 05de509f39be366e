# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Who this process is among its replicas: the holder written into the Lease and into Events."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def identity(environ: Mapping[str, str], fallback: Callable[[], str]) -> str:
    """The pod's name and uid, which no two processes share.

    Args:
        environ: the environment; the Deployment sets POD_NAME and POD_UID.
        fallback: makes a name for a process outside of a pod: host name and something random.
    """
    name, uid = environ.get("POD_NAME"), environ.get("POD_UID")
    return f"{name}_{uid}" if name and uid else fallback()
