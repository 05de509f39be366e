# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Lets programs of this machine reach servers in a sandbox, and never the other way round.

It listens on the loopback address here and connects to the same port of the loopback address
there, so an address is the same on both sides.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import sys
from pathlib import Path

HOST = "127.0.0.1"
CHUNK = 1 << 16
CLONE_NEWNET = 0x40000000


def main(arguments: list[str]) -> int:
    """Relay the ports to the network namespace of a process: `PID PORT...`; the exit code."""
    pid, *ports = (int(one) for one in arguments)
    listening = []
    for port in ports:
        try:
            listening.append(_listen(port))
        except OSError as error:
            sys.stderr.write(f"port {port} of {HOST} is taken: {error.strerror}\n")
            return 1
    _enter(pid)
    asyncio.run(_serve(listening))
    return 0


def _listen(port: int) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((HOST, port))
    made.listen(128)
    made.setblocking(False)
    return made


def _enter(pid: int) -> None:
    """Make connections in that process's network from now on; what listens stays where it is."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path(f"/proc/{pid}/ns/net").open() as network:
        if libc.setns(network.fileno(), CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


async def _serve(listening: list[socket.socket]) -> None:
    servers = [await asyncio.start_server(_connected, sock=one) for one in listening]
    await asyncio.gather(*(one.serve_forever() for one in servers))


async def _connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    port = writer.get_extra_info("sockname")[1]
    try:
        there_reader, there_writer = await asyncio.open_connection(HOST, port)
    except OSError:
        writer.transport.abort()  # as if nobody listened here either
        return
    await asyncio.gather(_pass_on(reader, there_writer), _pass_on(there_reader, writer))
    there_writer.close()
    writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
