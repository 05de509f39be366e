# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a connection can be opened, which is all that a NetworkPolicy decides."""

from __future__ import annotations

import asyncio


async def reaches(host: str, port: int, *, timeout: float) -> bool:
    """Open a TCP connection and close it again; False when it is refused or nobody answers.

    Args:
        host: address or name.
        port: TCP port.
        timeout: seconds; a plug-in that drops packets lets them pass in silence.
    """
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(host, port)
    except OSError:  # a timeout is one too
        return False
    writer.close()
    return True


async def listen(host: str | None, port: int) -> asyncio.Server:
    """A listener that takes connections and says nothing: to be reached is all it is for.

    Args:
        host: address to listen on; None for all.
        port: TCP port; 0 for any.

    Raises:
        OSError: the port is taken.
    """

    async def taken(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    return await asyncio.start_server(taken, host, port)
