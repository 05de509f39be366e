# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Ports on which something will listen, or never does, though others use the machine meanwhile."""

from __future__ import annotations

import random
import socket
from itertools import islice

HERE = "127.0.0.1"
NOT_FOR_CLIENTS = range(10_000, 20_000)
"""Linux gives these to no outgoing connection, and test clusters listen above them."""


def free_ports(number: int, *hosts: str) -> tuple[int, ...]:
    """Ports that are free at all of these addresses; on the loopback address by default."""
    drawn = random.sample(NOT_FOR_CLIENTS, len(NOT_FOR_CLIENTS))
    return tuple(islice((port for port in drawn if _is_free(port, hosts or (HERE,))), number))


def _is_free(port: int, hosts: tuple[str, ...]) -> bool:
    try:
        for host in hosts:
            socket.create_server((host, port)).close()
    except OSError:
        return False
    return True
